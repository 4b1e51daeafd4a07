"""Level ``microvm`` by Firecracker and its jailer, which the operator may choose where KVM is fast."""

from __future__ import annotations

import os
import shutil

from qmk.base.errors import QmkError

NAME = "firecracker"
GET_IT = "put the programs firecracker and jailer of one release of github.com/firecracker-microvm in the PATH"


def require() -> None:
    """Raises UNSUPPORTED with what is missing."""
    for name in ("firecracker", "jailer"):
        if shutil.which(name) is None:
            raise QmkError("UNSUPPORTED", f"{name} is not installed", help=GET_IT)
    if os.geteuid():
        raise QmkError("UNSUPPORTED", "Firecracker's jailer needs root", help="run the daemon as root, or use QEMU")
