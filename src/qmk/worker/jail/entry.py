"""Forks a worker into a jail: its namespaces, then a /tmp of its own, Landlock, limits and the filter of calls.

What all workers of an engine share is made once, by ``prepare``: the process that forks gets the root of the jail and
a network of its own without an interface, and builds the filter and the rules.

Two processes come of it, both in the namespaces: the keeper (``jail.keeper``) and its child, the worker, which can do
nothing any more but compute, read what an engine reads, write to /tmp, and answer on the descriptors that it was given.
The process that forks must have one thread. It uses the system call itself, as the keeper may then be a child of the
caller's parent (CLONE_PARENT), which can wait for it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import struct
import traceback
from typing import NamedTuple

from qmk.worker.jail import keeper, landlock, root, seccomp, syscalls
from qmk.worker.jail import kernel as linux
from qmk.worker.memory import PEAK

SHARED_NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWNET
"""Those that are made once for all workers of an engine."""
NAMESPACES = (
    linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWPID
)  # fmt: skip
WORKER = 2
"""The worker's process id in its namespace: the first after the keeper."""
NOBODY = 65_534
"""Whom the worker is inside of the jail and, where the daemon is root and others may read the engine, outside too."""
OPEN_FILES = 256
PROCESSES = 512
NO_LISTENER = struct.pack("=i", -1)
_PIDFD_GETFD = 438
_CAPSET, _CAPS_VERSION_3 = 126, 0x20080522


class Jail(NamedTuple):
    """``address_bytes``: the bound on a worker's address space, 0 without one. ``abi``: that of Landlock; ``rules``:
    its rules. ``listen``: refused calls are counted; ``filter``: the filter of calls. ``proc``: /proc, open.
    ``scratch``: the folder that can be written. ``files``: descriptors that a worker keeps, such as of code that its
    engine maps again for each run."""

    address_bytes: int
    abi: int
    rules: list[bytes]
    listen: bool
    filter: bytes
    proc: int
    scratch: str
    files: tuple[int, ...] = ()


def prepare(more: tuple[str, ...], memory_bytes: int = 0, files: tuple[int, ...] = ()) -> Jail:
    """Has this process fork jails from now on, whose workers read ``more`` besides their Python, keep ``files``, and
    may take ``memory_bytes`` beyond what it has now (0: without bound). It has the jail's root then, for good. Raises
    ``OSError`` where the kernel makes no namespaces for us."""
    paths, abi, listen = root.paths_of(more), landlock.abi(), seccomp.can_listen()
    address_bytes = address_space(memory_bytes)
    _drop_root(paths)
    user, group = os.geteuid(), os.getegid()
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    linux.call(syscalls.UNSHARE, SHARED_NAMESPACES)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    map_ids(user, group, proc)
    root.enter(paths)
    drop_capabilities()
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    rules = landlock.rules_for((*paths, "/dev"), root.WRITABLE_DEVICES, abi) if abi else []
    refusal = seccomp.NOTIFY if listen else seccomp.REFUSE
    return Jail(
        address_bytes, abi, rules, listen, seccomp.program(WORKER, refusal), proc, root.scratch_of(paths), files
    )


def address_space(memory_bytes: int) -> int:
    """The bound on the address space of a process that may take so much beyond what this one has now; 0: without."""
    if not memory_bytes:
        return 0
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize() + memory_bytes


def _drop_root(paths: tuple[str, ...]) -> None:
    """Where this process is root and everybody may read what the jail shows, it becomes nobody, for good."""
    if os.geteuid() == 0 and all(map(_is_public, paths)):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)  # its own files of /proc stay its own


def drop_capabilities() -> None:
    linux.call(_CAPSET, struct.pack("=Ii", _CAPS_VERSION_3, 0), bytes(24))


def _is_public(path: str) -> bool:
    """Whether everybody may read ``path`` and enter each folder above it."""
    above: str = os.path.dirname(path)
    wanted = 0o005 if os.path.isdir(path) else 0o004
    if os.stat(path).st_mode & wanted != wanted:
        return False
    while os.stat(above).st_mode & 0o001:
        if above == "/":
            return True
        above = os.path.dirname(above)
    return False


class Born(NamedTuple):
    """A new jail, as the process that forked sees it (``keeper``: the process id), or as the worker sees itself:
    ``keeper`` 0, ``worker`` the process id that it has outside."""

    keeper: int
    worker: int = 0


