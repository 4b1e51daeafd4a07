"""The virtual machine that holds a worker, as QEMU's command, in a sandbox of its own.

It has a processor, memory, the root and perhaps an engine's folder as disks that cannot be written, a serial port that
leads to the daemon, a console for last words, and the port that ends it: no network and no file of the host. A guest
that gets into QEMU by a flaw in one of these devices is nobody, in namespaces and a root of its own (bubblewrap), and
starts no program (QEMU's own filter of calls).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from pathlib import Path
from typing import Literal, NamedTuple

from qmk.base.errors import QmkError
from qmk.host.isolation.drivers import firecracker
from qmk.host.isolation.drivers.bubblewrap import binds_of
from qmk.host.isolation.drivers.microvm import image as images
from qmk.host.isolation.drivers.microvm import kvm
from qmk.host.isolation.drivers.microvm.image import Image
from qmk.host.isolation.drivers.passthrough import files_of
from qmk.host.isolation.drivers.sandbox import dies_with_us, program
from qmk.worker.jail.entry import NOBODY
from qmk.worker.jail.root import SYSTEM
from qmk.worker.vm.status import EXIT_PORT

MODE = "QMK_MICROVM"
DEVELOPMENT = "dev"
QEMU, PACKAGE = "qemu-system-x86_64", "qemu-system-x86"
Accelerator = Literal["kvm", "tcg"]
OPTIONS: dict[Accelerator, tuple[str, ...]] = {
    "kvm": ("-accel", "kvm", "-cpu", "host,-arch-capabilities"),
    "tcg": ("-accel", "tcg,thread=single,tb-size=64", "-cpu", "max"),
}
MOST_BYTES: dict[Accelerator, int] = {"kvm": 4 << 30, "tcg": 1 << 30}
"""What the jobs of one machine may take at most: Linux keeps a record of each page, and prepares it at its start."""
GUEST_BYTES = 256 << 20
"""What its kernel, Python and the engine take."""
OWN_BYTES = 1 << 30
"""A bound on what QEMU takes beyond the guest's memory."""
BOOT = "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on"
GONE_S, LOOK_EVERY_S = 10.0, 0.005
_F_SETPIPE_SZ = 1031
_FILTER = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_MIB = 1 << 20


class Host(NamedTuple):
    """What every machine of this host has in common. ``files``: the image's files, open."""

    image: Image
    files: dict[str, int]
    accelerator: Accelerator
    monitor: str = QEMU

    def close(self) -> None:
        for fd in self.files.values():
            os.close(fd)


class Guest(NamedTuple):
    """One machine: the descriptors of its memory, of its disks, its processors, and the PCI functions that it has
    (``drivers.passthrough``)."""

    memory: int
    disks: tuple[int, ...]
    processors: int
    functions: tuple[str, ...] = ()


def accelerator() -> Accelerator:
    """KVM where it is fast, else the interpreter TCG where the user asks for it. Raises UNSUPPORTED with the reason."""
    trouble = kvm.missing()
    if trouble is None:
        return "kvm"
    if os.environ.get(MODE) == DEVELOPMENT:
        return "tcg"
    reason, fix = trouble
    message = f"{reason}; without it QEMU interprets the guest, slowly, and its authors do not call that a defence"
    raise QmkError("UNSUPPORTED", message, help=f"{fix}; to try the level all the same, set {MODE}={DEVELOPMENT}")


def open_host() -> Host:
    """Raises UNSUPPORTED with what is missing, and ``OSError``."""
    monitor = firecracker.NAME if os.environ.get(MODE) == firecracker.NAME else QEMU
    firecracker.require() if monitor == firecracker.NAME else program(QEMU, PACKAGE)
    place = images.folder()
    image, found = images.read(place), accelerator()
    return Host(image, images.open_files(place, image), found, monitor)


def usable_bytes(asked: int, found: Accelerator) -> int:
    """What jobs may take in a machine for which ``asked`` is allowed, 0 for no bound."""
    return min(asked or MOST_BYTES[found], MOST_BYTES[found])


