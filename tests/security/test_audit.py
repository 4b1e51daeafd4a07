"""Attacks on the audit log: rows of the SQLite file are flipped, removed, reordered, cut off and signed anew; each is
found, and named by entry or epoch."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from qmk.abi.calls import q_negotiate_caps
from qmk.base.errors import QmkError
from qmk.base.merkle import Frontier
from qmk.host import audit, seals
from qmk.host.audit_reader import AuditReader
from qmk.host.host import Host, Turns
from qmk.host.routing import Routing
from qmk.host.seals import Sealer
from qmk.host.store import open_journal
from qmk.kernel.audit import GENESIS, entry_hash
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.policy.standard import STANDARD
from qmk.rpc import keys

EPOCHS = 6


class Desk:
    """Ports of a host that only talks."""

    def __init__(self) -> None:
        self.answers = 0

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self.answers += 1

    def refuse(self, conn: int, ref: int, error: QmkError) -> None:
        raise AssertionError(error)

    def launch(self, launch: Any, graph: bytes, state: bytes | None = None) -> None: ...
    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None: ...

    def reconcile(self, fences: Any) -> list[tuple[str, int]]:
        return []

    def set(self, key: str, at_ns: int) -> None: ...
    def clear(self, key: str) -> None: ...


def run_host(folder: Path, epochs: int = EPOCHS, stop: bool = True) -> None:
    """A daemon's life without its socket: sessions open in ``epochs`` epochs, two entries each."""
    journal = open_journal(folder)
    now_ns = 1_800_000_000_000_000_000 + (journal.last_seal() is not None) * 10**12
    desk, turns = Desk(), []
    clock = [now_ns]
    host = Host(
        Kernel(KernelConfig(audited=True), STANDARD),
        journal,
        Routing(1 << 30, 1, {}),
        desk,
        desk,
        Turns(schedule=turns.append),
        clock_ns=lambda: clock[0],
        seals=Sealer(folder, journal.last_seal()),
    )
    host.connect(desk)  # pyright: ignore[reportArgumentType]
    host.recover()
    for ref in range(epochs):
        clock[0] += 150_000_000
        host.call(1, ref, "q_negotiate_caps", q_negotiate_caps.Request())
        while turns:
            turns.pop(0)()
    assert desk.answers == epochs
    if stop:
        host.shut_down()
        while turns:
            turns.pop(0)()
    journal.close()


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    run_host(folder)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "state"))


def sql(folder: Path, *statements: str, values: tuple[Any, ...] = ()) -> None:
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        for statement in statements:
            connection.execute(statement, values)
    connection.close()


def rows(folder: Path) -> list[tuple[int, bytes, bytes]]:
    with AuditReader(folder / "journal.sqlite") as log:
        return list(log.audit_entries())


def report(folder: Path, *witnesses: seals.Seal, head: bool = True) -> audit.Report:
    """As ``qmk audit verify``; ``head`` False: as if ``audit.head`` had been removed too."""
    key = keys.public_key(folder / "keys" / "audit.pub")
    kept = [seals.read_witness(path) for path in audit.kept_witnesses(folder)] if head else []
    with AuditReader(folder / "journal.sqlite") as log:
        return audit.verify(log, key, [*witnesses, *kept])


def faults(folder: Path, **options: Any) -> list[tuple[str, int, int]]:
    return [(fault.what, fault.entry, fault.seal) for fault in report(folder, **options).faults]


def test_an_honest_log_is_intact(folder: Path) -> None:
    found = report(folder)
    assert found.ok, found.faults
    assert found.entries == 2 * EPOCHS + 2
    assert found.unsealed == 0
    assert found.seals == EPOCHS + 2 - 1


def test_the_key_is_its_owners_alone_and_the_log_goes_on_over_restarts(folder: Path) -> None:
    assert stat.S_IMODE((folder / "keys" / "audit.key").stat().st_mode) == 0o600
    run_host(folder, stop=False)
    run_host(folder)
    assert report(folder).ok


def test_a_flipped_byte_of_an_entry(folder: Path) -> None:
    data = bytearray(rows(folder)[4][1])
    data[data.index(b"local")] ^= 1
    sql(folder, "UPDATE audit SET entry=? WHERE seq=5", values=(bytes(data),))
    assert faults(folder) == [("changed", 5, 0)]


def test_a_flipped_byte_of_a_hash(folder: Path) -> None:
    data = bytearray(rows(folder)[4][2])
    data[0] ^= 1
    sql(folder, "UPDATE audit SET hash=? WHERE seq=5", values=(bytes(data),))
    assert faults(folder) == [("changed", 5, 0)]


