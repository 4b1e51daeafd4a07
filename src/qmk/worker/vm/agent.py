"""The worker in a virtual machine: the worker of every level, with a serial port or a connection for its socket.

The host first says which engine to load (``Load``). A machine that is to be copied then says ``Ready`` and waits: its
copies go on from there. Each gets ``Begin``, with which it has random numbers and a clock of its own, confines itself
and says ``Ready`` to the pool.
"""

from __future__ import annotations

import fcntl
import gc
import os
import random
import struct
import sys
import time
from typing import Any

from qmk.worker import main
from qmk.worker.messages import Begin, Load, Ready, ToWorker
from qmk.worker.vm.ports import Way
from qmk.worker.wire import Channel

_RNDADDENTROPY, _RNDRESEEDCRNG = 0x40085203, 0x5207
"""Requests of random(4): to add bytes to the pool, and to make the generator from it anew."""


def serve(way: Way) -> int:
    """Does what the host says until it is gone. Gives the exit status."""
    channel: Channel[Any] = Channel(way.wait(), Load | Begin | ToWorker)
    load = channel.receive()
    if not isinstance(load, Load):
        return 1

    def begin(ready: Ready) -> None:
        if load.frozen:
            gc.collect()
            gc.freeze()
            channel.send(ready)
            channel.sock = way.wait_again(channel.sock)
        begun = channel.receive()
        if not isinstance(begun, Begin):
            sys.exit(0)
        renew(begun)

    return main.main(load.arguments, channel, begin)


def renew(begin: Begin) -> None:
    """Gives this machine a clock and random numbers that no other copy of it has."""
    time.clock_settime_ns(time.CLOCK_REALTIME, begin.time_ns)
    fd = os.open("/dev/urandom", os.O_WRONLY | os.O_CLOEXEC)
    size = len(begin.entropy)
    fcntl.ioctl(fd, _RNDADDENTROPY, struct.pack(f"=ii{size}s", 8 * size, size, begin.entropy))
    fcntl.ioctl(fd, _RNDRESEEDCRNG)
    os.close(fd)
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
