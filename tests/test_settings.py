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
from app.smtp_server import SmtpServer, security_for

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
    assert (settings.smtp, settings.postmark_token, settings.mail_from) == (None, None, None)
    assert settings.postmark_url == "https://api.postmarkapp.com"
    assert (settings.mails_per_day, settings.new_recipients_per_day) == (100, 50)


def test_proofs_of_mail_providers_are_read_and_never_shown() -> None:
    given = {"KALENDS_INBOUND_BASIC_AUTH": "postmark:a:b", "KALENDS_AGENTMAIL_WEBHOOK_SECRET": "whsec_c2VjcmV0"}
    settings = read(**given, KALENDS_RATE_LIMIT_INBOUND="5", KALENDS_AGENTMAIL_URL="http://127.0.0.1:9/")
    assert (settings.inbound_basic_auth, settings.agentmail_webhook_secret) == tuple(given.values())
    assert (settings.rate_limit_inbound, settings.agentmail_url) == (5, "http://127.0.0.1:9")
    assert "a:b" not in repr(settings)
    assert "c2VjcmV0" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KALENDS_INBOUND_BASIC_AUTH", "no-colon-s3cret"),
        ("KALENDS_INBOUND_BASIC_AUTH", ":s3cret"),
        ("KALENDS_AGENTMAIL_WEBHOOK_SECRET", "s3cret"),
        ("KALENDS_AGENTMAIL_WEBHOOK_SECRET", "whsec_s3cret!"),
        ("KALENDS_AGENTMAIL_URL", "http://agentmail.example"),
    ],
)
def test_a_proof_that_cannot_be_one_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(**{name: value})
    assert str(refusal.value).startswith(name)
    assert "s3cret" not in str(refusal.value)


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
        ("KALENDS_SMTP_URL", "https://smtp.example.com", "does not begin with smtp://"),
        ("KALENDS_SMTP_URL", "smtp.example.com:587", "does not begin with smtp://"),
        ("KALENDS_SMTP_URL", "smtps://user:pass/word@smtp.example.com", "write @ as %40, / as %2F"),
        ("KALENDS_SMTP_URL", "smtps://user:pass#word@smtp.example.com", "write @ as %40, / as %2F"),
        ("KALENDS_SMTP_URL", "smtps://user:password@", "names no host"),
        ("KALENDS_SMTP_URL", "smtps://user@smtp.example.com", "without a password"),
        ("KALENDS_SMTP_URL", "smtps://:password@smtp.example.com", "without a user name"),
        ("KALENDS_SMTP_URL", "smtps://user:pass%0Aword@smtp.example.com", "control character"),
        ("KALENDS_SMTP_URL", "smtp://smtp.example.com:0", "port 0"),
        ("KALENDS_SMTP_URL", "smtp://smtp.example.com/inbox", "more than user, password, host and port"),
        ("KALENDS_SMTP_URL", "smtp://smtp.example.com?starttls=sometimes", "?starttls=required"),
        ("KALENDS_SMTP_URL", "smtps://smtp.example.com?starttls=never", "which only smtp:// takes"),
        ("KALENDS_SMTP_URL", "smtp://smtp.example.com:465?starttls=never", "which only smtp:// takes"),
        ("KALENDS_POSTMARK_TOKEN", "two words", "has blanks"),
        ("KALENDS_POSTMARK_URL", "api.postmarkapp.com", "does not begin with http"),
        ("KALENDS_POSTMARK_URL", "http://api.postmarkapp.com", "shows the token"),
        ("KALENDS_MAIL_FROM", "Work <work@example.com>", "not one plain mail address"),
        ("KALENDS_MAIL_FROM", ".work@example.com", "not one plain mail address"),
        ("KALENDS_MAIL_FROM", "work@", "not one plain mail address"),
        ("KALENDS_MAILS_PER_DAY", "0", "from 1 to"),
        ("KALENDS_NEW_RECIPIENTS_PER_DAY", "many", "from 1 to"),
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


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://user:pass@smtp.example.com", SmtpServer("smtp.example.com", 465, "user", "pass", "tls")),
        ("smtps://smtp.example.com:8465", SmtpServer("smtp.example.com", 8465, security="tls")),
        ("smtp://u%40x:p%2Fw%25@SMTP.example.com", SmtpServer("smtp.example.com", 587, "u@x", "p/w%", "starttls")),
        ("smtp://user:p@ss@smtp.example.com:25", SmtpServer("smtp.example.com", 25, "user", "p@ss", "starttls")),
        ("smtp://smtp.example.com:465", SmtpServer("smtp.example.com", 465, security="tls")),
        ("smtp://mail_relay:25?starttls=never", SmtpServer("mail_relay", 25, security="none")),
        ("smtp://localhost:1025", SmtpServer("localhost", 1025, security="none")),
        ("smtp://[::1]:1025", SmtpServer("::1", 1025, security="none")),
        ("smtp://127.0.0.1?starttls=required", SmtpServer("127.0.0.1", 587, security="starttls")),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, server: SmtpServer) -> None:
    assert read(KALENDS_SMTP_URL=url).smtp == server


