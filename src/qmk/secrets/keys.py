"""Keys in files: made on first use from the system's random numbers, readable by their owner alone."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.rpc.private import require_private

log = logging.getLogger("qmk.keys")
KEY_BYTES = 32
_TEXT = re.compile(rb"([0-9a-f]{%d})\s*" % (2 * KEY_BYTES))


def secret(path: Path) -> bytes:
    """The 32 bytes that the file holds in hexadecimal; a file that is not there is made.

    Raises RESOURCE_EXHAUSTED when it cannot be read or written, INVALID_PARAMS when it holds something else or others
    than its owner may read it.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        _make_folder(path.parent)
    except OSError as error:
        raise _cannot("read", path, error) from error
    make(path, os.urandom(KEY_BYTES).hex().encode() + b"\n")
    try:
        return _read(path)
    except OSError as error:
        raise _cannot("read", path, error) from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise _cannot("make the folder of", path, error) from error


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        require_private(path, os.fstat(file.fileno()))
        found = _TEXT.fullmatch(file.read(2 * KEY_BYTES + 3))
    if found is None:
        raise QmkError(
            "INVALID_PARAMS",
            f"the key file {path} is damaged: it holds no {2 * KEY_BYTES} hexadecimal digits",
            path=str(path),
            help="restore it from a backup; without it every token must be issued anew, after removing the file",
        )
    return bytes.fromhex(found[1].decode("ascii"))


def make(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Makes a new key file: whole, on disk and with its mode, or not at all. Of two processes that make it at once the
    first one's stays. Raises RESOURCE_EXHAUSTED when it cannot be written."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        return
    except OSError as error:
        raise _cannot("make", path, error) from error
    log.info("made the key %s", path)


def _cannot(what: str, path: Path, error: OSError) -> QmkError:
    why = (error.strerror or str(error)).lower()
    return QmkError(
        "RESOURCE_EXHAUSTED", f"cannot {what} the key file {path}: {why}", path=str(path), errno=error.errno
    )
