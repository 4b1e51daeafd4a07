"""Machines by Firecracker: each in a jail of the jailer's, with a folder, a user and a process namespace of its own.

The worker is reached by vsock: the guest listens, as a connection does not outlive a copy, and a listener does. This
part is tested against a server that answers as Firecracker's documents say; no machine with hardware virtualisation
was at hand to boot a guest on.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from qmk.base.errors import QmkError
from qmk.host import spawn
from qmk.host.isolation.driver import Site
from qmk.host.isolation.drivers import firecracker
from qmk.host.isolation.drivers.firecracker import api
from qmk.host.isolation.drivers.microvm import image as images
from qmk.host.isolation.drivers.microvm import machine, snapshot
from qmk.host.isolation.drivers.microvm.machine import Host
from qmk.host.isolation.drivers.sandbox import PREFIX, Held, HeldProcess, dies_with_us, program
from qmk.worker.jail.entry import NOBODY
from qmk.worker.messages import Load, Ready
from qmk.worker.wire import frame

PORT = 5000
BOOT = f"console=ttyS0 quiet loglevel=3 reboot=k panic=-1 random.trust_cpu=on qmk_vsock={PORT}"
OPEN_FILES = 256
NAMESPACE = ("--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent", "--cap-add", "ALL", "--")
"""Processes of their own, which end with the daemon: the jailer's option for that leaves a machine that does not."""
OF_COPY = ("root.squashfs", "engine.squashfs", api.STATE[1:], api.MEMORY[1:])
"""The files of a machine that a copy of it needs."""
_MIB = 1 << 20


class Jail(NamedTuple):
    """One machine's jail: its name, and the folder that holds it."""

    name: str
    top: Path

    @property
    def root(self) -> Path:
        """What the machine's process sees as its root."""
        return self.top / "firecracker" / self.name / "root"

    def command(self) -> list[str]:
        """Starts Firecracker, which waits for requests."""
        jailer = [
            program("jailer", "firecracker"), "--id", self.name, "--exec-file", program("firecracker", "firecracker"),
            "--uid", str(NOBODY), "--gid", str(NOBODY), "--chroot-base-dir", str(self.top),
            "--resource-limit", f"no-file={OPEN_FILES}", "--", "--api-sock", api.SOCKET,
        ]  # fmt: skip
        return dies_with_us([program("bwrap", "bubblewrap"), *NAMESPACE, *jailer])

    def show(self, fd: int, name: str) -> None:
        """Puts a file into the jail, which only its owner, not the machine, can write."""
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.root / name, "wb") as file, open(os.dup(fd), "rb") as source:
            source.seek(0)
            shutil.copyfileobj(source, file)
        os.chmod(self.root / name, 0o444)

    def take(self, other: Jail) -> None:
        """Shares the files of another jail that a copy of its machine needs. No machine can write to them any more."""
        self.root.mkdir(parents=True, exist_ok=True)
        for name in OF_COPY:
            if (other.root / name).exists():
                os.chown(other.root / name, 0, 0)
                os.chmod(other.root / name, 0o444)
                os.link(other.root / name, self.root / name)


def new_jail() -> Jail:
    """A jail with an empty folder of its own."""
    return Jail(f"qmk-{secrets.token_hex(8)}", Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-")))


class Booted(NamedTuple):
    """A machine that runs: its process, our end of its console, and its jail."""

    process: HeldProcess
    console: int
    jail: Jail

    def end(self) -> None:
        spawn.kill_group(self.process.pid)
        self.process.wait()
        os.close(self.console)


def start(jail: Jail) -> Booted:
    """Starts Firecracker in its jail, which is removed at its end. Raises ``OSError``."""
    ours, theirs = os.pipe()
    try:
        started = subprocess.Popen(jail.command(), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd="/",
                                   env=Held([], jail.top).environment, start_new_session=True)  # fmt: skip
    except BaseException:
        os.close(ours)
        shutil.rmtree(jail.top, ignore_errors=True)
        raise
    finally:
        os.close(theirs)
    return Booted(HeldProcess(started, Held([], jail.top)), ours, jail)


def dial_child(booted: Booted, first: bytes) -> spawn.Child:
    """Joins us to the worker in a machine, which gets ``first`` before all messages. Raises JOB_FAILED."""
    sock = api.dial(booted.jail.root / api.VSOCK[1:], PORT, time.monotonic() + snapshot.BOOT_S)
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, spawn.SOCKET_BUFFER_BYTES)
    sock.sendall(first)
    return spawn.Child(booted.process, sock, booted.console)


