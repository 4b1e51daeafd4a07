"""Writes what each level allows as files that other tools load: a filter of system calls for containers (OCI), AppArmor
profiles, and rules for Falco.

All follow from the declarations that a jail itself is made of: the calls of ``worker.jail.syscalls``, the rules of
``worker.jail.seccomp``, and the paths of ``worker.jail.root``. What a daemon and its gateway need beyond a worker is
declared here.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from qmk.base.isolation import Level
from qmk.rpc.places import KEYS_NAME
from qmk.worker.jail import root, seccomp, syscalls

Form = Literal["seccomp", "apparmor", "falco"]
LEVELS: tuple[Level, ...] = ("process", "jail")
"""The levels that have policies: those that engines run at."""

_SERVER = """
socket connect accept accept4 sendmsg recvmsg sendmmsg recvmmsg bind listen socketpair setsockopt getpeername
clone fork vfork execve wait4 waitid kill tgkill tkill pidfd_open pidfd_send_signal prctl prlimit64 ioctl
setpriority sched_setscheduler sched_setparam setsid setpgid setuid setgid setgroups setresuid setresgid capget
link linkat symlink symlinkat chown fchown fchownat sendfile copy_file_range sync_file_range memfd_create mbind
getxattr lgetxattr listxattr llistxattr timerfd_create timerfd_settime signalfd4 mlock get_mempolicy
seccomp landlock_create_ruleset
"""
SERVER: frozenset[str] = frozenset(_SERVER.split())
"""Calls of a daemon, its gateway and its translators beyond a worker's. The last two are asked for what they can do."""
_JAILER = "unshare mount umount2 pivot_root capset pidfd_getfd landlock_add_rule landlock_restrict_self"
JAILER: frozenset[str] = frozenset(_JAILER.split())
"""Calls of a zygote, which makes jails."""


class Places(NamedTuple):
    """Folders of an installation, as a policy names them."""

    python: str = "/opt/qmk"
    data: str = "/var/lib/qmk"
    sockets: str = "/run/qmk"


DEFAULT = Places()


def calls_of(level: Level) -> frozenset[str]:
    """The calls that a container must let through which holds a daemon, its gateway and workers at ``level``."""
    allowed = SERVER.union(syscalls.ALLOWED)
    return allowed | JAILER if level == "jail" else allowed


def write(level: Level, form: Form, places: Places = DEFAULT, *, worker: bool = False) -> str:
    """The policy of ``level`` as a text. ``worker``: of a worker in a jail alone, which only ``seccomp`` has."""
    if form == "seccomp":
        return _seccomp(syscalls.ALLOWED if worker else calls_of(level), seccomp.RULES if worker else ())
    return {"apparmor": _apparmor, "falco": _falco}[form](level, places)


def _seccomp(allowed: Iterable[str], rules: Iterable[seccomp.Rule]) -> str:
    """As containers of OCI and Docker read it. A process's own number is 1 there."""
    allow = "SCMP_ACT_ALLOW"
    groups: list[dict[str, Any]] = [{"names": sorted(allowed), "action": allow}]
    for rule in rules:
        for value in rule.values:
            test = {"index": rule.argument, "value": 1 if value == seccomp.OWN else value, "op": "SCMP_CMP_EQ"}
            if rule.any_bit:
                test |= {"valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
            groups.append({"names": [syscalls.NAME_OF[rule.number]], "action": allow, "args": [test]})
    groups.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS})
    whole = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": groups,
    }
    return json.dumps(whole, indent=1) + "\n"


_NETWORK = ["network inet,", "network inet6,"]
_PYTHONS = ("@{QMK_PYTHON}/bin/python3*", "/usr/bin/python3*")
_SHARED = [
    "signal (receive),",
    "signal (send) peer=qmk-*,",
    "unix (create, getattr, getopt, setopt, connect, accept, bind, listen, send, receive, shutdown),",
    "@{QMK_PYTHON}/{,**} mr,",
    *(f"{path}{{,/**}} mr," for path in root.SYSTEM),
    *(f"{path} {'rw' if path in root.WRITABLE else 'r'}," for path in root.DEVICES),
    "/etc/{passwd,group,nsswitch.conf,resolv.conf,hosts,mime.types} r,",
    "/etc/ssl/{openssl.cnf,certs/**} r,",
    "owner /tmp/** rwk,",
    "owner /dev/shm/** rwkl,",
    "owner @{PROC}/@{pid}/** r,",
    "@{PROC}/{cpuinfo,meminfo,stat,loadavg,sys/**} r,",
    "@{sys}/{devices,fs/cgroup}/** r,",
]
_OF_DATA = ["@{QMK_DATA}/{,**} rwkl,", "@{QMK_RUN}/{,**} rw,"]
_PARTS: dict[str, list[str]] = {
    "daemon": [*_NETWORK, *_OF_DATA, "@{PROC}/@{pid}/** r,", *(f"{path} px -> qmk-worker," for path in _PYTHONS)],
    "gateway": [*_NETWORK, *_OF_DATA, *(f"{path} ix," for path in _PYTHONS)],
    "worker": [f"deny @{{QMK_DATA}}/{KEYS_NAME}/** rwklm,"],
}
_WORKERS: dict[Level, list[str]] = {
    "process": _NETWORK,
    "jail": [
        *(f"deny {rule}" for rule in _NETWORK),
        *(f"deny {folder}/** x," for folder in ("@{QMK_PYTHON}", "/usr", "/bin", "/tmp")),
        *(f"capability {name}," for name in ("sys_admin", "setuid", "setgid", "setpcap")),
        "mount,",
        "umount,",
        "pivot_root,",
        "owner @{PROC}/@{pid}/{setgroups,uid_map,gid_map} w,",
    ],
}
_APPARMOR = """\
# Profiles of AppArmor for a daemon whose workers run at level '{level}', its gateway, and its workers. Nobody has tried
# them on a kernel with AppArmor: apparmor_parser reads them. Load them in complain mode first: apparmor_parser -r -C.
#
# The daemon's profile is entered by name (AppArmorProfile=qmk-daemon of a unit, or aa-exec -p qmk-daemon), and so is
# the gateway's: run it by itself, not with --http. The daemon's workers and translators enter theirs as they start.
# Rules of your own go to local/qmk-*; where the kernel restricts user namespaces, a jail needs 'userns,' there
# (AppArmor 4).
abi <abi/3.0>,
include <tunables/global>

@{{QMK_PYTHON}} = {places.python}
@{{QMK_DATA}} = {places.data}
@{{QMK_RUN}} = {places.sockets}
"""


