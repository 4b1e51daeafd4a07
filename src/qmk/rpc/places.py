"""Where a daemon and its clients meet on this machine, unless they are told another place."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from qmk.rpc.private import cannot_read

SOCKET_PATH_BYTES = 107
"""What the system allows in the name of a Unix socket."""

TOKEN_FILE_BYTES = 1 << 16
KEYS_NAME = "keys"
"""The folder of keys in the data folder."""


def state_dir() -> Path:
    """Where the daemon keeps its data: ``QMK_STATE_DIR``, else ``$XDG_STATE_HOME/qmk``, else ``~/.local/state/qmk``."""
    if named := os.environ.get("QMK_STATE_DIR"):
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME")
    return Path(base or Path.home() / ".local" / "state") / "qmk"


def socket_path() -> Path:
    """Where the daemon listens: ``QMK_SOCKET``, else ``$XDG_RUNTIME_DIR/qmk/qmk.sock``, else
    ``~/.local/state/qmk/qmk.sock``."""
    if named := os.environ.get("QMK_SOCKET"):
        return Path(named)
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base or Path.home() / ".local" / "state") / "qmk" / "qmk.sock"


def operator_path(data_dir: Path | None = None) -> Path:
    """Where the daemon of a data folder takes its operator's calls."""
    return (data_dir or state_dir()) / "operator.sock"


def token() -> str:
    """The token of this process: ``QMK_TOKEN``, else what the file named by ``QMK_TOKEN_FILE`` holds, else none.

    Raises INVALID_PARAMS when the file cannot be read.
    """
    if given := os.environ.get("QMK_TOKEN"):
        return given
    named = os.environ.get("QMK_TOKEN_FILE")
    return read_token(Path(named)) if named else ""


def read_token(path: Path) -> str:
    """The token in a file, without the white space round it. Others may read the file: a service is often given its
    token in one that its group reads. Raises INVALID_PARAMS when it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(TOKEN_FILE_BYTES).strip()
    except OSError as error:
        raise cannot_read(path, error) from error


@contextmanager
def short_name(path: Path) -> Generator[str]:
    """A name for a socket that the system accepts: the path, or, where that is too long, one by way of its folder."""
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