def boot_child(host: Host, site: Site, engine: str, *, frozen: bool) -> tuple[Booted, spawn.Child]:
    """Boots a machine, joined to us: ``frozen``, it is to be copied. Raises JOB_FAILED, UNSUPPORTED and ``OSError``."""
    usable = machine.usable_bytes(site.memory_bytes, host.accelerator)
    external = site.external.get(engine)
    shown = os.path.abspath(external.path) if external is not None and external.path else ""
    arguments = spawn.sandboxed_arguments("microvm", engine, site.threads, external, 0, usable)
    load = Load([images.ENGINE_HOME if shown and word == shown else word for word in arguments], frozen)
    jail = new_jail()
    disks = ["/root.squashfs"]
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(shutil.rmtree, jail.top, ignore_errors=True)
        for name, fd in zip(("vmlinux", "initrd.cpio", "root.squashfs"), host.files.values(), strict=True):
            jail.show(fd, name)
        if shown:
            disk = snapshot.disk_of(shown, jail.top)
            jail.show(disk, "engine.squashfs")
            os.close(disk)
            disks.append("/engine.squashfs")
        booted = start(jail)
        on_failure.callback(booted.end)
        memory_mib = -(-machine.memory_size(usable) // _MIB)
        api.ask(jail.root / api.SOCKET[1:], api.requests_of_boot(BOOT, site.threads, memory_mib, disks))
        child = dial_child(booted, frame(load) + (b"" if frozen else snapshot.begin()))
        on_failure.pop_all()
    return booted, child


class Frozen:
    """A machine that has loaded its engine, written to files of which copies are made. ``place``: their jail's root."""

    def __init__(self, jail: Jail) -> None:
        self._jail = jail

    def copy(self) -> spawn.Child:
        """A copy with a jail of its own: the paths of its files and of its vsock are those of the first one. Raises
        JOB_FAILED and ``OSError``."""
        jail = new_jail()
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(shutil.rmtree, jail.top, ignore_errors=True)
            jail.take(self._jail)
            booted = start(jail)
            on_failure.callback(booted.end)
            api.ask(jail.root / api.SOCKET[1:], [api.request_of_copy()])
            child = dial_child(booted, snapshot.begin())
            on_failure.pop_all()
        return child

    def close(self) -> None:
        shutil.rmtree(self._jail.top, ignore_errors=True)


def try_empty() -> float:
    """Starts Firecracker in a jail, asks for its version, and ends it: how many seconds that took. Raises UNSUPPORTED,
    and ``OSError``."""
    began_s, booted = time.perf_counter(), start(new_jail())
    try:
        api.ask(booted.jail.root / api.SOCKET[1:], [api.Request("GET", "/version")])
    except QmkError as error:
        message = f"Firecracker does not work here: {error.message}"
        raise QmkError("UNSUPPORTED", message, help=firecracker.GET_IT) from None
    finally:
        booted.end()
    return time.perf_counter() - began_s


def boot(host: Host, site: Site, engine: str, on_child: Callable[[spawn.Child], None]) -> Frozen:
    """As ``snapshot.boot``, by Firecracker."""
    booted, child = boot_child(host, site, engine, frozen=True)
    on_child(child)
    kept = new_jail()
    made = False
    try:
        answer = snapshot.wait_for_ready(child)
        made = isinstance(answer, Ready)
        if made:
            api.ask(booted.jail.root / api.SOCKET[1:], api.requests_of_save())
            kept.take(booted.jail)
    finally:
        status, words = child.end()
        if not made:
            shutil.rmtree(kept.top, ignore_errors=True)
    if not made:
        raise snapshot.failure_of(engine, answer, status, words)
    return Frozen(kept)
