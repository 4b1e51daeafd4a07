"""What the machine says of our processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmk.host import machine

BUSY = "print('on', flush=True)\nwhile True: pass"


def busy(cpu: int) -> subprocess.Popen[bytes]:
    """A process that computes without end on one processor, which others may want too."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
    os.sched_setaffinity(process.pid, {cpu})
    return process


def test_of_two_processes_on_one_processor_each_waits_for_the_other() -> None:
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("only Linux says how long a process waited")
    cpu = min(os.sched_getaffinity(0))
    with busy(cpu) as one, busy(cpu) as two:
        try:
            waits = [machine.ProcessorWait(process.pid) for process in (one, two)]
            while min(wait.seconds() for wait in waits) <= 0.02:
                pass
            for wait in waits:
                wait.close()
        finally:
            one.kill()
            two.kill()


def test_a_process_that_is_not_there_has_not_waited() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert machine.ProcessorWait(process.pid).seconds() == 0.0
