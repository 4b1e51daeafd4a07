"""Finds out whether this host can make jails: what is missing, and how to mend it."""

from __future__ import annotations

import os
import platform
import struct
import sys
import time
from pathlib import Path

from qmk.host.isolation.capability import Capability


def probe() -> Capability:
    missing = missing_for_jail()
    if missing is not None:
        return Capability("jail", False, *missing)
    started = time.perf_counter()
    trouble = _try_namespaces()
    if trouble:
        return Capability("jail", False, *trouble)
    return Capability("jail", available=True, cost_ms=(time.perf_counter() - started) * 1e3)


def missing_for_jail(
    system: str = sys.platform, machine: str = platform.machine(), root: Path = Path("/")
) -> tuple[str, str] | None:
    """What the kernel says that it lacks, and the fix; None if nothing is known to be missing."""
    if system != "linux":
        return f"a jail needs Linux, and this is {system}", "run the daemon on Linux, or in a Linux virtual machine"
    if machine != "x86_64":
        return f"the filter of system calls is written for x86-64, and this is {machine}", "use an x86-64 machine"
    from qmk.worker.jail import landlock, seccomp

    if not landlock.abi():
        return "the kernel lacks Landlock", "use Linux 5.13 or later, with landlock in the lsm= list of its boot line"
    if not seccomp.can_listen():
        return "the kernel lacks seccomp with user notification", "use Linux 5.6 or later with CONFIG_SECCOMP_FILTER"
    for name in ("user", "mnt", "net", "pid", "ipc", "uts"):
        path = root / f"proc/sys/user/max_{name}_namespaces"
        if path.exists() and path.read_text().strip() == "0":
            return f"the system allows no {name} namespaces", f"sysctl user.max_{name}_namespaces=1024"
    return None


def _try_namespaces() -> tuple[str, str] | None:
    """Makes the namespaces of a jail in a fork of this process, which then ends."""
    from qmk.worker.jail import entry, syscalls
    from qmk.worker.jail.kernel import call

    ours, theirs = os.pipe()
    user, group = os.geteuid(), os.getegid()
    pid = os.fork()
    if not pid:
        code = 0
        try:
            call(syscalls.UNSHARE, entry.SHARED_NAMESPACES | entry.NAMESPACES)
            entry.map_ids(user, group, os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
        except OSError as error:
            code = error.errno or 1
        os.write(theirs, struct.pack("=i", code))
        os._exit(0)
    os.close(theirs)
    told = os.read(ours, 4)
    os.close(ours)
    os.waitpid(pid, 0)
    code = struct.unpack("=i", told)[0] if told else 1
    if not code:
        return None
    fix = "allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian) or " \
        "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, allow unshare and mount"  # fmt: skip
    return f"the system makes no user namespaces for this user: {os.strerror(code)}", fix
