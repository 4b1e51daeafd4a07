"""Calls the kernel where Python has no function for it."""

from __future__ import annotations

import ctypes
import os
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

PR_SET_DUMPABLE = 4
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

CLONE_NEWNS = 0x00020000
CLONE_PARENT = 0x00008000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000


def call(number: int, *arguments: Any) -> int:
    """Makes system call ``number``. Raises ``OSError`` when it fails."""
    return check(LIBC.syscall(ctypes.c_long(number), *map(_word, arguments)), f"system call {number}")


def check(result: int, what: str) -> int:
    """Gives the result of a call of the C library. Raises ``OSError`` for -1."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int) -> None:
    check(LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")


def _word(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value
