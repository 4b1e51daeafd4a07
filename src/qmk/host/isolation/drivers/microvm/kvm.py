"""Finds out whether KVM runs a guest's kernel on the processor: ``python -m qmk.host.isolation.drivers.microvm.kvm``.

That ``/dev/kvm`` can be opened says little: a host that is a virtual machine itself may have a KVM that interprets
every instruction of a guest's kernel, thousands of times slower than a processor, and lacks some that Linux needs. So
a guest of three instructions counts down in ring 0, and its rate decides. It runs in a process of its own, which can
be ended if the guest never ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
import subprocess
import sys
import time

DEVICE = "/dev/kvm"
LEAST_PER_S = 1e8
"""Instructions a second. A processor has 1e9 and more, an interpreter 1e5 to 1e7."""
TURNS = 20_000
TRIES = 3
PROBE_S = 20.0
_COUNT_DOWN = bytes((0x49, 0x75, 0xFD, 0xF4))
"""The guest, in 32 bits: dec ecx; jnz to it; hlt."""
_VERSION, _CREATE_VM, _RUN_SIZE, _CREATE_CPU, _SET_MEMORY = 0xAE00, 0xAE01, 0xAE04, 0xAE41, 0x4020AE46
_RUN, _SET_REGISTERS, _GET_SPECIAL, _SET_SPECIAL = 0xAE80, 0x4090AE82, 0x8138AE83, 0x4138AE84
_SEGMENT_BYTES, _SPECIAL_BYTES, _CR0_AT = 24, 312, 224
_EXIT_REASON_AT, _HALTED = 8, 5


def rate_per_s() -> float:
    """Instructions a second of a guest in ring 0. Raises ``OSError`` where there is no KVM, or a guest does not end."""
    kvm = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    if fcntl.ioctl(kvm, _VERSION, 0) != 12:
        raise OSError(f"{DEVICE} speaks another version of KVM's interface")
    machine = fcntl.ioctl(kvm, _CREATE_VM, 0)
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    memory[: len(_COUNT_DOWN)] = _COUNT_DOWN
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(machine, _SET_MEMORY, struct.pack("=IIQQQ", 0, 0, 0, mmap.PAGESIZE, address))
    cpu = fcntl.ioctl(machine, _CREATE_CPU, 0)
    run = mmap.mmap(cpu, fcntl.ioctl(kvm, _RUN_SIZE, 0))
    _enter_flat_mode(cpu)
    best_s = float("inf")
    for _ in range(TRIES):
        fcntl.ioctl(cpu, _SET_REGISTERS, struct.pack("=18Q", 0, 0, TURNS, *[0] * 14, 2))
        began_s = time.perf_counter()
        fcntl.ioctl(cpu, _RUN, 0)
        best_s = min(best_s, time.perf_counter() - began_s)
        if struct.unpack_from("=I", run, _EXIT_REASON_AT)[0] != _HALTED:
            raise OSError("a guest of three instructions did not come to its end")
    return 2 * TURNS / best_s


def _enter_flat_mode(cpu: int) -> None:
    """Has the processor in protected mode, in ring 0, with segments that begin at 0."""
    special = bytearray(fcntl.ioctl(cpu, _GET_SPECIAL, bytes(_SPECIAL_BYTES)))
    for index, kind in enumerate((11, 3, 3, 3, 3, 3)):
        segment = struct.pack("=QIH10B", 0, 0xFFFFFFFF, 8 * (1 + (index > 0)), kind, 1, 0, 1, 1, 0, 1, 0, 0, 0)
        special[index * _SEGMENT_BYTES : (index + 1) * _SEGMENT_BYTES] = segment
    special[_CR0_AT] |= 1
    fcntl.ioctl(cpu, _SET_SPECIAL, bytes(special))


def missing() -> tuple[str, str] | None:
    """Why KVM cannot run machines here, and what to do; None where it is."""
    if not os.path.exists(DEVICE):
        return f"there is no {DEVICE}", "use a machine with hardware virtualisation, switched on in its firmware"
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"this user may not open {DEVICE}", "add the user to the group kvm"
    command = [sys.executable, "-P", "-m", __name__]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False)
        rate = float(found.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return "KVM runs no guest here", "use a machine whose processor virtualises, or may nest virtual machines"
    if rate < LEAST_PER_S:
        why = f"KVM is interpreted here: a guest's kernel runs {rate / 1e6:.2g} million instructions a second"
        return why, "use a machine whose processor virtualises, or may nest virtual machines"
    return None


if __name__ == "__main__":
    sys.stdout.write(f"{rate_per_s()}\n")
