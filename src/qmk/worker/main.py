"""The worker process: ``python -m qmk.worker.main --engine NAME --fd N``.

It loads one engine once, says ``Ready``, and answers every ``Run`` with ``Done`` or ``Failed``, one at a time, until
``Stop`` or until the host closes its end. Runs of programs with fences it drives itself (``worker.driver``), if the
engine can be stopped at them. It is the only kind of process that imports an engine's framework. Whatever
goes wrong with a program is a ``Failed`` message with a kind; tracebacks go to standard error, which the host keeps.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.qvm.graph import unpack
from qmk.sdk.references import resolve
from qmk.worker import process
from qmk.worker.driver import PROGRESS_EVERY_S, FenceDriver, Stopped
from qmk.worker.failure import failure
from qmk.worker.memory import PEAK
from qmk.worker.messages import Ask, Done, Failed, Ready, Reply, Run, RunProgress, Stop, ToWorker
from qmk.worker.partials import Turns
from qmk.worker.wire import Channel

BLOCKS = "qmk.api.block_jobs:run_blocks"
"""What has the blocks of a job run: a client, which stands above the worker."""

if TYPE_CHECKING:
    from qmk.sdk.engine import Declaration
    from qmk.worker.runner import Runner


class ProgressSender:
    """Passes on how many shots are done, at most every ``PROGRESS_EVERY_S``."""

    def __init__(self, channel: Channel[ToWorker], fence: int) -> None:
        self._channel = channel
        self._fence = fence
        self._next_s = time.monotonic() + PROGRESS_EVERY_S

    def __call__(self, shots_done: int) -> None:
        now = time.monotonic()
        if now >= self._next_s:
            self._next_s = now + PROGRESS_EVERY_S
            self._channel.send(RunProgress(self._fence, shots_done))


def serve(channel: Channel[ToWorker], runner: Runner) -> None:
    """Answer messages until ``Stop`` or the end of the stream."""
    while True:
        message = channel.receive()
        if message is None or isinstance(message, Stop):
            return
        if isinstance(message, (Ask, Reply)):
            continue  # of a run that has ended: its answer said so
        final = answer(channel, runner, message)
        if final is not None:
            channel.send(final)


def work(channel: Channel[ToWorker], runner: Runner, version: str, pid: int) -> int:
    """Say that the worker is ready, and answer until the host is gone; ``pid`` is its process id outside of a jail.
    Gives the exit status."""
    try:
        channel.send(Ready(runner.declaration.name, version, pid))
        serve(channel, runner)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the host is gone, and with it whoever wanted the answer
    return 0


def answer(channel: Channel[ToWorker], runner: Runner, run: Run) -> Done | Failed | None:
    """``Done`` or ``Failed`` for one ``Run``; None when it stopped at a fence and its state has been sent."""
    PEAK.reset()
    show = Turns(lambda partial: channel.send(RunProgress(run.fence, partial.shots, partial=partial)))
    try:
        if run.graph is None and not runner.holds(run.digest, run.method, run.scope):
            return Failed(run.fence, "INTERNAL_ERROR", "the worker no longer holds this program", missing_graph=True)
        if run.blocks is not None:
            return resolve(BLOCKS)(channel, run)
        talk = getattr(runner.engine, "talk", None)
        if talk is not None:  # what it runs has calls to make
            return talk(channel, run)
        return runner.execute(
            None if run.graph is None else unpack(run.graph),
            run.method,
            run.shots,
            run.seed,
            digest=run.digest,
            keep_events=run.keep_events,
            progress=ProgressSender(channel, run.fence),
            show=show if run.partials else None,
            fence=run.fence,
            scope=run.scope,
            start=run.start,
            drive=FenceDriver(channel, run),
            outputs=run.outputs,
            packed=run.graph or b"",
        )
    except Stopped:
        return None
    except Exception as error:
        if not isinstance(error, QmkError):
            traceback.print_exc()
        return failure(run.fence, error)


def declaration_of(name: str, reference: str) -> Declaration:
    """The engine's declaration: the installed one called ``name``, or ``module:ATTRIBUTE`` when given."""
    if not reference:
        from qmk.sdk import discovery

        return discovery.engine(name)
    return resolve(reference)


def main(
    argv: list[str] | None = None,
    channel: Channel[ToWorker] | None = None,
    begin: Callable[[Ready], None] | None = None,
) -> int:
    """``channel`` and ``begin`` are those of a worker in a virtual machine (``worker.vm``): its channel to the host,
    and what it does between the load of its engine and its first job."""
    parser = argparse.ArgumentParser(prog="python -m qmk.worker.main", description="Runs one engine for a host.")
    parser.add_argument("--engine", required=True, help="name of the engine")
    parser.add_argument("--fd", type=int, required=True, help="inherited socket to the host")
    parser.add_argument("--threads", type=int, default=1, help="threads that numerical libraries may use")
    parser.add_argument("--nice", type=int, default=0, help="how far processor time gives way to others, 0 to 19")
    parser.add_argument("--declaration", default="", help="module:ATTRIBUTE of a declaration that is not installed")
    parser.add_argument(
        "--isolation",
        default="process",
        help="'jail': run jobs in a jail; 'gvisor' or 'microvm': it is in one",
    )
    parser.add_argument("--zygote", action="store_true", help="fork a worker in a jail whenever the host asks for one")
    parser.add_argument("--memory", type=int, default=0, help="bytes that a worker in a jail may take, 0 without bound")
    parser.add_argument("--devices", action="store_true", help="it has devices, and asks their drivers by ioctl")
    parser.add_argument("--path", default="", help="folder to import that module from")
    options = parser.parse_args(argv)
    process.settle(f"qmk-{options.engine}", options.threads, options.nice)
    channel = channel or Channel(socket.socket(fileno=options.fd), ToWorker)
    if options.path:
        sys.path.insert(0, options.path)
    try:
        from qmk.worker.runner import Runner

        runner = Runner(declaration_of(options.engine, options.declaration))
        version = runner.version  # loads the engine
    except Exception as error:
        traceback.print_exc()
        channel.send(failure(0, error))
        return 1
    try:
        if options.isolation == "process":
            return work(channel, runner, version, os.getpid())
        memory_bytes = options.memory and options.memory + getattr(runner.engine, "reserved_bytes", 0)
        if options.isolation != "jail":
            from qmk.worker.jail import guest

            if begin is not None:
                begin(Ready(options.engine, version, 0))
            guest.confine(memory_bytes, devices=options.devices)
            return work(channel, runner, version, 0 if begin is not None else os.getpid())
        from qmk.worker import zygote

        jail = zygote.prepare(options.path, memory_bytes, getattr(runner.engine, "files", ()))
        if not options.zygote:
            return zygote.work_once(jail, channel, lambda pid: work(channel, runner, version, pid))
        return zygote.serve(jail, channel, Ready(options.engine, version, os.getpid()), runner)
    except OSError as error:
        channel.send(Failed(0, "UNSUPPORTED", f"the worker cannot be confined here: {error}"))
        return 1


if __name__ == "__main__":
    sys.exit(main())
