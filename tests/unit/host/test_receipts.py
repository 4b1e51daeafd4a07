"""A receipt proves the level of one job, and nothing that is put together from others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.host import receipts
from qmk.host.seals import Seal, Signer, row_of_entry
from qmk.kernel.audit import AuditLog
from qmk.kernel.effects import Audit, Effect, SealEpoch

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key()
EPOCH_NS = 10**8
ENTRIES: list[tuple[str, str, dict[str, Any]]] = [
    ("job.admit", "a", {"job": "job_1", "digest": "d1", "shots": 9}),
    ("job.admit", "b", {"job": "job_2", "digest": "d2", "shots": 9}),
    ("job.admit", "a", {"job": "job_3", "digest": "d3", "shots": 9}),
    ("job.launch", "a", {"job": "job_1"}),
    ("job.end", "a", {"job": "job_1", "state": "COMPLETED", "error": "", "isolation": "jail"}),
    ("job.end", "b", {"job": "job_2", "state": "COMPLETED", "error": "", "isolation": "microvm"}),
    ("job.end", "a", {"job": "job_3", "state": "FAILED", "error": "JOB_FAILED", "isolation": ""}),
    ("job.admit", "a", {"job": "job_4", "digest": "d4", "shots": 9}),
]


class Log:
    """A log of these entries, two an epoch."""

    def __init__(self) -> None:
        out: list[Effect] = []
        log, signer = AuditLog(EPOCH_NS), Signer(KEY, None)
        for at, entry in enumerate(ENTRIES):
            log.note(at // 2 * EPOCH_NS + at, *entry, out)
        log.seal(out)
        self._rows = [row_of_entry(effect) for effect in out if isinstance(effect, Audit)]
        self._seals = [signer.seal(effect) for effect in out if isinstance(effect, SealEpoch)]

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        return (row for row in self._rows if row[0] >= from_seq)

    def seals(self) -> Iterator[Seal]:
        return iter(self._seals)


LOG = Log()


def test_a_receipt_says_what_the_log_says() -> None:
    proven = receipts.check(receipts.make(LOG, "job_1"), PUBLIC, "jail")
    assert proven == receipts.Proven("job_1", "a", "d1", 9, "COMPLETED", "", "jail", 0, 2 * EPOCH_NS + 4)


@pytest.mark.parametrize(
    ("job", "words"),
    [("job_1", "job_1 ran at isolation level 'jail', not at 'gvisor'"), ("job_3", "job_3 has no level: it did not")],
)
def test_a_floor_that_the_job_did_not_have_is_not_proven(job: str, words: str) -> None:
    with pytest.raises(QmkError, match=words):
        receipts.check(receipts.make(LOG, job), PUBLIC, "gvisor")
    assert receipts.check(receipts.make(LOG, job), PUBLIC).job == job


def test_parts_of_two_receipts_prove_nothing() -> None:
    own, other, same = (receipts.make(LOG, f"job_{number}") for number in (1, 2, 3))
    for wrong in (
        replace(own, end=other.end),
        replace(own, end=same.end),
        replace(own, admit=own.end),
        replace(own, end=own.admit),
    ):
        with pytest.raises(QmkError, match="are not the begin and the end of one job"):
            receipts.check(wrong, PUBLIC)
    with pytest.raises(QmkError, match="not a receipt of the form"):
        receipts.check(replace(own, form="qmk job receipt 2"), PUBLIC)
    better = replace(own.end, entry=own.end.entry.replace("jail", "microvm"))
    with pytest.raises(QmkError, match="is not under the sealed root of epoch"):
        receipts.check(replace(own, end=better), PUBLIC, "microvm")
    with pytest.raises(QmkError, match="is not signed by this key"):
        receipts.check(own, Ed25519PrivateKey.from_private_bytes(b"x" * 32).public_key())


@pytest.mark.parametrize(
    ("job", "kind", "words"),
    [("job_4", "INVALID_PARAMS", "job_4 has not ended"), ("job", "JOB_NOT_FOUND", "the audit log has no job 'job'")],
)
def test_a_job_that_has_not_ended_or_is_not_there_has_none(job: str, kind: str, words: str) -> None:
    with pytest.raises(QmkError, match=words) as told:
        receipts.make(LOG, job)
    assert told.value.kind.name == kind