def birth(jail: Jail, kept: int, reports: int, *, stderr: int = 2, of_parent: bool = False) -> Born:
    """Forks a jail. It returns twice: in the caller, and in the worker; the keeper ends by itself. ``kept``: the
    worker's descriptor besides the standard ones; ``stderr``: its standard error; ``reports``: where the keeper writes
    which calls were refused; ``of_parent``: the keeper is a child of the caller's parent.

    Raises ``OSError`` where the kernel makes no namespaces for us."""
    user, group = os.geteuid(), os.getegid()
    parent = os.getppid() if of_parent else os.getpid()
    pid = _clone(NAMESPACES | signal.SIGCHLD | (linux.CLONE_PARENT if of_parent else 0))
    if pid:
        return Born(pid)
    try:
        os.dup2(stderr, 2)
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        if _parent(jail.proc) != parent:
            os._exit(1)  # it ended before we asked to end with it
        os.setsid()
        map_ids(user, group, jail.proc)
        ours, theirs = socket.socketpair()
        worker = os.fork()
        if worker:
            theirs.close()
            os._exit(_keep(worker, ours, reports))
        ours.close()
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
        outside = int(os.readlink("self", dir_fd=jail.proc))
        _confine(jail, kept, theirs)
        return Born(0, outside)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _parent(proc: int) -> int:
    """The process id of this process's parent, outside of the jail. ``proc``: /proc, open."""
    fd = os.open("self/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    try:
        return int(os.read(fd, 1 << 10).rpartition(b")")[2].split()[1])
    finally:
        os.close(fd)


def _clone(flags: int) -> int:
    """Forks with these flags: 0 in the child."""
    python = ctypes.PyDLL(None)  # it keeps the interpreter's lock
    python.syscall.restype = ctypes.c_long
    python.PyOS_BeforeFork()
    pid: int = python.syscall(ctypes.c_long(syscalls.CLONE), ctypes.c_ulong(flags), *[ctypes.c_ulong(0)] * 4)
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    code = ctypes.get_errno() if pid > 0 else _last_error(python)
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(code, f"cannot make namespaces: {os.strerror(code)}")
    return pid


def _last_error(python: ctypes.PyDLL) -> int:
    where = python.__errno_location
    where.restype = ctypes.POINTER(ctypes.c_int)
    return where().contents.value


def map_ids(user: int, group: int, proc: int) -> None:
    """Has this user and group be nobody in the new user namespace. ``proc``: /proc, open."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        fd = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
        os.write(fd, text.encode())
        os.close(fd)


def _keep(worker: int, told: socket.socket, reports: int) -> int:
    """The keeper's life, from the fork of the worker to its end."""
    listener = -1
    _close_others({reports, told.fileno()})
    number = told.recv(4)
    if number != NO_LISTENER and number:
        listener = linux.call(_PIDFD_GETFD, os.pidfd_open(worker), struct.unpack("=i", number)[0], 0)
        told.send(b"+")
    told.close()
    return keeper.keep(worker, listener, reports)


def _close_others(kept: set[int]) -> None:
    """Closes every descriptor above the standard ones but these."""
    low = 3
    for fd in sorted(each for each in kept if each >= low):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, 1 << 20)


def _confine(jail: Jail, kept: int, told: socket.socket) -> None:
    """Gives up everything that the worker does not need, in an order in which each step can still be taken."""
    assert os.getpid() == WORKER
    PEAK.reset(jail.proc)  # it opens files that are out of reach later
    bound(jail.address_bytes)
    root.mount_scratch(jail.scratch)
    if jail.abi:
        landlock.restrict([*jail.rules, *landlock.rules_for((), (jail.scratch,), jail.abi)], jail.abi)
    drop_capabilities()
    _close_others({kept, told.fileno(), *PEAK.files, *jail.files})
    listener = seccomp.install(jail.filter, jail.listen)
    told.send(struct.pack("=i", listener))
    if listener >= 0:
        told.recv(1)  # the keeper has it
        os.close(listener)
    told.close()


def bound(address_bytes: int) -> None:
    """Sets limits that the worker cannot raise again. ``address_bytes``: of its address space, 0 without bound."""
    hard = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: root.SCRATCH_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_NPROC: PROCESSES,
    }
    if address_bytes:
        hard[resource.RLIMIT_AS] = address_bytes
    for name, bound in hard.items():
        _, most = resource.getrlimit(name)
        bound = bound if most == resource.RLIM_INFINITY else min(bound, most)
        resource.setrlimit(name, (bound, bound))
