"""The daemon's places in the file system: the locked data folder and the socket only its owner can reach."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Self

from qmk.base.errors import QmkError
from qmk.rpc.places import KEYS_NAME, short_name
from qmk.rpc.private import private_folder

BACKLOG = 4096
"""Connections that may wait to be accepted: a thousand clients that start together are not an error."""


def own_folder(path: Path) -> None:
    """Makes ``path`` a folder that nobody else can reach. Raises INVALID_PARAMS when it, or what lies in it or in its
    ``keys``, belongs to another user, who could change it."""
    private_folder(path)
    _require_own(path.stat(), path)
    for folder in (path, path / KEYS_NAME):
        if folder.is_dir():
            for entry in os.scandir(folder):
                _require_own(entry.stat(follow_symlinks=False), Path(entry.path))


def _require_own(found: os.stat_result, path: Path) -> None:
    if found.st_uid != os.geteuid():
        raise QmkError(
            "INVALID_PARAMS",
            f"{path} belongs to user {found.st_uid}, who could change what a daemon of user {os.geteuid()} keeps there",
            path=str(path),
            help="run the daemon as that user, or name a folder of your own with --data-dir or QMK_STATE_DIR",
        )


def open_file(path: Path, flags: int) -> int:
    """Opens a file of the data folder for its owner alone, made if it is not there; the descriptor. Raises
    INVALID_PARAMS when it is a symbolic link: what it leads to is not the daemon's to write."""
    try:
        return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            what = f"{path} is a symbolic link, which the daemon does not write through"
            raise QmkError("INVALID_PARAMS", what, path=str(path), help="remove the link") from error
        raise _cannot(f"cannot open {path}", error) from error


class Lock:
    """A lock on the data folder, held while the process lives, whatever ends it. The file holds the process id. With
    ``waiting``, which is told who has it, a lock that another has is waited for."""

    def __init__(self, path: Path, waiting: Callable[[str], object] | None = None) -> None:
        self._path = path
        self._waiting = waiting
        self._fd = -1

    def __enter__(self) -> Self:
        own_folder(self._path.parent)
        self._fd = open_file(self._path, os.O_RDWR)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return self

    def _wait(self) -> None:
        pid = os.read(self._fd, 32).decode(errors="replace").strip()
        held = f"another daemon{f' (process {pid})' if pid else ''} uses the data folder {self._path.parent}"
        try:
            if self._waiting is None:
                fix = "stop it, or name another folder with --data-dir or QMK_STATE_DIR"
                raise QmkError("RESOURCE_EXHAUSTED", held, pid=int(pid) if pid.isdigit() else None, help=fix) from None
            self._waiting(held)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise

    def __exit__(self, *failure: object) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = -1


class Listening:
    """A listening socket at ``path``, and its file until ``close``. A dead daemon's socket is replaced, a living one's
    refused. ``mode``: who may connect; where others than the owner may, a new folder of it lets them through."""

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        private_folder(path.parent, only_if_new=True, mode=0o711 if mode & 0o077 else 0o700)
        _remove_stale(path)
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o777 & ~mode)
        try:
            with short_name(path) as name:
                self.sock.bind(name)
            self.sock.listen(BACKLOG)
            self._file = path.lstat()
        except OSError as error:
            self.sock.close()
            raise _cannot(f"cannot listen at {path}", error) from error
        finally:
            os.umask(before)
        self.sock.setblocking(False)

    def close(self) -> None:
        """Close the socket and remove its file, unless the file has become somebody else's."""
        self.sock.close()
        if self.path.exists() and os.path.samestat(self.path.lstat(), self._file):
            self.path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise QmkError(
            "INVALID_PARAMS",
            f"{path} exists and is not a socket",
            help="remove it, or choose another path with --socket",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            with short_name(path) as name:
                probe.connect(name)
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise _cannot(f"cannot tell whether a daemon listens at {path}", error) from error
    raise QmkError(
        "RESOURCE_EXHAUSTED",
        f"another daemon listens at {path}",
        help="stop it, or choose another path with --socket",
    )


def _cannot(what: str, error: OSError) -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", f"{what}: {(error.strerror or str(error)).lower()}", errno=error.errno)