def memory_size(usable: int) -> int:
    """Bytes of a guest in which jobs may take so much."""
    return -(-(GUEST_BYTES + usable + usable // 32) // (2 * _MIB)) * 2 * _MIB


def memory_of(usable: int) -> int:
    """An empty memory in which jobs may take so much: the descriptor of a file that has no name and takes no room
    until it is written."""
    fd = os.memfd_create("qmk-guest", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, memory_size(usable))
    return fd


def seal(memory: int) -> None:
    """Nobody writes to it from now on, but each who maps it has a copy of the pages that he changes. The machine that
    had it was ended, and may take a moment to be gone. Raises ``OSError`` if it is not."""
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    until_s = time.monotonic() + GONE_S
    while True:
        try:
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until_s:
                raise
        time.sleep(LOOK_EVERY_S)


def full_pipe(data: bytes) -> int:
    """The end from which ``data`` can be read, all of it, after which it ends. Raises ``OSError``."""
    ours, theirs = os.pipe()
    try:
        fcntl.fcntl(theirs, _F_SETPIPE_SZ, max(len(data), 1 << 16))
        os.set_blocking(theirs, False)
        if os.write(theirs, data) != len(data):
            raise OSError(0, f"a pipe holds less than {len(data)} bytes")
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return ours


def command(host: Host, guest: Guest, port: int, monitor: int, nice: int, *, copy: bool) -> list[str]:
    """QEMU's command. ``port``, ``monitor``: sockets for the serial port and the monitor; ``copy``: the memory is one
    that is copied on write, and the machine waits for its state."""
    size = os.fstat(guest.memory).st_size
    share = "off" if copy else "on"
    words = [
        program(QEMU, PACKAGE), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", "qmk",
        "-machine", "pc,memory-backend=ram,usb=off,vmport=off", *OPTIONS[host.accelerator],
        "-smp", str(guest.processors), "-m", f"{size // _MIB}M",
        "-object", f"memory-backend-file,id=ram,size={size},mem-path=/proc/self/fd/{guest.memory},share={share}",
        "-kernel", f"/proc/self/fd/{host.files[images.KERNEL]}",
        "-initrd", f"/proc/self/fd/{host.files[images.FIRST]}", "-append", BOOT,
        "-device", "virtio-serial-pci", "-chardev", f"socket,id=port,fd={port}",
        "-device", "virtserialport,chardev=port",
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
        "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=1", "-sandbox", _FILTER,
    ]  # fmt: skip
    for number, fd in enumerate((host.files[images.ROOT], *guest.disks), 1):
        file = f"driver=raw,node-name=disk{number},read-only=on,file.driver=file,file.locking=off"
        words += ["-add-fd", f"fd={fd},set={number}", "-blockdev", f"{file},file.filename=/dev/fdset/{number}"]
        words += ["-device", f"virtio-blk-pci,drive=disk{number}"]
    for function in guest.functions:
        words += ["-device", f"vfio-pci,host={function}"]
    if copy:
        words += ["-incoming", "defer"]
    return _confine(words, host.accelerator, size, nice, files_of(guest.functions))


def _confine(words: list[str], found: Accelerator, memory_bytes: int, nice: int, vfio: tuple[str, ...]) -> list[str]:
    """``vfio``: device files of PCI functions that the machine has, whose memory is then locked."""
    kept = [kvm.DEVICE, *vfio] if found == "kvm" else [*vfio]
    devices = [word for path in kept for word in ("--dev-bind", path, path)]
    if vfio:
        devices += ["--ro-bind", "/sys", "/sys"]
    paths = tuple(path for path in SYSTEM if os.path.exists(path))
    sandbox = [
        program("bwrap", "bubblewrap"), "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--proc", "/proc", *binds_of(paths), *devices, "--remount-ro", "/", "--chdir", "/", "--",
    ]  # fmt: skip
    nicely = [program("nice", "coreutils"), "-n", str(nice)] if nice else []
    locks = [program("prlimit", "util-linux"), "--memlock=unlimited:unlimited"] if vfio and not os.geteuid() else []
    return dies_with_us([*locks, *nicely, *sandbox, *words], memory_bytes + OWN_BYTES, () if vfio else _identity(found))


def _identity(found: Accelerator) -> tuple[str, ...]:
    """Options of setpriv: root becomes nobody, who may open KVM's device; as what it is where only root may. With a
    PCI function of VFIO it stays what it is, as only root and its own user may open one."""
    group = NOBODY
    if os.geteuid():
        return ()
    if found == "kvm":
        status = Path(kvm.DEVICE).stat()
        if not status.st_mode & stat.S_IWOTH:
            if not status.st_mode & stat.S_IWGRP:
                return ()
            group = status.st_gid
    return ("--reuid", str(NOBODY), "--regid", str(group), "--clear-groups")
