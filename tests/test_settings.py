from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.refusal import Refusal
from app.settings import CONNECTION_BUDGET, SETTINGS, WORKERS_MAX, Settings, warnings

KEY = "k" * 32
OTHER_KEY = "o" * 40


def read(**environ: str) -> Settings:
    return Settings.from_env(environ)


def test_an_empty_environment_serves_this_machine_only() -> None:
    settings = read()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.is_loopback
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.email_domain == "kalends.localhost"
    assert settings.rate_limits is True
    assert settings.allow_private_hosts is None
    assert settings.data_dir == Path.cwd() / ".kalends"


def test_an_empty_variable_counts_as_absent() -> None:
    assert Settings.from_env({setting.name: " " for setting in SETTINGS}) == read()


def test_the_mail_domain_follows_the_public_url() -> None:
    assert read(KALENDS_PUBLIC_URL="https://Cal.Example.com/").email_domain == "cal.example.com"
    assert read(KALENDS_PUBLIC_URL="http://192.0.2.7:8000").email_domain == "kalends.localhost"
    assert read(KALENDS_PUBLIC_URL="http://localhost").email_domain == "kalends.localhost"
    explicit = read(KALENDS_PUBLIC_URL="https://cal.example.com", KALENDS_EMAIL_DOMAIN="Mail.Example.com")
    assert explicit.email_domain == "mail.example.com"


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://cal.example.com", "https://cal.example.com"),
        ("HTTPS://CAL.example.com:8443/", "https://cal.example.com:8443"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]:80"),
    ],
)
def test_a_public_url_is_kept_without_its_final_slash(given_url: str, kept: str) -> None:
    assert read(KALENDS_PUBLIC_URL=given_url).url == kept


def test_urls_of_an_address_for_every_interface_work_on_this_machine() -> None:
    assert read(KALENDS_HOST="0.0.0.0", KALENDS_PORT="9000").served_url == "http://127.0.0.1:9000"
    assert read(KALENDS_HOST="[::1]").served_url == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("KALENDS_PORT", "65536", "from 0 to 65535"),
        ("KALENDS_PORT", "-1", "from 0 to 65535"),
        ("KALENDS_PORT", "٣", "from 0 to 65535"),
        ("KALENDS_HOST", "http://x", "neither an address nor a host name"),
        ("KALENDS_WORKERS", "0", "from 1 to 64"),
        ("KALENDS_WORKERS", "65", "from 1 to 64"),
        ("KALENDS_RATE_LIMITS", "yes", "neither on nor off"),
        ("KALENDS_ALLOW_PRIVATE_HOSTS", "true", "neither 0 nor 1"),
        ("KALENDS_PUBLIC_URL", "calendars.example.com", "does not begin with http"),
        ("KALENDS_PUBLIC_URL", "ftp://calendars.example.com", "does not begin with http"),
        ("KALENDS_PUBLIC_URL", "https://", "host is not a name"),
        ("KALENDS_PUBLIC_URL", "https://a b", "host is not a name"),
        ("KALENDS_PUBLIC_URL", "https://x.example:99999", "cannot be read"),
        ("KALENDS_PUBLIC_URL", "https://x.example/kalends", "more than scheme, host and port"),
        ("KALENDS_PUBLIC_URL", "https://x.example?", "more than scheme, host and port"),
        ("KALENDS_EMAIL_DOMAIN", "localhost", "not a mail domain"),
        ("KALENDS_EMAIL_DOMAIN", "192.0.2.7", "not a mail domain"),
        ("KALENDS_EMAIL_DOMAIN", "a..b", "not a mail domain"),
        ("KALENDS_EMAIL_DOMAIN", "me@example.com", "not a mail domain"),
        ("DATABASE_URL", "mysql://db/kalends", "not a Postgres URL"),
    ],
)
def test_a_wrong_value_is_refused_with_its_fault_and_an_example(name: str, value: str, fault: str) -> None:
    with pytest.raises(Refusal) as caught:
        Settings.from_env({name: value})
    sentence = str(caught.value)
    assert caught.value.exit_code == 2
    assert sentence.startswith(name)
    assert fault in sentence
    assert "for example" in sentence


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        read(KALENDS_PORT="x", KALENDS_WORKERS="many")
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["KALENDS_PORT", "KALENDS_WORKERS"]


@hypothesis_settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([setting.name for setting in SETTINGS]), st.text(max_size=40)))
def test_any_text_is_either_read_or_refused(environ: dict[str, str]) -> None:
    with suppress(Refusal):
        assert Settings.from_env(environ).served_url.startswith("http://")


@given(st.integers(1, WORKERS_MAX))
def test_the_pools_of_all_processes_stay_within_what_postgres_allows(workers: int) -> None:
    settings = Settings(workers=workers)
    assert settings.pool_size >= 1
    assert settings.pool_size * workers <= CONNECTION_BUDGET


def test_no_secret_shows_in_a_repr_or_in_a_refusal() -> None:
    settings = read(KALENDS_SECRET_KEY=KEY, DATABASE_URL="postgresql://me:hunter2@db/kalends")
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)
    for environ in ({"KALENDS_SECRET_KEY": "tooshort"}, {"DATABASE_URL": "postgres//me:hunter2@db"}):
        with pytest.raises(Refusal) as caught:
            Settings.from_env(environ)
        assert "tooshort" not in str(caught.value)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(Refusal) as caught:
        read(KALENDS_PUBLIC_URL="https://me:hunter2@cal.example.com")
    assert "hunter2" not in str(caught.value)


def test_of_several_keys_the_first_is_the_one_that_seals() -> None:
    assert read(KALENDS_SECRET_KEY=f"{KEY}, {OTHER_KEY},").secret_keys == (KEY, OTHER_KEY)
    with pytest.raises(Refusal, match="fewer than 32 characters"):
        read(KALENDS_SECRET_KEY=f"{KEY},short")


def test_a_database_that_outlives_the_machine_needs_a_key_that_does() -> None:
    url = "postgresql://db/kalends"
    with pytest.raises(Refusal, match="KALENDS_SECRET_KEY is not set"):
        read(DATABASE_URL=url, KALENDS_HOST="0.0.0.0")
    assert read(DATABASE_URL=url, KALENDS_HOST="0.0.0.0", KALENDS_SECRET_KEY=KEY).database_url == url
    assert read(DATABASE_URL=url, KALENDS_HOST="localhost").secret_keys == ()


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    (key,) = settings.with_secret_keys().secret_keys
    assert len(key) >= 32
    assert settings.with_secret_keys().secret_keys == (key,)
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]


def test_a_given_key_leaves_no_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret_keys=(KEY,))
    assert settings.with_secret_keys() is settings
    assert not (tmp_path / "data").exists()


def test_a_damaged_key_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("oops")
    with pytest.raises(Refusal, match="Restore the file from a backup"):
        Settings(data_dir=tmp_path).with_secret_keys()
    assert (tmp_path / "secret.key").read_text() == "oops"


def test_a_misspelt_setting_is_told_with_the_one_probably_meant() -> None:
    (sentence,) = warnings({"KALENDS_DATADIR": "/data", "KALENDS_PORT": "1", "KALENDS_TEST_DATABASE_URL": "x", "A": ""})
    assert sentence.startswith("KALENDS_DATADIR is not a setting")
    assert "did you mean KALENDS_DATA_DIR?" in sentence


def test_the_readme_lists_every_setting() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [setting.name for setting in SETTINGS if setting.name not in readme] == []
