"""Checking the audit log: the chain, the seals, and proofs that one entry is in a sealed epoch.

Everything here reads stored bytes and public keys alone. A log that was tampered with is not an error but a report:
every fault with the entry or seal it is at, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.base.merkle import Frontier, Step, inclusion, root_from
from qmk.host.seals import NO_SEAL, SEAL, UNREADABLE, Seal, SealBody
from qmk.kernel.audit import GENESIS, entry_hash
from qmk.rpc.keys import signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FAULTS_SHOWN = 1000
"""A log that was overwritten has a fault an entry; this many are told."""

Row = tuple[int, bytes, bytes]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    seq: int
    epoch: int
    now_ns: int
    kind: str
    tenant: str
    fields: dict[str, Any]


class Fault(msgspec.Struct, frozen=True):
    """``what``: changed, missing, reordered, cut, forged or unreadable. ``entry`` or ``seal`` is its number, else 0."""

    what: str
    message: str
    entry: int = 0
    seal: int = 0


class Report(msgspec.Struct, frozen=True):
    """``entries`` and ``seals`` are what was read; ``unsealed`` of the entries no seal covers yet. ``head`` is the last
    entry's hash."""

    ok: bool
    entries: int
    seals: int
    unsealed: int
    head: str
    faults: list[Fault]


class Log(Protocol):
    """Where the log is stored; a ``Journal`` is one."""

    def audit_entries(self, from_seq: int = 1) -> Iterator[Row]: ...
    def seals(self) -> Iterator[Seal]: ...


_entry = msgspec.json.Decoder(Entry).decode


def read_entry(data: bytes) -> Entry:
    """Reads an entry. Raises INTERNAL_ERROR when the bytes are not an entry."""
    try:
        return _entry(data)
    except UNREADABLE as error:
        raise QmkError("INTERNAL_ERROR", f"an entry of the audit log cannot be read: {error}") from error


