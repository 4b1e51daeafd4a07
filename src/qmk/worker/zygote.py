"""A process that has loaded an engine and forks workers into jails: one for a host that asks once, or on demand.

A zygote never runs a program itself. It has one thread, so that a fork of it is whole, and what one worker does is in
that worker's memory alone.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.worker.jail.entry import Jail, birth
from qmk.worker.jail.entry import prepare as prepare_jail
from qmk.worker.jail.keeper import SIGNAL_STATUS
from qmk.worker.messages import Born, Failed, Ready, ToWorker
from qmk.worker.wire import Channel

if TYPE_CHECKING:
    from qmk.worker.runner import Runner

BIRTH = b"+"
"""What asks a zygote for a worker; three descriptors come with it: its socket, its standard error, and that on which
refused calls are reported."""


def prepare(path: str, memory_bytes: int, files: tuple[int, ...] = ()) -> Jail:
    """Has this process fork jails from now on, whose engine lies in ``path`` too, and has these files open; it gives up
    what root has."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise OSError("the engine starts threads as it loads, and a fork would not have them")
    jail = prepare_jail((path,) if path else (), memory_bytes, files)
    os.environ.update(HOME=jail.scratch, TMPDIR=jail.scratch)
    gc.collect()
    gc.freeze()  # a collection in a worker leaves these pages shared
    return jail


def work_once(jail: Jail, channel: Channel[Any], work: Callable[[int], int]) -> int:
    """Has one worker do ``work``, which gets its process id, and ends as it ended."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    born = birth(jail, channel.sock.fileno(), nowhere)
    if not born.keeper:
        return work(born.worker)
    channel.sock.close()
    return end_as(born.keeper)


def end_as(keeper: int) -> int:
    """Waits for a jail's end. Gives its worker's status, or ends this process by the signal that ended the worker."""
    _, status = os.waitpid(keeper, 0)
    code = os.waitstatus_to_exitcode(status)
    if code > SIGNAL_STATUS or code < 0:
        number = code - SIGNAL_STATUS if code > 0 else -code
        signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), number)
    return code


def serve(jail: Jail, channel: Channel[ToWorker], ready: Ready, runner: Runner) -> int:
    """Forks a worker whenever the host asks, until the host is gone."""
    from qmk.worker.main import work

    channel.send(ready)
    while True:
        asked, files, _, _ = socket.recv_fds(channel.sock, len(BIRTH), 3)
        if not asked:
            return 0
        sock, stderr, reports = files
        try:
            born = birth(jail, sock, reports, stderr=stderr, of_parent=True)
        except OSError as error:
            channel.send(Failed(0, "RESOURCE_EXHAUSTED", str(error)))
        else:
            if not born.keeper:
                return work(Channel(socket.socket(fileno=sock), ToWorker), runner, ready.version, born.worker)
            channel.send(Born(born.keeper))
        for fd in files:
            os.close(fd)
