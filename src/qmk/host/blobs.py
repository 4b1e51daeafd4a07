"""Blobs: bytes by the name of their content, for saved states and whatever else is too large for a record.

A name is the SHA-256 of the content in hexadecimal, so putting the same bytes twice keeps one copy, and what is read
back can be told from what was damaged. Who needs a blob is the business of the records that name it. Whether another
has put the same is nobody's business: a put takes as long then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from qmk.base.errors import QmkError
from qmk.rpc.kept import Kept, remember

NAME_CHARS = 64
REMEMBERED = 256
"""Blobs that a tenant has put last, of which it is known that the tenant knows them."""
_HEXADECIMAL = frozenset("0123456789abcdef")


class Found(NamedTuple):
    name: str
    size_bytes: int


class Blobs(Protocol):
    """A store of blobs. Every method may be called from a thread of its own, one call at a time for each name."""

    def put(self, data: bytes, tenant: str = "") -> str:
        """Keep ``data`` and give its name; when it returns, the blob is as durable as the journal beside it. It is
        written though it is there, but for one that ``tenant`` has put lately."""
        ...

    def get(self, name: str) -> bytes:
        """The content. Raises INTERNAL_ERROR when it is not there or is no longer what was put."""
        ...

    def delete(self, name: str) -> bool:
        """Deletes the blob, and says whether it was there. The caller makes sure that nobody is about to name it."""
        ...

    def has(self, name: str) -> bool: ...

    def list_blobs(self) -> Iterator[Found]:
        """All blobs with their sizes."""
        ...

    def drafts(self, remove: bool) -> tuple[int, int]:
        """Counts the blobs that a crash has left half written, and their bytes; ``remove`` deletes them."""
        ...


class MemoryBlobs:
    """Blobs for the life of this process."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._held)

    def put(self, data: bytes, tenant: str = "") -> str:
        name = name_of(data)
        self._held.setdefault(name, data)
        return name

    def get(self, name: str) -> bytes:
        try:
            return self._held[name]
        except KeyError:
            raise missing(name) from None

    def delete(self, name: str) -> bool:
        return self._held.pop(name, None) is not None

    def has(self, name: str) -> bool:
        return name in self._held

    def list_blobs(self) -> Iterator[Found]:
        return iter([Found(name, len(data)) for name, data in self._held.items()])

    def drafts(self, remove: bool) -> tuple[int, int]:
        """None: nothing outlives a crash."""
        return 0, 0


class PutLately:
    """Which blobs each tenant has put lately. Safe to call from several threads."""

    def __init__(self) -> None:
        self._names: dict[str, Kept[str, bool]] = {}

    def note(self, tenant: str, name: str) -> bool:
        """Whether the tenant has put this blob lately; from now on it has. Nobody has for no tenant."""
        return bool(tenant) and remember(self._names.setdefault(tenant, Kept()), name, REMEMBERED)


def is_name(text: str) -> bool:
    """Whether a blob can have this name."""
    return len(text) == NAME_CHARS and _HEXADECIMAL.issuperset(text)


def name_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def missing(name: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"the blob {name[:12]}... is not in the store", blob=name)
