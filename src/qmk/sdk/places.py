"""Where a daemon and its clients meet on this machine, unless they are told another place."""

from __future__ import annotations

import os
from pathlib import Path


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
