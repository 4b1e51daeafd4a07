"""A process whose daemon is killed ends, though it was stopped, or had not yet come to ask for that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.service import children
from tests.conftest import alive

Eventually = Callable[[Callable[[], bool], str], None]
HOST = """
import os, signal, sys, time
from qmk.host import orphans, spawn
if sys.argv[2] == "untied":
    orphans._SIGNALS = ()
child = {
    "worker": lambda: spawn.worker("stabilizer", 1),
    "zygote": lambda: spawn.in_jail("stabilizer", 1, None, 0, 0, zygote=True),
    "translator": lambda: spawn.translator(1 << 30),
}[sys.argv[1]]()
os.kill(child.pid, signal.SIGSTOP)
print(child.pid, flush=True)
time.sleep(60)
"""
"""Starts a child, which it stops while Python itself is loading."""


def host(*arguments: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen([sys.executable, "-c", HOST, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("what", ["worker", "zygote", "translator"])
def test_a_child_that_is_stopped_while_it_loads_ends_with_its_host(what: str, eventually: Eventually) -> None:
    process, child = host(what, "tied")
    assert alive(child)
    process.kill()
    process.communicate()
    eventually(lambda: not alive(child), "the end of the stopped child")


def test_without_the_tie_it_stays() -> None:
    process, child = host("worker", "untied")
    process.kill()
    process.communicate()
    time.sleep(0.5)
    stays = alive(child)
    os.kill(child, signal.SIGKILL)
    assert stays


def test_a_fork_of_a_host_keeps_no_child_alive(eventually: Eventually) -> None:
    """A fork of a host has the pipe no more, so that its life does not keep the host's children."""
    program = HOST.replace("os.kill(child.pid, signal.SIGSTOP)", "fork = os.fork()\nif not fork:\n    time.sleep(60)")
    program = program.replace("print(child.pid,", "print(child.pid, fork,")
    process = subprocess.Popen([sys.executable, "-c", program, "worker", "tied"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child, fork = map(int, process.stdout.readline().split())
    os.kill(child, signal.SIGSTOP)
    assert {child, fork} <= set(children(process.pid))
    process.kill()
    process.wait()
    try:
        eventually(lambda: not alive(child), "the end of the child, while the fork lives")
        assert alive(fork)
    finally:
        os.kill(fork, signal.SIGKILL)
        process.stdout.close()


KEEPER = """
import os, sys
from qmk.worker.jail import entry
jail = entry.prepare(())
if sys.argv[1] == "gone":
    entry._parent = lambda proc: 1
born = entry.birth(jail, 1, os.open("/dev/null", os.O_WRONLY))
if not born.keeper:
    os.write(1, b"worked")
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(born.keeper, 0)[1]))
"""


@pytest.mark.parametrize(("parent", "seen"), [("there", (0, "worked")), ("gone", (1, ""))])
def test_a_jail_whose_parent_ended_before_it_asked_to_end_with_it_ends(parent: str, seen: tuple[int, str]) -> None:
    found = subprocess.run([sys.executable, "-c", KEEPER, parent], stdout=subprocess.PIPE, text=True, check=False)
    assert (found.returncode, found.stdout) == seen


ZYGOTE = """
import os, sys, time
from qmk.worker.jail import entry
jail, gate = entry.prepare(()), int(sys.argv[1])
entry.os.dup2 = lambda *_: os.read(gate, 1)
born = entry.birth(jail, 1, os.open("/dev/null", os.O_WRONLY), of_parent=True)
if born.keeper:
    print(born.keeper, flush=True)
    time.sleep(60)
os.write(1, b"worked")
"""
"""A zygote whose keeper waits at its first step, before it has asked to end with the host."""

ZYGOTES_HOST = """
import subprocess, sys, time
from qmk.host import orphans
if sys.argv[3] == "killed":
    orphans._SIGNALS = orphans._SIGNALS[:1]
with orphans.tie() as (fds, sign):
    gate = int(sys.argv[2])
    command = [sys.executable, "-c", sys.argv[1], str(gate)]
    sign(subprocess.Popen(command, pass_fds=(gate, *fds), start_new_session=True).pid)
time.sleep(60)
"""


def host_with_keeper(how: str) -> tuple[subprocess.Popen[str], int, int]:
    """A host, the keeper of a jail that was stopped right after its fork, and what lets the keeper go on."""
    gate, opens = os.pipe()
    command = [sys.executable, "-c", ZYGOTES_HOST, ZYGOTE, str(gate), how]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=(gate,))
    os.close(gate)
    assert process.stdout is not None
    return process, int(process.stdout.readline()), opens


@pytest.mark.parametrize("how", ["continued", "killed"])
def test_a_keeper_that_is_stopped_right_after_its_fork_ends_with_the_host(how: str, eventually: Eventually) -> None:
    """SIGKILL by the tie does not reach the first process of a namespace: alone, it leaves the keeper."""
    process, keeper, opens = host_with_keeper(how)
    assert process.stdout is not None
    os.kill(keeper, signal.SIGSTOP)
    eventually(lambda: Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[0] == "T", "a stop")
    os.write(opens, b"+")
    os.close(opens)
    process.kill()
    process.wait()
    if how == "continued":
        eventually(lambda: not alive(keeper), "the end of the keeper")
    else:
        time.sleep(0.5)
        stays = alive(keeper)
        os.kill(keeper, signal.SIGKILL)
        assert stays
    assert process.stdout.read() == "", "no worker came of it"
    process.stdout.close()
