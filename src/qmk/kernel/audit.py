"""The audit log: every decision the kernel takes about authority and work, chained by hashes, sealed by epochs.

An entry's bytes are the JSON array ``[seq, epoch, now_ns, kind, tenant, fields]``: UTF-8, no spaces, keys sorted. Its
hash is ``SHA-256("qmk audit entry 1\\n" || hash of the entry before || bytes)``, where 32 zero bytes stand before the
first. The entries of an epoch are the leaves (by hash) of a Merkle tree whose root the host signs. docs/spec/audit.md
has all that a third party needs.

Epochs of the log are those of the scheduler, but only grow: after a clock that went back, or a seal in the middle of
an epoch, the next one is numbered past the last. Each has entries, so an idle kernel seals nothing.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from qmk.base.merkle import Frontier
from qmk.kernel.effects import Audit, Effect, SealEpoch, SetTimer
from qmk.kernel.events import Recovered

ENTRY = b"qmk audit entry 1\n"
GENESIS = bytes(32)
"""The hash before that of the first entry."""

AUDIT_TIMER = "audit"
SHOWN_NAMES = 32
"""Names of one list in an entry: a caller cannot make the log grow by asking for a thousand rights."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def entry_bytes(seq: int, epoch: int, now_ns: int, kind: str, tenant: str, fields: dict[str, Any]) -> bytes:
    """What the hash of an entry covers besides the hash before it."""
    return _encode((seq, epoch, now_ns, kind, tenant, fields))


def entry_hash(before: bytes, data: bytes) -> bytes:
    return hashlib.sha256(ENTRY + before + data).digest()


def clip_names(names: list[str]) -> list[str]:
    """Cuts a list from a caller to what one entry may hold and JSON can carry."""
    return [name[:64].encode("utf-8", "replace").decode() for name in names[:SHOWN_NAMES]]


class AuditLog:
    """Where the log stands. ``open_first`` is the first entry that no seal covers yet, 0 when all are sealed."""

    __slots__ = ("_clock_epoch", "_tree", "epoch", "epoch_ns", "head", "open_first", "seq")

    def __init__(self, epoch_ns: int) -> None:
        self.epoch_ns: int = epoch_ns
        self.seq = 0
        self.head = GENESIS
        self.epoch = -1
        self.open_first = 0
        self._clock_epoch: int = -1
        self._tree = Frontier()

    def note(self, now_ns: int, kind: str, tenant: str, fields: dict[str, Any], out: list[Effect]) -> None:
        """Appends an entry; the first one of an epoch seals the epoch before and asks to be woken at its end."""
        clock_epoch = now_ns // self.epoch_ns
        if self.open_first and clock_epoch != self._clock_epoch:
            self.seal(out)
        self.seq += 1
        if not self.open_first:
            self.open_first = self.seq
            self.epoch = max(clock_epoch, self.epoch + 1)
            self._clock_epoch = clock_epoch
            out.append(SetTimer(AUDIT_TIMER, (clock_epoch + 1) * self.epoch_ns))
        data = entry_bytes(self.seq, self.epoch, now_ns, kind, tenant, fields)
        self.head = entry_hash(self.head, data)
        self._tree.add(self.head)
        out.append(Audit(self.seq, self.epoch, now_ns, kind, tenant, fields, self.head.hex(), data))

    def seal(self, out: list[Effect]) -> None:
        """Close the open epoch, if there is one."""
        if self.open_first:
            out.append(SealEpoch(self.epoch, self.open_first, self.seq, self._tree.root().hex(), self.head.hex()))
            self.open_first = 0
            self._tree = Frontier()

    def due(self, now_ns: int, out: list[Effect]) -> None:
        """The timer fired: seal, unless it did so before its time or for an epoch that was sealed since."""
        if self.open_first and now_ns // self.epoch_ns == self._clock_epoch:
            out.append(SetTimer(AUDIT_TIMER, (self._clock_epoch + 1) * self.epoch_ns))
        else:
            self.seal(out)

    def recover(self, event: Recovered, out: list[Effect]) -> None:
        """Goes on where the log ended, and seals what the last run left unsealed."""
        if not event.audit_seq:
            return
        self.seq = event.audit_seq
        self.head = bytes.fromhex(event.audit_head)
        self.epoch = event.audit_epoch
        for leaf in event.audit_open:
            self._tree.add(bytes.fromhex(leaf))
        self.open_first = self.seq - len(event.audit_open) + 1 if event.audit_open else 0
        self.seal(out)


class RefusedCallers:
    """The callers refused since the last entry about them."""

    def __init__(self) -> None:
        self.count = 0
        self.noted_ns = 0
