"""An engine that tries to get out of its worker: the seed of a run names the attempt, its note says what came of it."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qmk.ir.program import Program
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features, Progress, Samples

HERE = Path(__file__).parent
DEVICE = f"/tmp/qmk-device-{os.getpid()}"
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def call(number: int, *arguments: int | bytes) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    found = LIBC.syscall(ctypes.c_long(number), *words)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def in_child(action: Callable[[], object]) -> None:
    """Does it in a fork, so that what works leaves no mark on the worker."""
    pid = os.fork()
    if not pid:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        raise PermissionError("it failed in a fork")


def target() -> Path:
    """A file beside the engine's folder, as a neighbour's or the daemon's would be."""
    return Path((HERE / "target.txt").read_text())


def read_through_link() -> object:
    link = Path(f"/tmp/qmk-link-{os.getpid()}")
    link.symlink_to(target())
    try:
        return link.read_text()
    finally:
        link.unlink()


def fill_disk() -> None:
    path = Path(f"/tmp/qmk-fill-{os.getpid()}")
    try:
        with open(path, "wb") as file:
            for _ in range(80):
                file.write(bytes(1 << 20))
    finally:
        path.unlink()


def many_files() -> None:
    made: list[Path] = []
    try:
        for number in range(5000):
            made.append(Path(f"/tmp/qmk-many-{os.getpid()}-{number}"))
            made[-1].touch()
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def many_threads() -> None:
    gate = threading.Event()
    threads = [threading.Thread(target=gate.wait) for _ in range(600)]
    try:
        for thread in threads:
            thread.start()
    finally:
        gate.set()
        for thread in threads:
            if thread.ident:
                thread.join()


def leaked_descriptors() -> None:
    """More than the standard three, the worker's socket, and two files about its own memory."""
    found = 0
    for fd in range(3, 64):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found += 1
    if found <= 4:
        raise PermissionError("nothing leaked")


def raise_limit() -> None:
    bound = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_FSIZE, bound)


def map_memory() -> None:
    mmap.mmap(-1, 3 << 30, prot=mmap.PROT_READ).close()


def signal_first() -> None:
    if os.getpid() == 1:
        raise PermissionError("that is itself")
    os.kill(1, 0)


def neighbours() -> None:
    if len([name for name in os.listdir("/proc") if name.isdigit()]) < 3:
        raise PermissionError("alone")


class Attempt:
    """``root``: it works without a jail for root only."""

    def __init__(self, action: Callable[[], object], root: bool = False) -> None:
        self.action, self.root = action, root


A = Attempt
ATTEMPTS: dict[str, Attempt] = {
    "a TCP socket": A(lambda: socket.socket(socket.AF_INET).close()),
    "a UDP socket": A(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
    "a local socket": A(lambda: socket.socket(socket.AF_UNIX).close()),
    "a netlink socket": A(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()),
    "a raw packet socket": A(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(), root=True),
    "read a neighbour's file": A(lambda: target().read_text()),
    "write a neighbour's file": A(lambda: target().write_text("changed")),
    "list a neighbour's folder": A(lambda: os.listdir(target().parent)),
    "follow a link out": A(read_through_link),
    "read /etc/passwd": A(lambda: Path("/etc/passwd").read_text()),
    "list /": A(lambda: os.listdir("/proc/self/root")),
    "write beside the engine": A(lambda: (HERE / "mark").touch()),
    "read the parent's environment": A(lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()),
    "read own memory map": A(lambda: Path("/proc/self/maps").read_text()),
    "list processes": A(neighbours),
    "read of the machine in /sys": A(lambda: os.listdir("/sys/kernel")),
    "open the kernel's log": A(lambda: os.open("/dev/kmsg", os.O_RDONLY), root=True),
    "make a device": A(lambda: (os.mknod(DEVICE, 0o20600, os.makedev(1, 3)), os.unlink(DEVICE)), root=True),
    "signal the parent": A(lambda: os.kill(os.getppid(), 0)),
    "signal everybody": A(lambda: os.kill(-1, 0)),
    "signal process 1": A(signal_first, root=True),
    "open a process by pidfd": A(lambda: os.close(os.pidfd_open(os.getppid()))),
    "trace a process": A(lambda: in_child(lambda: call(101, 0, 0, 0, 0))),
    "read another process's memory": A(lambda: call(310, os.getpid(), 0, 0, 0, 0, 0)),
    "fork": A(lambda: in_child(lambda: None)),
    "run a program": A(lambda: subprocess.run(["/bin/true"], check=True)),
    "unshare namespaces": A(lambda: in_child(lambda: call(272, 0x10000000))),
    "mount": A(lambda: in_child(lambda: (call(272, 0x20000), call(165, b"n", b"/mnt", b"tmpfs", 0, 0))), root=True),
    "chroot": A(lambda: in_child(lambda: os.chroot("/tmp")), root=True),
    "io_uring": A(lambda: os.close(call(425, 1, bytes(120)))),
    "bpf": A(lambda: os.close(call(321, 0, b"\1\0\0\0\4\0\0\0\4\0\0\0\1\0\0\0" + bytes(112), 128)), root=True),
    "perf events": A(lambda: os.close(call(298, b"\1\0\0\0\x70" + bytes(107), 0, -1, -1, 0)), root=True),
    "a key ring": A(lambda: call(250, 0, -3, 1)),
    "userfaultfd": A(lambda: os.close(call(323, 0)), root=True),
    "anonymous files": A(lambda: os.close(os.memfd_create("x"))),
    "change personality": A(lambda: call(135, 0xFFFFFFFF)),
    "become root": A(lambda: in_child(lambda: os.setresuid(0, 0, 0)), root=True),
    "a process group of its own": A(lambda: in_child(os.setsid)),
    "a real-time schedule": A(
        lambda: in_child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))), root=True
    ),
    "a better priority": A(lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0)), root=True),
    "shared memory": A(lambda: call(31, call(29, 0, 4096, 0o1600), 0, 0)),
    "watch files": A(lambda: os.close(call(294, 0))),
    "a hard link": A(lambda: in_child(lambda: os.link(target(), f"{target()}.link"))),
    "change an owner": A(lambda: os.chown(target(), os.getuid(), os.getgid())),
    "fill the disk": A(fill_disk),
    "very many files": A(many_files),
    "very many threads": A(many_threads),
    "descriptors of the host": A(leaked_descriptors, root=True),
    "a higher limit": A(raise_limit),
    "unbounded memory": A(map_memory),
}
HARMLESS = "shared memory", "descriptors of the host"
"""Refused, or nothing to find, at every level of this suite."""


class Engine:
    version = "0"

    def prepare(self, program: Program, method: str) -> Engine:
        self.program = program
        return self

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        import numpy as np

        name = list(ATTEMPTS)[seed]
        notes: dict[str, Any] = {"worked": name}
        for _ in range(shots):
            try:
                ATTEMPTS[name].action()
            except (OSError, ValueError, MemoryError, RuntimeError, subprocess.SubprocessError) as error:
                notes = {"refused": f"{type(error).__name__}: {error}"}
        return Samples(np.zeros((shots, self.program.n_cbits), dtype=np.uint8), notes=notes)


def cost(method: str, features: Features, shots: int) -> Cost:
    return Cost(seconds=1e-3, memory_bytes=1 << 20)


ENGINE = Declaration(
    name="attempts",
    doc="tries to get out",
    load="attempts:Engine",
    methods={"": Capabilities(gates=frozenset({"h", "x", "cnot"}))},
    cost=cost,
)
