"""Blobs as files, ``<folder>/ab/cdef...``: the content-addressed store of the daemon.

A blob is written beside its place and renamed: whoever sees the name sees all of the content. With ``synced`` file and
folder are forced to disk, so that holds after a power failure too. Without, it holds after any end of the daemon, which
is what the journal beside it promises then; forcing would cost more than all the rest of a large submit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.host.blobs import Found, PutLately, is_name, name_of
from qmk.host.places import open_file
from qmk.rpc.private import private_folder

DRAFT = ".draft"


class FileBlobs:
    """See the module and ``blobs.Blobs``. Safe to call from several threads of one process; two processes may put at
    the same time, but only one may delete.

    Raises RESOURCE_EXHAUSTED when the folder cannot be written, INTERNAL_ERROR naming the blob when it is missing or
    its content is no longer that of its name.
    """

    def __init__(self, folder: Path, synced: bool = True) -> None:
        self.folder = folder
        self.synced = synced
        self._lock = threading.Lock()
        self._count = 0
        self._writing: set[Path] = set()
        self._put_lately = PutLately()
        private_folder(folder)
        if not (folder / "ff").is_dir():
            for first in range(256):
                (folder / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder)

    def path_of(self, name: str) -> Path:
        """Where the blob is, whether or not it is there. Raises INTERNAL_ERROR when ``name`` is not a name."""
        if not is_name(name):
            raise QmkError("INTERNAL_ERROR", f"'{name[:80]}' is not the name of a blob", blob=name[:80])
        return self.folder / name[:2] / name[2:]

    def put(self, data: bytes, tenant: str = "") -> str:
        """Keeps ``data``, and gives its name. See ``blobs.Blobs.put``."""
        name = name_of(data)
        path = self.path_of(name)
        try:
            known = self._put_lately.note(tenant, name)
            if not (self._whole(path, len(data)) and known):
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

    def _whole(self, path: Path, size_bytes: int) -> bool:
        """Whether the blob is there; one of another size is damaged, and to be written anew."""
        try:
            return path.stat().st_size == size_bytes
        except FileNotFoundError:
            return False

    def _write(self, path: Path, data: bytes) -> None:
        with self._lock:
            self._count += 1
            draft = path.parent / f"{os.getpid()}.{self._count}{DRAFT}"
            self._writing.add(draft)
        try:
            with open(open_file(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(data)
                file.flush()
                if self.synced:
                    os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        finally:
            self._writing.discard(draft)
        if self.synced:
            sync_folder(path.parent)

    def get(self, name: str) -> bytes:
        """The content, checked against its name."""
        path = self.path_of(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise self._refuse_blob(name, "is missing") from None
        except OSError as error:
            raise self._refuse_blob(name, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
        if name_of(data) != name:
            raise self._refuse_blob(name, "is damaged: its content does not match its name")
        return data

    def _refuse_blob(self, name: str, what: str) -> QmkError:
        return QmkError(
            "INTERNAL_ERROR",
            f"the blob {name} in {self.folder} {what}",
            blob=name,
            retryable=False,
            help="restore this file from a backup of the data folder; only what it holds is affected: submit that job"
            " again with its seed for the same bits",
        )

    def delete(self, name: str) -> bool:
        try:
            self.path_of(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def has(self, name: str) -> bool:
        return self.path_of(name).is_file()

    def list_blobs(self) -> Iterator[Found]:
        for path in self._files():
            if not path.name.endswith(DRAFT):
                with suppress(FileNotFoundError):
                    yield Found(path.parent.name + path.name, path.stat().st_size)

    def drafts(self, remove: bool) -> tuple[int, int]:
        """Counts drafts, but for those that this process is writing."""
        count = size_bytes = 0
        for path in self._files():
            if path.name.endswith(DRAFT) and path not in self._writing:
                with suppress(FileNotFoundError):
                    size_bytes += path.stat().st_size
                    count += 1
                    if remove:
                        path.unlink()
        return count, size_bytes

    def _files(self) -> Iterator[Path]:
        for folder in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            yield from sorted(folder.iterdir())


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
