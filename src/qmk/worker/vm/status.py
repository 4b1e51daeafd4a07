"""How a virtual machine tells its host the status of its worker.

The machine has a device that ends it when a byte is written to its port, and QEMU then exits with twice that byte and
one. So that this is never a status of QEMU's own, the byte of exit status 0 is 1.
"""

from __future__ import annotations

EXIT_PORT = 0x501
_SIGNALS_FROM = 64
_MOST = _SIGNALS_FROM - 2


def code_of(status: int) -> int:
    """The byte for a worker's status, negative for a signal."""
    return _SIGNALS_FROM - status if status < 0 else min(status, _MOST) + 1


def status_of(code: int) -> int:
    """The worker's status by that with which QEMU ended; QEMU's own status where it failed itself."""
    byte, is_ours = code >> 1, code > 1 and code & 1
    if not is_ours:
        return code
    return _SIGNALS_FROM - byte if byte > _SIGNALS_FROM else byte - 1
