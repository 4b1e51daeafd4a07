"""The first process of a virtual machine: ``python -m qmk.worker.vm.init FD``.

It starts the worker on the descriptor of the serial port that leads to the host, or with ``vsock:PORT`` on that port,
waits for its end, and ends the machine with the worker's status. There is no other program in the image.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import traceback

from qmk.worker.jail.kernel import LIBC, check
from qmk.worker.vm.ports import Way, open_way
from qmk.worker.vm.status import EXIT_PORT, code_of

_RESTART = 0x01234567
_OUT = bytes((0x89, 0xFA, 0x89, 0xF0, 0xEE, 0xC3))
"""Code that writes a byte to a port of the machine: mov edx, edi; mov eax, esi; out dx, al; ret."""


def main(argv: list[str]) -> None:
    way = open_way(argv[0])
    for kind, target in (("proc", "/proc"), ("sysfs", "/sys")):
        check(LIBC.mount(kind.encode(), target.encode(), kind.encode(), ctypes.c_ulong(0), None), f"mount {target}")
    worker = os.fork()
    if not worker:
        os._exit(work(way))
    way.close()
    while True:
        pid, status = os.wait()
        if pid == worker:
            end_machine(tell_want_of_memory(os.waitstatus_to_exitcode(status)))


def work(way: Way) -> int:
    """The worker's life; gives its exit status."""
    try:
        from qmk.worker.vm.agent import serve

        return serve(way)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()


def tell_want_of_memory(status: int) -> int:
    """Only the guest's kernel can kill the worker, for want of memory: then it ends as one that got none does."""
    if status != -signal.SIGKILL:
        return status
    sys.stderr.write("Cannot allocate memory: the guest's kernel ended the worker\n")
    sys.stderr.flush()
    return -signal.SIGABRT


def end_machine(status: int) -> None:
    """Ends the machine, which tells its host the status of the worker: negative for a signal."""
    check(LIBC.ioperm(ctypes.c_ulong(EXIT_PORT), ctypes.c_ulong(1), 1), "ioperm")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_OUT)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_int)(address)(EXIT_PORT, code_of(status))
    sys.stderr.write(f"the worker ended with status {status}\n")  # the machine has no such port
    sys.stderr.flush()
    LIBC.reboot(_RESTART)


if __name__ == "__main__":
    main(sys.argv[1:])
