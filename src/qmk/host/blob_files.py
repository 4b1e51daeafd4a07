"""Blobs as files, ``<folder>/ab/cdef...``: the content-addressed store of the daemon.

A blob is written beside its place and renamed: whoever sees the name sees all of the content. With ``synced`` file and
folder are forced to disk, so that holds after a power failure too. Without, it holds after any end of the daemon, which
is what the journal beside it promises then; forcing would cost more than all the rest of a large submit. Putting what
is there already only renews its time, which is what keeps a sweep from taking a blob away between its being put and its
being named in the journal.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.host.blobs import name_of
from qmk.host.places import private_folder

GRACE_S = 60.0
"""How long a blob that was put stays, whoever wants it gone."""
NAME_CHARS = 64
DRAFT = ".draft"
_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the store. ``name`` is empty for a draft that a crash has left."""

    path: Path
    name: str
    size_bytes: int
    age_s: float


class FileBlobs:
    """See the module and ``blobs.Blobs``. Safe to call from several threads of one process; two processes may put at
    the same time, but only one may delete.

    Raises RESOURCE_EXHAUSTED when the folder cannot be written, INTERNAL_ERROR naming the blob when it is missing or
    its content is no longer that of its name.
    """

    def __init__(self, folder: Path, synced: bool = True, clock_s: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.synced = synced
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._drafts = 0
        private_folder(folder)
        if not (folder / "ff").is_dir():
            for first in range(256):
                (folder / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
            _sync_folder(folder)

    def path_of(self, name: str) -> Path:
        """Where the blob is, whether or not it is there. Raises INTERNAL_ERROR when ``name`` is no name."""
        if len(name) != NAME_CHARS or not _HEXADECIMAL.issuperset(name):
            raise QmkError("INTERNAL_ERROR", f"'{name[:80]}' is not the name of a blob", blob=name[:80])
        return self.folder / name[:2] / name[2:]

    def put(self, data: bytes) -> str:
        """Keep ``data``; its name."""
        name = name_of(data)
        path = self.path_of(name)
        try:
            if not self._renew(path, len(data)):
                self._write(path, data)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"cannot keep {len(data)} bytes in {self.folder}: {why}",
                errno=error.errno,
                help="free space on that disk; 'qmk gc' removes what nobody needs",
            ) from error
        return name

    def _renew(self, path: Path, size_bytes: int) -> bool:
        """Whether the blob is there; it then counts as put now."""
        with self._lock:
            try:
                if path.stat().st_size != size_bytes:
                    return False  # damaged: written anew
                now_s = self._clock_s()
                os.utime(path, (now_s, now_s))
            except FileNotFoundError:
                return False
        return True

    def _write(self, path: Path, data: bytes) -> None:
        with self._lock:
            self._drafts += 1
            draft = path.parent / f"{os.getpid()}.{self._drafts}{DRAFT}"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if self.synced:
                    os.fsync(file.fileno())
            with self._lock:
                draft.replace(path)
                now_s = self._clock_s()
                os.utime(path, (now_s, now_s))
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        if self.synced:
            _sync_folder(path.parent)

    def get(self, name: str) -> bytes:
        """The content, checked against its name."""
        path = self.path_of(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise self._lost(name, "is missing") from None
        except OSError as error:
            raise self._lost(name, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
        if name_of(data) != name:
            raise self._lost(name, "is damaged: its content does not match its name")
        return data

    def _lost(self, name: str, what: str) -> QmkError:
        return QmkError(
            "INTERNAL_ERROR",
            f"the blob {name} in {self.folder} {what}",
            blob=name,
            retryable=False,
            help="restore this file from a backup of the data folder; only what it holds is affected: submit that job"
            " again with its seed for the same bits",
        )

    def delete(self, name: str) -> None:
        """Take the blob away, unless it was put within the last ``GRACE_S``: it may be about to be named."""
        self.remove(Found(self.path_of(name), name, 0, 0.0), GRACE_S)

    def remove(self, found: Found, grace_s: float) -> bool:
        """Take the file away if it is older than ``grace_s``; whether it went."""
        with self._lock:
            try:
                if self._clock_s() - found.path.stat().st_mtime < grace_s:
                    return False
                found.path.unlink()
            except FileNotFoundError:
                return False
        return True

    def names(self) -> Iterator[str]:
        return (found.name for found in self.files() if found.name)

    def files(self) -> Iterator[Found]:
        """Every file of the store."""
        now_s = self._clock_s()
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            for path in sorted(folder.iterdir()):
                name = "" if path.name.endswith(DRAFT) else folder.name + path.name
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                yield Found(path, name, status.st_size, now_s - status.st_mtime)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
