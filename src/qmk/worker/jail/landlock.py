"""Restricts this process's access to files, ports and signals with Landlock (landlock(7)), by the kernel's ABI."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from qmk.worker.jail.kernel import PR_SET_NO_NEW_PRIVS, call, prctl

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
_FS_BITS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""From this ABI on, so many rights of files are known."""
_NET = 0b11
_SCOPES = 0b11


def abi() -> int:
    """The version of Landlock that the kernel has; 0 without Landlock."""
    try:
        return call(CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def rules_for(read: Iterable[str], write: Iterable[str], abi: int) -> list[bytes]:
    """The rules for reading beneath ``read``, and for anything but devices and sockets beneath ``write``. Each holds a
    descriptor, which stays open."""
    special = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # devices and sockets
    rows = [(path, READ_FILE | READ_DIR) for path in read]
    rows += [(path, _every(abi) & ~(EXECUTE | special)) for path in write]
    return [_rule(*row) for row in rows]


def _every(abi: int) -> int:
    return (1 << max(count for version, count in _FS_BITS if version <= abi)) - 1


def _rule(path: str, rights: int) -> bytes:
    if not os.path.isdir(path):
        rights &= _OF_FILES
    return struct.pack("=Qi", rights, os.open(path, os.O_PATH | os.O_CLOEXEC))


def restrict(rules: Iterable[bytes], abi: int) -> None:
    """Leaves this process what ``rules`` allow; no file else, no TCP port (ABI 4), no signal and no abstract socket
    beyond the jail (ABI 6)."""
    words = (_every(abi), _NET if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    made = call(CREATE, struct.pack("=3Q", *words), size, 0)
    try:
        for rule in rules:
            call(ADD_RULE, made, _PATH_BENEATH, rule, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        call(RESTRICT, made, 0)
    finally:
        os.close(made)
