"""Receipts: what one job asked for, how it ended and at which level of isolation it ran, proven by the audit log.

A receipt is the proofs of two entries, ``job.admit`` and ``job.end``. Whoever has the public key checks it without the
log and without the daemon; what it says is read from the proven entries, never from the receipt itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from qmk.base.errors import QmkError
from qmk.base.isolation import Level, at_least, parse
from qmk.host import audit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIPT = "qmk job receipt 1"
ADMIT, END = "job.admit", "job.end"


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proofs that a job was admitted and has ended."""

    form: str
    admit: audit.Proof
    end: audit.Proof


class Proven(msgspec.Struct, frozen=True):
    """What a receipt proves. ``digest`` is that of the program's meaning; ``isolation`` is the level that the job ran
    at, empty where it did not run or gave no result; ``error`` is the name of its error, empty for none; times are
    nanoseconds since the Unix epoch by the host's clock."""

    job: str
    tenant: str
    digest: str
    shots: int
    state: str
    error: str
    isolation: str
    admitted_ns: int
    ended_ns: int


def make(log: audit.Log, job: str) -> Receipt:
    """The receipt of a job. Raises JOB_NOT_FOUND where the log has none of this id, INVALID_PARAMS where it has not
    ended, or its end is not sealed yet."""
    found = {entry.kind: entry.seq for entry in _entries(log, job)}
    if ADMIT not in found:
        raise QmkError(
            "JOB_NOT_FOUND", f"the audit log has no job '{job[:80]}'", help="qmk audit show --kind job.admit"
        )
    if END not in found:
        raise QmkError("INVALID_PARAMS", f"{job} has not ended", help=f"qmk result {job} waits for it")
    return Receipt(RECEIPT, audit.prove(log, found[ADMIT]), audit.prove(log, found[END]))


def _entries(log: audit.Log, job: str) -> list[audit.Entry]:
    """The entries of this job that a receipt proves. Bytes without its id are not read."""
    word = job.encode()
    read = (audit.read_entry(bytes(data)) for _, data, _ in log.audit_entries() if word in bytes(data))
    return [entry for entry in read if entry.kind in (ADMIT, END) and entry.fields.get("job") == job]


def check(receipt: Receipt, key: Ed25519PublicKey, floor: Level | None = None) -> Proven:
    """What the receipt proves; with ``floor``, also that the job ran at this level of isolation or a stronger one.
    Raises INVALID_PARAMS saying what does not hold."""
    if receipt.form != RECEIPT:
        raise QmkError("INVALID_PARAMS", f"this is not a receipt of the form '{RECEIPT}'")
    admit, end = audit.check(receipt.admit, key), audit.check(receipt.end, key)
    names = [entry.fields.get("job") for entry in (admit, end)]
    if [admit.kind, end.kind] != [ADMIT, END] or names[0] != names[1] or admit.tenant != end.tenant:
        raise QmkError("INVALID_PARAMS", f"entries {admit.seq} and {end.seq} are not the begin and the end of one job")
    try:
        said = {"job": names[0], "tenant": end.tenant, "admitted_ns": admit.now_ns, "ended_ns": end.now_ns}
        proven = msgspec.convert(admit.fields | end.fields | said, Proven)
    except msgspec.ValidationError as error:
        raise QmkError("INVALID_PARAMS", f"the entries of the job do not say what a receipt says: {error}") from None
    level = parse(proven.isolation)
    if floor is not None and (level is None or not at_least(level, floor)):
        ran = f"ran at isolation level '{level}'" if level else "has no level: it did not run, or gave no result"
        raise QmkError("INVALID_PARAMS", f"{proven.job} {ran}, not at '{floor}' or a stronger one", isolation=floor)
    return proven