class _Walk:
    """Goes through the entries in order, with the seals beside them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.entries = 0
        self.seq = 0
        self.head = GENESIS
        self._epoch = 0
        self._unsure = False

    def fault(self, what: str, message: str, entry: int = 0, seal: int = 0) -> None:
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(Fault(what, message, entry, seal))

    def entry(self, row: Row) -> int:
        """Checks one entry against the one before. Gives the epoch it belongs to, -1 when it is not as it was
        written."""
        seq, data, stored = row
        self.entries += 1
        gap = seq - self.seq - 1
        if gap:
            gone = f"entry {seq - 1} is" if gap == 1 else f"entries {self.seq + 1} to {seq - 1} are"
            self.fault("missing", f"{gone} missing", self.seq + 1)
        unsure = self._unsure or gap != 0  # the hash before may be wrong: this entry cannot be blamed for it
        faults = len(self.faults)
        epoch = self._contents(seq, data, stored, unsure)
        self.seq, self.head = seq, bytes(stored)
        self._unsure = len(self.faults) > faults
        return epoch

    def _contents(self, seq: int, data: bytes, stored: bytes, unsure: bool) -> int:
        try:
            entry = _entry(data)
        except UNREADABLE:
            self.fault("unreadable", f"entry {seq} is not an entry of an audit log", seq)
            return -1
        earlier, self._epoch = self._epoch, max(self._epoch, entry.epoch)
        if entry.seq != seq:
            self.fault("reordered", f"entry {entry.seq} stands in the place of entry {seq}", seq)
        elif not unsure and entry_hash(self.head, data) != stored:
            self.fault("changed", f"entry {seq} ({entry.kind}) or its hash was changed", seq)
        elif entry.epoch < earlier:
            self.fault("changed", f"entry {seq} is of epoch {entry.epoch}, before the epoch of the entry before", seq)
        else:
            return entry.epoch
        return -1


def verify(log: Log, key: Ed25519PublicKey, witnesses: Iterable[Seal] = ()) -> Report:
    """Verifies the whole log. ``key`` is whose seals are believed; ``witnesses`` are seals kept elsewhere, which must
    be in the log."""
    walk = _Walk()
    rows = log.audit_entries()
    row = next(rows, None)
    seals = list(log.seals())
    before: Seal | None = None
    last_seq = 0
    for seal in seals:
        body = _check_seal(walk, seal, before, last_seq, key)
        before = seal
        if body is None:
            continue
        last_seq = body.last_seq
        tree = Frontier()
        strange = len(walk.faults)
        while row is not None and row[0] <= body.last_seq:
            epoch = walk.entry(row)
            if row[0] >= body.first_seq:
                tree.add(bytes(row[2]))
                if epoch not in (-1, body.epoch):
                    words = f"entry {row[0]} is of epoch {epoch}, its seal {seal.number} of epoch {body.epoch}"
                    walk.fault("changed", words, row[0], seal.number)
            row = next(rows, None)
        _check_root(walk, body, tree, strange)
    unsealed = 0
    while row is not None:
        walk.entry(row)
        unsealed += 1
        row = next(rows, None)
    _check_witnesses(walk, seals, witnesses, key)
    return Report(not walk.faults, walk.entries, len(seals), unsealed, walk.head.hex(), walk.faults)


def _check_seal(walk: _Walk, seal: Seal, before: Seal | None, last_seq: int, key: Ed25519PublicKey) -> SealBody | None:
    """Checks a seal by itself and against the one before. None when nothing in it can be trusted."""
    number = before.number + 1 if before is not None else 1
    if seal.number > number:
        gone = f"seal {number} is" if seal.number == number + 1 else f"seals {number} to {seal.number - 1} are"
        walk.fault("missing", f"{gone} missing", seal=number)
    try:
        body = seal.read()
    except UNREADABLE:
        walk.fault("unreadable", f"seal {seal.number} is not a seal of an audit log", seal=seal.number)
        return None
    if not signed_by(key, seal.signature, seal.body):
        own = body.key == key.public_bytes_raw().hex()
        why = "its signature does not fit what it says" if own else f"it is signed with another key, {body.key[:16]}..."
        walk.fault("forged", f"seal {seal.number} of epoch {body.epoch} is forged: {why}", seal=seal.number)
        return None
    if body.form != SEAL or body.number != seal.number:
        walk.fault("reordered", f"seal {body.number} stands in the place of seal {seal.number}", seal=seal.number)
        return None
    if seal.number == number and body.previous != (before.hash if before is not None else NO_SEAL):
        walk.fault("forged", f"seal {seal.number} does not continue the seal before", seal=seal.number)
    elif seal.number == number and before is not None and body.first_seq != last_seq + 1 and last_seq:
        walk.fault("forged", f"seal {seal.number} begins at entry {body.first_seq}, not {last_seq + 1}", seal=number)
    return body


def _check_root(walk: _Walk, body: SealBody, tree: Frontier, faults_before: int) -> None:
    """Whether the entries that were read are those that were signed; quiet where a fault among them is told already."""
    if walk.seq < body.last_seq:
        one = walk.seq + 1 == body.last_seq
        gone = f"entry {body.last_seq} is" if one else f"entries {walk.seq + 1} to {body.last_seq} are"
        words = f"{gone} gone, which seal {body.number} of epoch {body.epoch} covers"
        walk.fault("cut", words, walk.seq + 1, body.number)
        walk.seq = body.last_seq
        walk.head = bytes.fromhex(body.head)
    elif len(walk.faults) == faults_before and (tree.root().hex() != body.root or walk.head.hex() != body.head):
        words = f"entries {body.first_seq} to {body.last_seq} are not those of epoch {body.epoch} that were signed"
        walk.fault("changed", f"{words}: the root of seal {body.number} differs", body.first_seq, body.number)


def _check_witnesses(walk: _Walk, seals: Sequence[Seal], witnesses: Iterable[Seal], key: Ed25519PublicKey) -> None:
    known = {seal.hash for seal in seals}
    for witness in witnesses:
        number = witness.number
        if not signed_by(key, witness.signature, witness.body):
            walk.fault("forged", f"the seal {number} that was kept elsewhere is not signed by this key", seal=number)
        elif witness.hash not in known:
            body = witness.read()
            words = f"seal {number}, signed over the entries up to {body.last_seq}, is not in the log"
            walk.fault("cut", f"{words}: its end was cut off, or its history replaced", body.last_seq, number)


class Proof(msgspec.Struct, frozen=True):
    """A proof that an entry is in a sealed epoch. ``path``: siblings from the leaf to the root, each ``L`` (it stands
    on the left) or ``R`` and its hash in hexadecimal. ``before`` is the hash of the entry before."""

    form: str
    entry: str
    before: str
    path: list[str]
    seal: str
    signature: str


PROOF = "qmk audit proof 1"


def prove(log: Log, seq: int) -> Proof:
    """Makes the proof of an entry. Raises INVALID_PARAMS when there is no such entry or no seal covers it yet,
    INTERNAL_ERROR when the log is not what was sealed."""
    for seal in log.seals():
        body = seal.read()
        if body.first_seq <= seq <= body.last_seq:
            return _proof(log, seq, seal, body)
    if next(log.audit_entries(seq), (0,))[0] == seq:
        raise QmkError("INVALID_PARAMS", f"entry {seq} is not sealed yet", help="its epoch ends within a second")
    raise QmkError("INVALID_PARAMS", f"there is no entry {seq} in the audit log")


def _proof(log: Log, seq: int, seal: Seal, body: SealBody) -> Proof:
    before, leaves, data = GENESIS, list[bytes](), b""
    for number, content, stored in log.audit_entries(max(1, body.first_seq - 1)):
        if number > body.last_seq:
            break
        if number == seq - 1:
            before = bytes(stored)
        if number == seq:
            data = bytes(content)
        if number >= body.first_seq:
            leaves.append(bytes(stored))
    if len(leaves) != body.last_seq - body.first_seq + 1:
        raise QmkError("INTERNAL_ERROR", f"entries of epoch {body.epoch} are missing", help="run qmk audit verify")
    path = [f"{'L' if step.left else 'R'}{step.hash.hex()}" for step in inclusion(leaves, seq - body.first_seq)]
    made = Proof(PROOF, data.decode(), before.hex(), path, seal.body.decode(), seal.signature.hex())
    if not proves(made):
        raise QmkError("INTERNAL_ERROR", f"entry {seq} is not what was sealed", help="run qmk audit verify")
    return made


def proves(proof: Proof) -> bool:
    """Whether entry and path lead to the root that the proof's own seal names."""
    steps = [Step(text[:1] == "L", bytes.fromhex(text[1:])) for text in proof.path]
    leaf = entry_hash(bytes.fromhex(proof.before), proof.entry.encode())
    return root_from(leaf, steps).hex() == msgspec.json.decode(proof.seal, type=SealBody).root


