"""What seals stored secrets, and whether it opens them."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable
from typing import Final

from app.db.inspect import Inspection
from app.doctor.finding import Finding, fault, ok, warning
from app.doctor.sql import sql
from app.refusal import Refusal
from app.seal import SealBroken, Sealer
from app.settings import Settings

CHECK: Final = "secret key"
_OLD_KEY: Final = "Append the old key to KALENDS_SECRET_KEY, behind a comma; then run `kalends reseal`."


def check_key(settings: Settings) -> tuple[tuple[str, ...], list[Finding]]:
    """The keys, none where there are none yet or they cannot be used; and what is to be said of them. None is made."""
    if settings.secret_keys:
        count = len(settings.secret_keys)
        behind = "" if count == 1 else f", and {count - 1} older to open with"
        return settings.secret_keys, [ok(CHECK, f"KALENDS_SECRET_KEY has a key to seal with{behind}.")]
    path = settings.data_dir / "secret.key"
    if not os.path.lexists(path):
        return (), [ok(CHECK, f"There is none yet; `kalends serve` makes one in {path}.")]
    try:
        keys = settings.with_secret_keys().secret_keys
        mode = stat.S_IMODE(path.stat().st_mode)
    except Refusal as refusal:
        mend = f"Restore {path} from a backup, or have it belong to the user that Kalends runs as."
        return (), [fault(CHECK, f"{str(refusal).partition(': ')[0]}.", mend)]
    if mode & 0o077:
        message = f"Others on this machine can read the secret key in {path} (its mode is {mode:04o})."
        return keys, [
            fault(CHECK, message, f"Run `chmod 600 {path}`; where somebody may have read it, change the key.")
        ]
    return keys, [ok(CHECK, f"The key is in {path}, for its owner alone. Back it up with the database.")]


def check_sealed(keys: tuple[str, ...]) -> Callable[[Inspection], list[Finding]]:
    """A check of whether the keys open what is stored, and of which are still needed."""

    def check(at: Inspection) -> list[Finding]:
        stored = [(bytes(key_id), count, sample) for key_id, count, sample in at.all(sql.sealed)]
        answers = [(bytes(key_id), count, "") for key_id, count in at.all(sql.sealed_answers)]
        counts: Counter[bytes] = Counter()
        for key_id, count, _ in (*stored, *answers):
            counts[key_id] += count
        if not keys:
            return [_lost(counts.total())] if counts else []
        sealer = Sealer(keys)
        findings = [
            broken for key_id, _, sample in stored if key_id in sealer.key_ids for broken in _opened(sealer, sample)
        ]
        if strange := sum(count for key_id, count in counts.items() if key_id not in sealer.key_ids):
            message = f"{strange:,} stored secrets were sealed with a key that is not given, and cannot be opened."
            findings.append(fault(CHECK, message, _OLD_KEY))
        return findings + _older(sealer, counts)

    return check


def _lost(count: int) -> Finding:
    return fault(
        CHECK,
        f"The database holds {count:,} sealed secrets, and there is no key to open them.",
        "Restore secret.key from a backup, or set KALENDS_SECRET_KEY to the key they were sealed with.",
    )


def _opened(sealer: Sealer, sample: str) -> list[Finding]:
    place, _, sealed = sample.partition(" ")
    try:
        sealer.open(bytes.fromhex(sealed), place)
    except SealBroken as broken:
        return [fault(CHECK, str(broken), "Restore that row from a backup, or rotate the secret it holds.")]
    return []


def _older(sealer: Sealer, counts: Counter[bytes]) -> list[Finding]:
    """Which of the keys behind the first have done their service."""
    findings = []
    for place, key_id in enumerate(sealer.key_ids[1:], start=2):
        if count := counts[key_id]:
            message = f"Key {place} of KALENDS_SECRET_KEY still seals {count:,} secrets."
            mend = "Run `kalends reseal`; a day later the key can be taken out."
        else:
            message = f"Key {place} of KALENDS_SECRET_KEY seals nothing any more."
            mend = "Take it out."
        findings.append(warning(CHECK, message, mend))
    return findings
