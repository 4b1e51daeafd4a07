"""Machines as sandboxes: one that boots, and copies of one that has booted and loaded an engine.

A copy maps the memory of the one that booted and has pages of its own for what it changes; nobody can write to the
memory itself (``machine.seal``). It goes on where that one stopped, in tens of milliseconds with KVM.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import spawn
from qmk.host.isolation.capability import Capability
from qmk.host.isolation.driver import Site
from qmk.host.isolation.drivers.microvm import machine
from qmk.host.isolation.drivers.microvm.image import ENGINE_HOME
from qmk.host.isolation.drivers.microvm.machine import Guest, Host
from qmk.host.isolation.drivers.microvm.qmp import Monitor, commands_of_copy, commands_of_end
from qmk.host.isolation.drivers.passthrough import devices_at
from qmk.host.isolation.drivers.sandbox import Held, Job, folder, program, words_of
from qmk.host.losses import UNKNOWN, judge_end
from qmk.worker.messages import Begin, Failed, FromWorker, Load, Ready
from qmk.worker.vm.status import status_of
from qmk.worker.wire import Channel, WireError, frame

BOOT_S = 120.0
EMPTY_S = 20.0
ENTROPY_BYTES = 48
ANOTHER = "see that bubblewrap works (user namespaces), and use QEMU 7.2 or later"


class Machines(ABC):
    """What each machine of a host has; ``hold`` of its two kinds gives the command of one."""

    level: Level = "microvm"

    def __init__(self, host: Host, site: Site) -> None:
        self.host, self.site = host, site
        self.usable_bytes = machine.usable_bytes(site.memory_bytes, host.accelerator)

    def probe(self) -> Capability:
        """It has been found already, when the host was opened."""
        return Capability(self.level, available=True)

    def start(self, engine: str) -> spawn.Child:
        """Starts a worker in one of these. Raises as ``spawn.in_sandbox``."""
        site, external = self.site, self.site.external.get(engine)
        functions = devices_at(site.devices, engine, self.level)
        return spawn.in_sandbox(self, engine, site.threads, external, 0, self.usable_bytes, functions)

    @abstractmethod
    def hold(self, job: Job) -> Held: ...


def command_of(
    host: Host, nice: int, guest: Guest, sockets: tuple[int, int], own: list[int], *, copy: bool
) -> list[str]:
    """The command of a machine with the serial port and the monitor at ``sockets``. It inherits ``own``, where copies
    of all that machines have in common are put."""
    files = {name: os.dup(fd) for name, fd in host.files.items()}
    own += files.values()
    mine = guest._replace(memory=os.dup(guest.memory), disks=tuple(map(os.dup, guest.disks)))
    own += (mine.memory, *mine.disks)
    return machine.command(host._replace(files=files), mine, *sockets, nice, copy=copy)


class Booting(Machines):
    """A machine that boots; ``frozen``: it stops when it has loaded its engine, and then gives a ``Snapshot``. For one
    machine only."""

    def __init__(self, host: Host, site: Site, *, frozen: bool) -> None:
        super().__init__(host, site)
        self._frozen = frozen
        self._ours, self._theirs = socket.socketpair()
        self.guest = Guest(machine.memory_of(self.usable_bytes), (), site.threads)

    def hold(self, job: Job) -> Held:
        place, own = folder(), [self._theirs.detach()]
        with on_failure(place, own):
            if job.shows:
                self.guest = self.guest._replace(disks=(disk_of(job.shows[0], place),))
            self.guest = self.guest._replace(functions=job.devices)
            arguments = [ENGINE_HOME if each in job.shows else each for each in _arguments(job)]
            first = frame(Load(arguments, self._frozen)) + (b"" if self._frozen else begin())
            command = command_of(self.host, self.site.nice, self.guest, (job.fd, own[0]), own, copy=False)
            return Held(command, place, fds=tuple(own), first=first, console=True, status=status_of)

    def freeze(self, engine: str) -> Snapshot:
        """Stops the machine, which has said that it is ready. It is to be ended then. Raises JOB_FAILED."""
        monitor = Monitor(self._ours)
        monitor.begin()
        return Snapshot(self.host, self.site, engine, self.guest, monitor.save())

    def close(self, *, keep: bool = False) -> None:
        """Gives up what it has of the machine; ``keep``: a snapshot has the memory and the disks."""
        self._ours.close()
        if not keep:
            close_guest(self.guest)


class Snapshot(Machines):
    """A machine that has loaded its engine, of which every held job gets a copy."""

    def __init__(self, host: Host, site: Site, engine: str, guest: Guest, state: bytes) -> None:
        super().__init__(host, site)
        self._engine, self._guest, self._state = engine, guest, state

    def copy(self) -> spawn.Child:
        """Starts a copy. Raises as ``spawn.in_sandbox``."""
        return self.start(self._engine)

    def hold(self, job: Job) -> Held:
        place, own = folder(), list[int]()
        with on_failure(place, own):
            state = machine.full_pipe(self._state)
            own.append(state)
            ours, theirs = socket.socketpair()
            own += (theirs.detach(), ours.fileno())
            ours.sendall(commands_of_copy(state))
            ours.detach()
            command = command_of(self.host, self.site.nice, self._guest, (job.fd, own[1]), own, copy=True)
            return Held(command, place, fds=tuple(own), first=begin(), console=True, status=status_of)

    def close(self) -> None:
        close_guest(self._guest)


@contextlib.contextmanager
def on_failure(place: Path, own: list[int]) -> Generator[None]:
    """Removes the folder and closes the descriptors if the block fails."""
    try:
        yield
    except BaseException:
        for fd in own:
            os.close(fd)
        shutil.rmtree(place, ignore_errors=True)
        raise


def close_guest(guest: Guest) -> None:
    for fd in (guest.memory, *guest.disks):
        os.close(fd)


def begin() -> bytes:
    """What gives a machine random numbers and a clock of its own."""
    return frame(Begin(secrets.token_bytes(ENTROPY_BYTES), time.time_ns()))


def _arguments(job: Job) -> list[str]:
    """The arguments of the worker, from the command that would run it here."""
    return job.command[job.command.index("-m") + 2 :]


def disk_of(path: str, place: Path) -> int:
    """A folder as a disk: the descriptor of a file. Raises UNSUPPORTED without mksquashfs."""
    file = place / "engine.squashfs"
    command = [program("mksquashfs", "squashfs-tools"), path, str(file), "-quiet", "-no-progress", "-all-root"]
    made = subprocess.run([*command, "-no-xattrs"], capture_output=True, text=True, check=False)
    if made.returncode:
        raise QmkError("UNSUPPORTED", f"mksquashfs cannot make a disk of {path}: {made.stderr.strip()[-300:]}",
                       help="see that the folder can be read")  # fmt: skip
    return os.open(file, os.O_RDONLY | os.O_CLOEXEC)


def try_empty(host: Host) -> float:
    """Starts a machine that waits for a guest, and ends it: how many seconds that took. Raises UNSUPPORTED with what
    it said if it does not work here, and ``OSError``."""
    began_s, own = time.perf_counter(), list[int]()
    ours, theirs = socket.socketpair()
    port, other = socket.socketpair()
    guest = Guest(machine.memory_of(0), (), 1)
    with ours, theirs, port, other:
        ours.sendall(commands_of_end())
        sockets = (port.fileno(), theirs.fileno())
        try:
            command = command_of(host, 0, guest, sockets, own, copy=True)
            fds = (*own, *sockets)
            found = subprocess.run(command, pass_fds=fds, capture_output=True, text=True, timeout=EMPTY_S,
                                   stdin=subprocess.DEVNULL, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise QmkError("UNSUPPORTED", f"QEMU did not end within {EMPTY_S:g} s", help=ANOTHER) from None
        finally:
            for fd in (*own, guest.memory):
                os.close(fd)
    if found.returncode:
        raise QmkError("UNSUPPORTED", f"QEMU does not work here: {words_of(found)}", help=ANOTHER)
    return time.perf_counter() - began_s


def boot(host: Host, site: Site, engine: str, on_child: Callable[[spawn.Child], None] = lambda child: None) -> Snapshot:
    """Boots a machine, has it load ``engine``, and gives what copies are made of. It takes as long as that;
    ``on_child`` gets the machine, to end it. Raises with what a worker says that cannot start, JOB_FAILED for a machine
    that failed, and as ``spawn.in_sandbox``."""
    booting = Booting(host, site, frozen=True)
    found: Snapshot | None = None
    try:
        child = booting.start(engine)
        on_child(child)
        try:
            answer = wait_for_ready(child)
            if isinstance(answer, Ready):
                found = booting.freeze(engine)
        finally:
            status, words = child.end()
        if found is not None:
            machine.seal(booting.guest.memory)
            return found
    finally:
        booting.close(keep=found is not None)
    raise failure_of(engine, answer, status, words)


def boot_child(host: Host, site: Site, engine: str) -> spawn.Child:
    """Boots a machine for one worker. Raises as ``spawn.in_sandbox``."""
    booting = Booting(host, site, frozen=False)
    try:
        return booting.start(engine)
    finally:
        booting.close()


def failure_of(engine: str, answer: object, status: int, words: bytes) -> QmkError:
    """Why there is no machine: ``answer`` is what came of ``wait_for_ready``, the rest is how it ended."""
    if isinstance(answer, Failed):
        return QmkError(answer.kind, answer.message, **answer.fields)
    return judge_end(engine, status, words.decode(errors="replace"), str(answer or ""), False, UNKNOWN).error


def wait_for_ready(child: spawn.Child) -> Ready | Failed | str | None:
    """What the machine says first: None if it ended, text for what it did instead."""
    child.sock.settimeout(BOOT_S)
    channel: Channel[FromWorker] = Channel(child.sock, FromWorker)
    try:
        answer = channel.receive()
    except TimeoutError:
        return f"was not ready after {BOOT_S:g} s"
    except (OSError, WireError):
        return None
    return answer if isinstance(answer, Ready | Failed) else None