def test_an_entry_and_every_hash_after_it_written_anew(folder: Path) -> None:
    """The chain is whole again; the signed root is not."""
    stored = rows(folder)
    before = stored[3][2]
    for seq, data, _ in stored[4:]:
        changed = data.replace(b'"local"', b'"other"') if seq == 5 else data
        before = entry_hash(before, changed)
        sql(folder, "UPDATE audit SET entry=?, hash=? WHERE seq=?", values=(changed, before, seq))
    found = report(folder)
    assert found.faults[0].what == "changed"
    with AuditReader(folder / "journal.sqlite") as log:
        covering = next(seal.read() for seal in log.seals() if seal.read().last_seq >= 5)
    assert found.faults[0].seal == covering.number
    assert f"epoch {covering.epoch} " in found.faults[0].message


def test_a_removed_entry(folder: Path) -> None:
    sql(folder, "DELETE FROM audit WHERE seq=6")
    assert faults(folder) == [("missing", 6, 0)]
    assert "entry 6 is missing" in report(folder).faults[0].message


def test_a_removed_entry_with_the_gap_closed(folder: Path) -> None:
    sql(folder, "DELETE FROM audit WHERE seq=6", "UPDATE audit SET seq=-(seq-1) WHERE seq>6")
    sql(folder, "UPDATE audit SET seq=-seq WHERE seq<0")
    assert faults(folder)[0] == ("reordered", 6, 0)


def test_two_entries_in_each_others_place(folder: Path) -> None:
    sql(folder, "UPDATE audit SET seq=-5 WHERE seq=5", "UPDATE audit SET seq=5 WHERE seq=6")
    sql(folder, "UPDATE audit SET seq=6 WHERE seq=-5")
    assert faults(folder) == [("reordered", 5, 0), ("reordered", 6, 0)]


def test_an_added_entry(folder: Path) -> None:
    last, _, head = rows(folder)[-1]
    data = json.dumps([last + 1, 10**9, 10**18, "job.admit", "local", {}], separators=(",", ":")).encode()
    values = (last + 1, data, entry_hash(b"\0" * 32, data))
    sql(folder, "INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)", values=values)
    assert faults(folder) == [("changed", last + 1, 0)]
    sql(folder, "UPDATE audit SET hash=? WHERE seq=?", values=(entry_hash(head, data), last + 1))
    assert report(folder).unsealed == 1, "a well-made entry at the end is only known for what it is: not signed"


def test_a_tail_cut_off(folder: Path) -> None:
    last = rows(folder)[-1][0]
    sql(folder, f"DELETE FROM audit WHERE seq>{last - 3}")
    found = report(folder)
    assert {fault.what for fault in found.faults} == {"cut"}
    assert found.faults[0].entry == last - 2


def test_a_tail_cut_off_with_its_seals(folder: Path) -> None:
    """What is left is a true log of an earlier time: only a seal kept elsewhere tells."""
    with AuditReader(folder / "journal.sqlite") as log:
        stored = list(log.seals())
    keep = stored[-3].read()
    sql(folder, f"DELETE FROM audit WHERE seq>{keep.last_seq}", f"DELETE FROM seal WHERE number>{keep.number}")
    assert faults(folder) == [("cut", stored[-1].read().last_seq, stored[-1].number)]
    assert report(folder, head=False).ok
    assert not report(folder, stored[-2], head=False).ok


def test_a_daemon_that_finds_its_log_cut_keeps_the_evidence(folder: Path) -> None:
    with AuditReader(folder / "journal.sqlite") as log:
        last = list(log.seals())[-1]
    sql(folder, f"DELETE FROM audit WHERE seq>={last.read().first_seq}", f"DELETE FROM seal WHERE number={last.number}")
    run_host(folder)
    assert ("cut", last.read().last_seq, last.number) in faults(folder)


def test_a_removed_seal(folder: Path) -> None:
    sql(folder, "DELETE FROM seal WHERE number=3")
    assert ("missing", 0, 3) in faults(folder)


def test_a_changed_seal(folder: Path) -> None:
    with AuditReader(folder / "journal.sqlite") as log:
        body = list(log.seals())[2].body.replace(b",3,", b",4,", 1)
    sql(folder, "UPDATE seal SET body=? WHERE number=3", values=(body,))
    assert ("forged", 0, 3) in faults(folder)


def test_two_seals_in_each_others_place(folder: Path) -> None:
    sql(folder, "UPDATE seal SET number=-3 WHERE number=3", "UPDATE seal SET number=3 WHERE number=4")
    sql(folder, "UPDATE seal SET number=4 WHERE number=-3")
    assert {("reordered", 0, 3), ("reordered", 0, 4)} <= set(faults(folder))