def test_an_agents_own_server_is_spoken_to_in_the_clear_on_this_machine_only() -> None:
    assert security_for("smtp.example.com", 465) == security_for("localhost", 465) == "tls"
    assert security_for("smtp.example.com", 2525, secure=True) == "tls"
    assert security_for("smtp.example.com", 25) == security_for("10.0.0.1", 25) == "starttls"
    assert security_for("localhost", 25) == security_for("127.8.0.1", 25) == "none"


def test_settings_of_mail_are_read() -> None:
    settings = read(
        KALENDS_POSTMARK_TOKEN="tok-1",
        KALENDS_POSTMARK_URL="http://127.0.0.1:9000/",
        KALENDS_MAIL_FROM="Calendars@Example.com",
        KALENDS_MAILS_PER_DAY="7",
        KALENDS_NEW_RECIPIENTS_PER_DAY="3",
    )
    assert (settings.postmark_token, settings.postmark_url) == ("tok-1", "http://127.0.0.1:9000")
    assert settings.mail_from == "Calendars@example.com"
    assert (settings.mails_per_day, settings.new_recipients_per_day) == (7, 3)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Refusal) as caught:
        read(KALENDS_PORT="x", KALENDS_WORKERS="many")
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["KALENDS_PORT", "KALENDS_WORKERS"]


def test_settings_at_fault_leave_the_others_as_they_are_given() -> None:
    settings, faults = Settings.examined({"KALENDS_PORT": "x", "KALENDS_WORKERS": "3"})
    assert list(faults) == ["KALENDS_PORT"]
    assert (settings.port, settings.workers) == (8000, 3)


@hypothesis_settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([setting.name for setting in SETTINGS]), st.text(max_size=40)))
def test_any_text_is_either_read_or_refused(environ: dict[str, str]) -> None:
    with suppress(Refusal):
        assert Settings.from_env(environ).served_url.startswith("http://")


@given(st.integers(1, WORKERS_MAX))
def test_the_pools_of_all_processes_stay_within_what_postgres_allows(workers: int) -> None:
    settings = Settings(workers=workers)
    assert settings.pool_size >= 1
    assert (settings.pool_size + settings.sending_pool_size) * workers <= CONNECTION_BUDGET


def test_a_pooler_is_told_by_the_way_around_it() -> None:
    pooler, postgres = "postgresql://me@pooler:6432/kalends", "postgresql://me@db:5432/kalends"
    given = read(DATABASE_URL=pooler, KALENDS_DATABASE_DIRECT_URL=postgres)
    assert (given.is_pooled, given.prepares) == (True, False)
    tracked = read(DATABASE_URL=pooler, KALENDS_DATABASE_DIRECT_URL=postgres, KALENDS_DATABASE_PREPARE="on")
    assert (tracked.is_pooled, tracked.prepares) == (True, True)
    plain = read(DATABASE_URL=postgres, KALENDS_DATABASE_DIRECT_URL=postgres)
    assert (plain.is_pooled, plain.prepares) == (False, True)
    assert not read(DATABASE_URL=postgres, KALENDS_DATABASE_PREPARE="off").prepares


def test_a_way_around_a_pooler_that_is_not_named_is_refused() -> None:
    with pytest.raises(Refusal, match="set DATABASE_URL to the pooler's address"):
        read(KALENDS_DATABASE_DIRECT_URL="postgresql://me@db:5432/kalends")


def test_no_secret_shows_in_a_repr_or_in_a_refusal() -> None:
    settings = read(
        KALENDS_SECRET_KEY=KEY,
        DATABASE_URL="postgresql://me:hunter2@db/kalends",
        KALENDS_SMTP_URL="smtps://me:hunter2@smtp.example.com",
        KALENDS_POSTMARK_TOKEN="hunter2",
    )
    assert "hunter2" not in repr(settings.smtp)
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)
    for environ in (
        {"KALENDS_SECRET_KEY": "tooshort"},
        {"DATABASE_URL": "postgres//me:hunter2@db"},
        {"KALENDS_DATABASE_DIRECT_URL": "postgres//me:hunter2@db"},
        {"KALENDS_SMTP_URL": "smtps://me:hunter2/@smtp.example.com"},
        {"KALENDS_SMTP_URL": "smtp.example.com?password=hunter2"},
        {"KALENDS_POSTMARK_TOKEN": "hunter2 hunter2"},
    ):
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