def check(proof: Proof, key: Ed25519PublicKey) -> Entry:
    """The proven entry. Raises INVALID_PARAMS saying what does not hold."""
    try:
        body = msgspec.json.decode(proof.seal, type=SealBody)
        entry, leads = _entry(proof.entry), proves(proof)
        seal = Seal(body.number, proof.seal.encode(), bytes.fromhex(proof.signature))
    except UNREADABLE as error:
        raise QmkError("INVALID_PARAMS", "a part of the proof is not what 'qmk audit prove' writes") from error
    if proof.form != PROOF or body.form != SEAL:
        raise QmkError("INVALID_PARAMS", f"this is not a proof of the form '{PROOF}'")
    if not signed_by(key, seal.signature, seal.body):
        raise QmkError("INVALID_PARAMS", f"the seal of epoch {body.epoch} is not signed by this key")
    if not leads or not body.first_seq <= entry.seq <= body.last_seq or entry.epoch != body.epoch:
        raise QmkError("INVALID_PARAMS", f"entry {entry.seq} is not under the sealed root of epoch {body.epoch}")
    return entry


def kept_witnesses(data_dir: Path) -> list[Path]:
    """The seals beside the journal: the last one, and those set aside because the log had lost them."""
    return sorted(path for path in data_dir.glob("audit.head*") if not path.name.endswith(".new"))