def test_a_whole_log_written_anew_and_signed_with_another_key(folder: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    stored, before, hashes = rows(folder), GENESIS, {}
    for seq, data, _ in stored:
        changed = data.replace(b'"local"', b'"other"')
        hashes[seq] = before = entry_hash(before, changed)
        sql(folder, "UPDATE audit SET entry=?, hash=? WHERE seq=?", values=(changed, before, seq))
    with AuditReader(folder / "journal.sqlite") as log:
        bodies = [seal.read() for seal in log.seals()]
    previous = seals.NO_SEAL
    for body in bodies:
        covered = range(body.first_seq, body.last_seq + 1)
        frontier = Frontier()
        for seq in covered:
            frontier.add(hashes[seq])
        root, head = frontier.root().hex(), hashes[body.last_seq].hex()
        made = msgspec.structs.replace(body, root=root, head=head, previous=previous, key=public)
        data = msgspec.json.encode(made)
        previous = seals.Seal(body.number, data, b"").hash
        values = (data, key.sign(data), body.number)
        sql(folder, "UPDATE seal SET body=?, signature=? WHERE number=?", values=values)
    found = faults(folder)
    assert [row for row in found if row[0] == "forged"] == [("forged", 0, body.number) for body in bodies]
    assert "another key" in report(folder).faults[0].message


def test_rubbish_in_every_column_is_reported_not_raised(folder: Path) -> None:
    sql(folder, "UPDATE audit SET entry='[1,2]' WHERE seq=4", "UPDATE audit SET hash=7 WHERE seq=8")
    sql(folder, "UPDATE seal SET body='x' WHERE number=2", "UPDATE seal SET signature='' WHERE number=5")
    found = faults(folder)
    assert {("unreadable", 4, 0), ("changed", 8, 0), ("unreadable", 0, 2), ("forged", 0, 5)} <= set(found)


@pytest.fixture
def proof(folder: Path) -> audit.Proof:
    with AuditReader(folder / "journal.sqlite") as log:
        return audit.prove(log, 5)


def test_every_entry_has_a_proof_that_stands_alone(folder: Path) -> None:
    key = keys.public_key(folder / "keys" / "audit.pub")
    with AuditReader(folder / "journal.sqlite") as log:
        for seq, data, _ in rows(folder):
            made = msgspec.json.decode(msgspec.json.encode(audit.prove(log, seq)), type=audit.Proof)
            assert audit.check(made, key).seq == seq
            assert made.entry.encode() == data


Change = Callable[[audit.Proof], dict[str, Any]]


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: {"entry": proof.entry.replace("local", "other")},
        lambda proof: {"before": "00" * 32},
        lambda proof: {"path": proof.path[1:]},
        lambda proof: {"path": [*proof.path, proof.path[0]]},
        lambda proof: {"path": [("R" if row[0] == "L" else "L") + row[1:] for row in proof.path]},
        lambda proof: {"path": ["L"]},
        lambda proof: {"path": ["Lzz"]},
        lambda proof: {"seal": proof.seal.replace(",", ", ", 1)},
        lambda proof: {"signature": "00" * 64},
        lambda proof: {"signature": "zz"},
        lambda proof: {"form": "qmk audit proof 2"},
        lambda proof: {"seal": "{}"},
        lambda proof: {"entry": "[]"},
    ],
)
def test_a_tampered_proof(folder: Path, proof: audit.Proof, change: Change) -> None:
    key = keys.public_key(folder / "keys" / "audit.pub")
    with pytest.raises(QmkError) as error:
        audit.check(msgspec.structs.replace(proof, **change(proof)), key)
    assert error.value.kind.name == "INVALID_PARAMS"


def test_a_proof_under_another_key(proof: audit.Proof) -> None:
    with pytest.raises(QmkError, match="not signed by this key"):
        audit.check(proof, Ed25519PrivateKey.generate().public_key())


def test_no_proof_of_what_is_not_there_or_not_sealed(folder: Path) -> None:
    run_host(folder, stop=False)
    with AuditReader(folder / "journal.sqlite") as log:
        last = rows(folder)[-1][0]
        with pytest.raises(QmkError, match="not sealed yet"):
            audit.prove(log, last)
        with pytest.raises(QmkError, match="no entry"):
            audit.prove(log, last + 1)


def test_a_key_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "keys" / "audit.key").chmod(0o640)
    with pytest.raises(QmkError, match="others may read"):
        keys.signing_key(folder / "keys", "audit")


def test_a_public_key_that_is_not_its_half_is_refused(folder: Path, tmp_path: Path) -> None:
    keys.signing_key(tmp_path / "keys", "audit")
    shutil.copy(tmp_path / "keys" / "audit.pub", folder / "keys" / "audit.pub")
    with pytest.raises(QmkError, match="public half"):
        keys.signing_key(folder / "keys", "audit")