def _apparmor(level: Level, places: Places) -> str:
    out = _APPARMOR.format(level=level, places=places)
    for part, rules in _PARTS.items():
        more = _WORKERS[level] if part == "worker" else []
        body = "".join(f"  {rule}\n" for rule in (*_SHARED, *rules, *more, f"include if exists <local/qmk-{part}>"))
        out += f"\nprofile qmk-{part} flags=(attach_disconnected, mediate_deleted) {{\n{body}}}\n"
    return out


def _falco(level: Level, places: Places) -> str:
    """YAML in which each text is a JSON string, which YAML reads too."""
    items = [*_falco_names(level, places), *_falco_rules(level)]
    return _FALCO.format(level=level) + "\n".join(map(_item, items))


_FALCO = """\
# Rules of Falco for a daemon whose workers run at level '{level}'. Nobody has tried them with Falco: a test compares
# their form with its documentation, and that each name in a condition is defined.
"""


def _falco_names(level: Level, places: Places) -> list[dict[str, Any]]:
    conditional = {syscalls.NAME_OF[rule.number] for rule in seccomp.RULES}
    refused = set(syscalls.NUMBERS) - set(syscalls.ALLOWED) - conditional - SERVER - JAILER - {"clone3"}
    return [
        {"macro": "qmk_worker", "condition": 'proc.cmdline contains "qmk.worker.main"'},
        {
            "macro": "qmk_part",
            "condition": f'proc.exepath startswith "{places.python}/" or proc.cmdline contains "qmk"',
        },
        {"macro": "qmk_keys", "condition": f'fd.name startswith "{places.data}/{KEYS_NAME}/"'},
        {"list": "qmk_never_called", "items": sorted(refused)},
    ]


def _falco_rules(level: Level) -> list[dict[str, Any]]:
    who = "worker=%proc.cmdline user=%user.name"
    rows = [
        (
            "QMK keys opened by another program",
            "A program that is not QMK opened a key of its data folder.",
            "evt.type in (open, openat, openat2) and qmk_keys and not qmk_part",
            "A key of QMK was opened (program=%proc.cmdline file=%fd.name user=%user.name)",
        ),
        (
            "QMK keys opened by a worker",
            "A worker opened a key of the daemon, which it never needs.",
            "evt.type in (open, openat, openat2) and qmk_keys and qmk_worker",
            f"A worker opened a key of QMK (file=%fd.name {who})",
        ),
        (
            "QMK worker makes a call that no engine needs",
            "A worker made a system call that neither an engine nor a daemon makes.",
            "qmk_worker and evt.type in (qmk_never_called)",
            f"A worker made a call that no engine needs (call=%evt.type {who})",
        ),
    ]
    if level == "jail":
        rows += [
            (
                "QMK worker runs a program",
                "A worker in a jail started a program, which its filter of calls refuses.",
                'evt.type in (execve, execveat) and qmk_worker and proc.pcmdline contains "qmk.worker.main"',
                f"A worker in a jail ran a program ({who})",
            ),
            (
                "QMK worker uses the network",
                "A worker in a jail made a connection, which its namespace has not.",
                "evt.type in (connect, bind, accept, accept4) and fd.type in (ipv4, ipv6) and qmk_worker",
                f"A worker in a jail used the network (connection=%fd.name {who})",
            ),
        ]
    names = ("rule", "desc", "condition", "output")
    return [dict(zip(names, row, strict=True)) | {"priority": "CRITICAL", "tags": ["qmk", level]} for row in rows]


def _item(fields: dict[str, Any]) -> str:
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    return "- " + "\n  ".join(lines) + "\n"
