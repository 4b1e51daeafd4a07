"""Restricts this process's access to files, ports and signals with Landlock (landlock(7)), by the kernel's ABI."""

from __future__ import annotations

import ctypes
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


def restrict(read: Iterable[str], write: Iterable[str], abi: int) -> None:
    """Leaves this process reading beneath ``read`` and doing anything but devices and sockets beneath ``write``; no
    file else, no TCP port (ABI 4), no signal and no abstract socket beyond the jail (ABI 6)."""
    bits = max(count for version, count in _FS_BITS if version <= abi)
    every = (1 << bits) - 1
    words = (every, _NET if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    rules = call(CREATE, struct.pack("=3Q", *words), size, 0)
    try:
        for path in read:
            _allow(rules, path, READ_FILE | READ_DIR)
        special = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11  # devices and sockets
        for path in write:
            _allow(rules, path, every & ~(EXECUTE | special))
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        call(RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        call(ADD_RULE, rules, _PATH_BENEATH, ctypes.create_string_buffer(struct.pack("=Qi", rights, fd)), 0)
    finally:
        os.close(fd)
