"""The record of administrative acts: a chain of hashes in the gateway's file, each act sealed by a key beside it.

The daemon's own audit log has each act on tenants and tokens, but not who is behind it: for the daemon that is always
the gateway's user. Serials of tokens and names of tenants are the same in both.

A seal is the Ed25519 signature of ``SEAL``, a zero byte and the hash of the act, which is that of all before it too.
Whoever can write the file and has no key can neither change an act nor add one. Acts of a release without seals are
held by the first seal after them.

``acts.head`` beside the key says which act is the newest, with its seal. It is written after the act, so that acts that
are cut off from the end of the record are missed. Whoever can write both files and has kept older ones of both can put
these back; that shows only a copy of a later act's hash elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.gateway.accounts.roles import Actor
from qmk.gateway.accounts.shapes import Act, ActsVerified, ListActs
from qmk.rpc.keys import public_key, signed_by, signing_key
from qmk.rpc.places import KEYS_NAME
from qmk.rpc.private import write_private
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS = "0" * 64
SEAL = "qmk act 1"
KEY = "acts"
"""The name of the key: ``keys/acts.key`` and ``keys/acts.pub`` beside the gateway's file."""
_COLUMNS = "seq, time, user, act, organisation, fields, hash"


class Head(msgspec.Struct, frozen=True):
    """The newest act: its number, its hash, and its seal."""

    seq: int
    hash: str
    seal: bytes


class Acts:
    """The record in the file of ``folder``; the key is made with the first act."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder / KEYS_NAME, clock

        self._head = self._folder / f"{KEY}.head"
        self._last: Head | None = None

    @property
    def path(self) -> Path:
        """The key's file."""
        return self._folder / f"{KEY}.key"

    def public_bytes(self) -> bytes:
        """The public half of the key, which is made where there is none."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return signing_key(self._folder, KEY)

    def add(self, base: Base, actor: Actor, act: str, organisation: str, fields: dict[str, str]) -> None:
        """Adds an act, in the transaction of what is done."""
        last = base.execute("SELECT seq, hash FROM acts ORDER BY seq DESC LIMIT 1").fetchone() or (0, GENESIS)
        row = (last[0] + 1, self._clock(), actor.user, act, organisation, msgspec.json.encode(fields).decode())
        head = chain(last[1], row)
        base.execute(
            f"INSERT INTO acts ({_COLUMNS}, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, head, seal := self._key.sign(text_of(head))),
        )
        self._last = Head(row[0], head, seal)

    def take_head(self) -> Head | None:
        """The newest act of a transaction, once; within it, or an act that was undone could be taken for one."""
        last, self._last = self._last, None
        return last

    def keep_head(self, last: Head) -> None:
        """Says in ``acts.head`` which act is the newest, after its transaction; of several at once, also of gateways
        that share the folder, the newest stays."""
        import fcntl

        fd = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if (kept := self._read_head()) is None or kept.seq < last.seq:
                write_private(self._head, msgspec.json.encode(last))
        finally:
            os.close(fd)

    def _read_head(self) -> Head | None:
        """None where there is none, or none that can be read."""
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._head.read_bytes(), type=Head)
        return None

    def verify(self, base: Base) -> ActsVerified:
        """Walks the chain and the seals, to the first act that was changed, added or removed by somebody without the
        key."""
        path, private = self._folder / f"{KEY}.pub", self._folder / f"{KEY}.key"
        key = public_key(path) if path.exists() else self._key.public_key() if private.exists() else None
        found, head = verify(base, key), self._read_head()
        if found.broken or head is None or key is None:
            return found
        if not signed_by(key, head.seal, text_of(head.hash)):
            why = f"{self._head.name} is not sealed by the gateway's key"
            return ActsVerified(acts=found.acts, broken=found.acts + 1, why=why)
        row = base.execute("SELECT hash FROM acts WHERE seq = ?", (head.seq,)).fetchone()
        if row is not None and row[0] == head.hash:
            return found
        place = min(found.acts + 1, head.seq)
        return ActsVerified(acts=place - 1, broken=place, why=f"acts were cut off: there were {head.seq} once")


def list_acts(base: Base, asked: ListActs) -> list[Act]:
    """Acts on an organisation, the newest first."""
    query = (
        f"SELECT {_COLUMNS}, coalesce((SELECT hash FROM acts AS last WHERE last.seq = acts.seq - 1), ?) FROM acts "
        "WHERE organisation = ? AND (? = 0 OR seq < ?) AND time >= ? AND (? = 0 OR time < ?) AND "
        "instr(lower(user || ' ' || act || ' ' || fields), lower(?)) > 0 ORDER BY seq DESC LIMIT ?"
    )
    below, until = asked.before, asked.until
    values = (GENESIS, asked.organisation, below, below, asked.since, until, until, asked.text or " ", asked.limit)
    return [_act_of(row) for row in base.execute(query, values)]


def _act_of(row: tuple[Any, ...]) -> Act:
    """An act of a row of the record, with the hash before it as the last column."""
    *own, hash, before = row
    seq, moment, user, act, organisation, fields = own
    return Act(
        seq=seq,
        time=moment,
        user=user,
        act=act,
        organisation=organisation,
        fields=msgspec.json.decode(fields),
        hash=hash,
        before=before,
        text=msgspec.json.encode(own).decode(),
    )


def verify(base: Base, key: Ed25519PublicKey | None) -> ActsVerified:
    """See ``Acts.verify``. ``key`` None: no act was ever sealed."""
    last, sealed, place = GENESIS, False, 0
    for place, (*row, found, seal) in enumerate(base.execute(f"SELECT {_COLUMNS}, seal FROM acts ORDER BY seq"), 1):
        last = chain(last, tuple(row))
        if row[0] != place or found != last:
            why = "it was changed, or the act before it is gone"
            return ActsVerified(acts=place - 1, broken=place, why=why)
        if (sealed or seal) and (key is None or not signed_by(key, seal, text_of(last))):
            return ActsVerified(acts=place - 1, broken=place, why="it is not sealed by the gateway's key")
        sealed = sealed or bool(seal)
    if key is not None and not sealed:  # the key is made with the first seal
        return ActsVerified(acts=0, broken=1, why="the seals of all acts were removed")
    return ActsVerified(acts=place, broken=0)


def chain(before: str, row: tuple[Any, ...]) -> str:
    """The hash of an act: SHA-256 of the hash before it and of the act as a JSON array."""
    return hashlib.sha256(before.encode() + msgspec.json.encode(row)).hexdigest()


def text_of(head: str) -> bytes:
    """What the seal of an act signs."""
    return f"{SEAL}\0{head}".encode()
