"""Seals: the signed roots of the audit log's epochs, and the key that signs them.

A seal's body is the JSON array ``["qmk audit seal 1", number, epoch, first_seq, last_seq, root, head, previous, key]``;
``previous`` is the SHA-256 of the body before (64 zeros before the first), ``key`` the public key in hexadecimal. The
signature is Ed25519 over the body (RFC 8032). The last seal also stands in the file ``audit.head`` beside the journal,
a copy of which, kept elsewhere, shows later that nothing was cut off.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.host.places import open_file
from qmk.rpc import keys
from qmk.rpc.places import KEYS_NAME
from qmk.rpc.private import cannot_read

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from qmk.host.states import InThread
    from qmk.kernel.effects import Audit, SealEpoch

log = logging.getLogger("qmk.audit")

SEAL = "qmk audit seal 1"
UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError)
"""What reading an entry or a seal raises when its bytes are not one."""
NO_SEAL = "0" * 64
KEY = "audit"
"""The name of the key that signs."""
HEAD_NAME = "audit.head"


def row_of_entry(entry: Audit) -> tuple[int, bytes, bytes]:
    """(seq, bytes, hash) of an entry of the audit log, as journals have it."""
    return entry.seq, entry.data, bytes.fromhex(entry.hash)


class SealBody(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is signed. Hashes and the key are lower-case hexadecimal."""

    form: str
    number: int
    epoch: int
    first_seq: int
    last_seq: int
    root: str
    head: str
    previous: str
    key: str


class Seal(msgspec.Struct, frozen=True):
    """A signed root as it is stored. ``body`` is signed byte for byte."""

    number: int
    body: bytes
    signature: bytes

    def read(self) -> SealBody:
        """Reads a seal. Raises ``msgspec.DecodeError`` when the body is not a seal."""
        return _decode(self.body)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class AuditTail(msgspec.Struct, frozen=True):
    """Where the log ends: see ``kernel.events.Recovered``."""

    seq: int = 0
    head: str = ""
    open: tuple[str, ...] = ()
    epoch: int = -1


class Seals(Protocol):
    """Signs for the host."""

    def seal(self, effect: SealEpoch) -> Seal:
        """Makes the next seal."""
        ...

    def keep_seal(self, seal: Seal) -> None:
        """Called when ``seal`` is as durable as the journal makes it."""
        ...


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SealBody).decode
_entry = msgspec.json.Decoder(tuple[int, int, int, str, str, dict[str, Any]]).decode


def tail_of(last: Seal | None, entries: Callable[[int], Iterator[tuple[int, bytes, bytes]]]) -> AuditTail:
    """The end of a log whose last seal is ``last``; ``entries`` reads those from a number on."""
    sealed = last.read() if last is not None else None
    rows = list(entries(sealed.last_seq + 1 if sealed else 1))
    if rows:
        seq, data, head = rows[-1]
        return AuditTail(seq, head.hex(), tuple(row[2].hex() for row in rows), _entry(data)[1])
    return AuditTail(sealed.last_seq, sealed.head, (), sealed.epoch) if sealed else AuditTail()


class Signer:
    """Signs roots with a key, each seal naming the one before."""

    def __init__(self, key: Ed25519PrivateKey, last: Seal | None) -> None:
        self._key = key
        self._public = key.public_key().public_bytes_raw().hex()
        self._number = last.number if last is not None else 0
        self._previous = last.hash if last is not None else NO_SEAL

    def seal(self, effect: SealEpoch) -> Seal:
        self._number += 1
        body = _encode(
            SealBody(
                SEAL,
                self._number,
                effect.epoch,
                effect.first_seq,
                effect.last_seq,
                effect.root,
                effect.head,
                self._previous,
                self._public,
            )
        )
        made = Seal(self._number, body, self._key.sign(body))
        self._previous = made.hash
        return made

    def keep_seal(self, seal: Seal) -> None:
        """Keeps nothing more."""


class Sealer(Signer):
    """Signs with the key of a data folder, and keeps the last seal in its ``audit.head``."""

    def __init__(self, data_dir: Path, last: Seal | None) -> None:
        super().__init__(keys.signing_key(data_dir / KEYS_NAME, KEY), last)
        self._head_file = data_dir / HEAD_NAME
        self._set_aside_lost_head()

    def keep_seal(self, seal: Seal) -> None:
        """Writes the seal into ``audit.head``, whole or not at all."""
        draft = self._head_file.with_name(HEAD_NAME + ".new")
        with os.fdopen(open_file(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(witness_bytes(seal))
        draft.replace(self._head_file)

    def _set_aside_lost_head(self) -> None:
        """A head that is past the end of the log shows that the log was cut: keep it for ``qmk audit verify``."""
        if not self._head_file.exists():
            return
        witness = read_witness(self._head_file)
        if witness.number > self._number or (witness.number == self._number and witness.hash != self._previous):
            aside = self._head_file.with_name(f"{HEAD_NAME}.{witness.number}")
            self._head_file.replace(aside)
            log.error("the audit log ends before seal %d, which was signed; kept in %s", witness.number, aside)


class InTurn:
    """Keeps the seals of ``seals`` in a thread where there are any, as a disk may take long: one at a time, so that the
    newest is the last; those that come meanwhile give way to it. ``in_thread`` is as for ``Committer``."""

    def __init__(self, seals: Seals, in_thread: InThread | None) -> None:
        self._seals = seals
        self._in_thread = in_thread
        self._newest: Seal | None = None
        self._busy = False

    def seal(self, effect: SealEpoch) -> Seal:
        return self._seals.seal(effect)

    def keep_seal(self, seal: Seal) -> None:
        if self._in_thread is None:
            self._seals.keep_seal(seal)
            return
        self._newest = seal
        if not self._busy:
            self._keep(self._in_thread)

    def _keep(self, in_thread: InThread) -> None:
        seal, self._newest = self._newest, None
        self._busy = seal is not None
        if seal is not None:
            in_thread(partial(self._seals.keep_seal, seal), partial(self._on_kept, in_thread))

    def _on_kept(self, in_thread: InThread, error: BaseException | None) -> None:
        if error is not None:
            trace = None if isinstance(error, OSError) else error
            log.error("a seal of the audit log cannot be kept in %s: %s", HEAD_NAME, error, exc_info=trace)
        self._keep(in_thread)


def witness_bytes(seal: Seal) -> bytes:
    """A seal as a file that can be kept elsewhere."""
    return _encode({"seal": seal.body.decode(), "signature": seal.signature.hex()}) + b"\n"


def read_witness(path: Path) -> Seal:
    """Reads a seal from a file. Raises INVALID_PARAMS when it has none."""
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        body = raw["seal"].encode()
        return Seal(_decode(body).number, body, bytes.fromhex(raw["signature"]))
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        raise QmkError(
            "INVALID_PARAMS",
            f"{path} holds no seal of an audit log",
            help="a witness is a copy of audit.head, which is in the daemon's data folder",
        ) from error
