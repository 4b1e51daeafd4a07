"""What keeps a secret from others: files and folders of their owner alone, and hosts that are this machine."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from qmk.base.errors import QmkError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path, only_if_new: bool = False, mode: int = 0o700) -> None:
    """Make ``path`` a folder of ``mode``. ``only_if_new`` leaves an existing folder's mode alone."""
    try:
        existed = path.is_dir()
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        if not (existed and only_if_new):
            path.chmod(mode)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("RESOURCE_EXHAUSTED", f"cannot make the folder {path}: {why}", errno=error.errno) from error


def require_private(path: str | os.PathLike[str], about: os.stat_result) -> None:
    """Raises INVALID_PARAMS where others than its owner may use the file ``path``, of which ``about`` tells."""
    if about.st_mode & OTHERS:
        raise QmkError(
            "INVALID_PARAMS",
            f"others may read {path} (mode {stat.S_IMODE(about.st_mode):03o}), which holds a secret",
            path=str(path),
            help=f"chmod 600 {path}; if others may have read it, renew what it holds",
        )


def read_private(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The first ``most_bytes`` bytes of a file with a secret. Raises INVALID_PARAMS where others may read it, and where
    it cannot be read, caused by the ``OSError``."""
    try:
        with open(path, "rb") as file:
            require_private(path, os.fstat(file.fileno()))
            return file.read(most_bytes)
    except OSError as error:
        raise cannot_read(path, error) from error


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Writes a file of ``mode`` that is whole and on disk, or leaves what was there. Raises ``OSError``."""
    import tempfile  # most commands do without

    fd, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def cannot_read(path: str | os.PathLike[str], error: OSError) -> QmkError:
    """The error of a file that cannot be read."""
    why = (error.strerror or str(error)).lower()
    return QmkError("INVALID_PARAMS", f"cannot read {path}: {why}", path=str(path), help="check its name and its owner")


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this machine."""
    if host.lower() == "localhost":
        return True
    import ipaddress  # most commands do without

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(name: str, url: str, example: str) -> str:
    """The address that ``name`` says, without a slash at its end. Raises INVALID_PARAMS unless it is ``https``, or
    ``http`` on this machine: a key must not travel in the clear."""
    url = url.rstrip("/")
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        fits = fits and bool(parts.hostname) and "@" not in parts.netloc and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        raise QmkError(
            "INVALID_PARAMS",
            f"{name} is not an https address (http is for this machine alone)",
            field=name,
            help=f"set it such as {example}, without a user, a query or a fragment",
        )
    return url
