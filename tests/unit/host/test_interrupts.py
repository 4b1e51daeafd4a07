"""Ctrl-C while a worker process starts or ends: the process is ended and waited for, and the next run works."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.host import spawn

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started with it ignored, as shells do behind ``&``."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def is_there(pid: int) -> bool:
    """Also a process that has ended and that nobody waited for is there."""
    return Path(f"/proc/{pid}").exists()


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("moment", ["begin", "wait"])
def test_an_interrupt_leaves_no_process_behind(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            pids.append(self.pid)
            if moment == "begin":
                interrupt()

        def wait(self, timeout: float | None = None) -> int:
            if moment == "wait" and timeout is None:
                interrupt()
            return super().wait(timeout)

    with monkeypatch.context() as patch:
        patch.setattr(spawn.subprocess, "Popen", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            qmk.run(BELL, shots=10, seed=1, engine="reference", isolate=True)
    assert len(pids) == 1
    assert not is_there(pids[0])
    again = qmk.run(BELL, shots=10, seed=1, engine="reference", isolate=True)
    assert again.counts == qmk.run(BELL, shots=10, seed=1, engine="reference").counts


def test_an_interrupt_takes_effect_once_after_the_block() -> None:
    done: list[str] = []
    handler = signal.getsignal(signal.SIGINT)

    def work() -> None:
        with spawn.hold_interrupts():
            interrupt()
            interrupt()
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is handler


def test_interrupts_are_held_in_the_main_thread_only() -> None:
    handlers: list[Any] = []

    def hold() -> None:
        with spawn.hold_interrupts():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
