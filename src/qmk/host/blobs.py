"""Blobs: bytes by the name of their content, for saved states and whatever else is too large for a record.

A name is the SHA-256 of the content in hexadecimal, so putting the same bytes twice keeps one copy, and what is read
back can be told from what was damaged. Who needs a blob is the business of the records that name it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Protocol

from qmk.base.errors import QmkError


class Blobs(Protocol):
    """A store of blobs. Every method may be called from a thread of its own, one call at a time for each name."""

    def put(self, data: bytes) -> str:
        """Keep ``data`` and give its name; when it returns, the blob is as durable as the journal beside it."""
        ...

    def get(self, name: str) -> bytes:
        """The content. Raises INTERNAL_ERROR when it is not there or is no longer what was put."""
        ...

    def delete(self, name: str) -> None:
        """Forget the blob; one that is not there is no error. One that was put a moment ago may stay."""
        ...

    def names(self) -> Iterator[str]:
        """The names of all that is there."""
        ...


class MemoryBlobs:
    """Blobs for the life of this process."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._held)

    def put(self, data: bytes) -> str:
        name = name_of(data)
        self._held.setdefault(name, data)
        return name

    def get(self, name: str) -> bytes:
        try:
            return self._held[name]
        except KeyError:
            raise missing(name) from None

    def delete(self, name: str) -> None:
        self._held.pop(name, None)

    def names(self) -> Iterator[str]:
        return iter(list(self._held))


def name_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def missing(name: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"the blob {name[:12]}... is not in the store", blob=name)
