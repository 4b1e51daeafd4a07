"""Builds and installs the seccomp filter of a jail: classic BPF (seccomp(2)), without libseccomp.

The filter ends the process on another architecture, refuses the x32 calls, answers ``clone3`` with ENOSYS so that the
C library falls back to ``clone``, and lets ``clone`` make threads only. ``kill`` and ``tgkill`` reach the process
itself alone. What is not allowed is refused with EPERM, by way of a listener that counts it where the kernel can.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from typing import NamedTuple

from qmk.worker.jail import syscalls
from qmk.worker.jail.kernel import PR_SET_NO_NEW_PRIVS, call, prctl

ALLOW, KILL_PROCESS, NOTIFY = 0x7FFF0000, 0x80000000, 0x7FC00000
ERRNO = 0x00050000
REFUSE = ERRNO | errno.EPERM
SET_MODE_FILTER, FLAG_NEW_LISTENER = 1, 1 << 3
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000

PRCTL_OPTIONS = (15, 16, 0x53564D41)
"""PR_SET_NAME, PR_GET_NAME, PR_SET_VMA."""
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""
OWN = -1
"""Among the values of a rule: the number of the process that has the filter."""


class Rule(NamedTuple):
    """Call ``number`` is allowed if the low word of ``argument`` is one of ``values``, or with ``any_bit`` has one of
    these bits."""

    number: int
    argument: int
    values: tuple[int, ...]
    any_bit: bool = False


RULES = (
    Rule(syscalls.CLONE, 0, (_CLONE_THREAD,), any_bit=True),
    Rule(syscalls.KILL, 0, (OWN,)),
    Rule(syscalls.TGKILL, 0, (OWN,)),
    Rule(syscalls.PRLIMIT, 0, (0, OWN)),
    Rule(syscalls.PRCTL, 0, PRCTL_OPTIONS),
    Rule(syscalls.IOCTL, 1, IOCTLS),
)
"""What is allowed to a worker beside ``syscalls.ALLOWED``."""


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def _end(action: int) -> bytes:
    return _step(_RETURN, action)


def _if_argument(rule: Rule, pid: int) -> bytes:
    body = _step(_LOAD, _ARGUMENTS + 8 * rule.argument)
    for value in rule.values:
        body += _step(_ANY_BIT if rule.any_bit else _EQUAL, pid if value == OWN else value, 0, 1) + _end(ALLOW)
    body += _step(_LOAD, _NUMBER)
    return _step(_EQUAL, rule.number, 0, len(body) // 8) + body


def program(
    pid: int,
    refusal: int = NOTIFY,
    allowed: Iterable[int] = tuple(syscalls.ALLOWED.values()),
    rules: Iterable[Rule] = RULES,
) -> bytes:
    """The filter for process ``pid``, as instructions of 8 bytes; ``refusal`` is what a refused call gets."""
    out = _step(_LOAD, _ARCH) + _step(_EQUAL, syscalls.AUDIT_ARCH_X86_64, 1, 0) + _end(KILL_PROCESS)
    out += _step(_LOAD, _NUMBER) + _step(_AT_LEAST, _X32, 0, 1) + _end(ERRNO | errno.EPERM)
    out += _step(_EQUAL, syscalls.CLONE3, 0, 1) + _end(ERRNO | errno.ENOSYS)
    for number in allowed:
        out += _step(_EQUAL, number, 0, 1) + _end(ALLOW)
    for rule in rules:
        out += _if_argument(rule, pid)
    return out + _end(refusal)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(filter_: bytes, listen: bool) -> int:
    """Installs the filter on this process, for good. Gives the listener's descriptor, -1 without ``listen``."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    kept = ctypes.create_string_buffer(filter_, len(filter_))
    given = _Program(len(filter_) // 8, ctypes.addressof(kept))
    flags = FLAG_NEW_LISTENER if listen else 0
    found = call(syscalls.SECCOMP, SET_MODE_FILTER, flags, ctypes.addressof(given))
    return found if listen else -1


_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")


def answer_one(listener: int) -> int | None:
    """Refuses the call that waits at the listener with EPERM. Gives its number, None if it went away meanwhile."""
    import fcntl  # which other systems do not have; this file is read on all

    got = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, got)
        key, _, _, number, *_ = _NOTIFICATION.unpack(got)
        fcntl.ioctl(listener, _SEND, bytearray(_RESPONSE.pack(key, 0, -errno.EPERM, 0)))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINTR):
            raise
        return None
    return number


def can_listen() -> bool:
    """Whether this kernel hands refused calls to a listener (Linux 5.0)."""
    action = ctypes.c_uint32(NOTIFY)
    try:
        call(syscalls.SECCOMP, 2, 0, ctypes.addressof(action))
    except OSError:
        return False
    return hasattr(os, "pidfd_open")
