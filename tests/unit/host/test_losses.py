"""The end of a worker is put down to its program, to somebody outside, or to the machine's memory."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmk.host.losses import Memory, judge_end
from qmk.host.watch import STOPPED_LOOKS, Watch

MEMORY = Memory(3 << 30, 12 << 30)


@pytest.mark.parametrize(
    ("status", "words", "fault", "killer", "cause"),
    [
        (-signal.SIGSEGV, "", "", True, "crashed"),
        (-signal.SIGABRT, "assertion failed", "", False, "crashed"),
        (-signal.SIGILL, "", "", False, "crashed"),
        (-signal.SIGBUS, "", "", False, "crashed"),
        (3, "", "", False, "crashed"),
        (0, "", "", False, "crashed"),
        (-signal.SIGKILL, "", "closed its channel and did not end", False, "crashed"),
        (-signal.SIGKILL, "", "", False, "killed"),
        (-signal.SIGTERM, "", "", True, "killed"),
        (-signal.SIGKILL, "", "", True, "memory"),
        (-signal.SIGABRT, "terminate called after throwing an instance of 'std::bad_alloc'", "", False, "memory"),
        (-signal.SIGABRT, "memory allocation of 17179869184 bytes failed", "", False, "memory"),
    ],
)
def test_why_a_worker_ended(status: int, words: str, fault: str, killer: bool, cause: str) -> None:
    lost = judge_end("e", status, words, fault, killer, MEMORY)
    assert lost.cause == cause
    assert "worker of engine 'e'" in lost.error.message
    if cause == "memory":
        assert "3.0 GiB were predicted" in lost.error.message
        assert "jobs may have 12.0 GiB" in lost.error.message


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux says what a process does")
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def looks_until_found(watch: Watch, unread: bool = False, most: int = 100) -> tuple[int, str]:
    return next(((n, why) for n in range(1, most) if (why := watch.look(unread))), (most, ""))


def test_a_stopped_process_is_found_and_one_that_waits_is_not(sleeper: subprocess.Popen[bytes]) -> None:
    watch = Watch(sleeper.pid)
    assert looks_until_found(watch) == (100, "")
    sleeper.send_signal(signal.SIGSTOP)
    while state_of(sleeper.pid) != "T":
        pass
    assert watch.look() == ""
    sleeper.send_signal(signal.SIGCONT)
    while state_of(sleeper.pid) == "T":
        pass
    assert watch.look() == "", "it goes on"
    sleeper.send_signal(signal.SIGSTOP)
    while state_of(sleeper.pid) != "T":
        pass
    looks, why = looks_until_found(watch)
    assert (looks, why) == (STOPPED_LOOKS, "was stopped (SIGSTOP) for 8 s")
    watch.close()
    assert watch.look() == ""


def test_a_process_that_does_not_read_its_program_is_found(sleeper: subprocess.Popen[bytes]) -> None:
    while state_of(sleeper.pid) != "S":
        pass
    looks, why = looks_until_found(Watch(sleeper.pid), unread=True)
    assert looks < 100
    assert why.startswith("did not read its program")


def test_a_process_that_hangs_in_the_system_is_found_and_one_that_works_there_is_not(tmp_path: Path) -> None:
    def look(watch: Watch, state: str, ticks: int) -> str:
        stat.write_text(f"7 (a) b) {state} " + " ".join(["0"] * 10) + f" {ticks} 1 0 0")
        return watch.look()

    stat = tmp_path / "7" / "stat"
    stat.parent.mkdir()
    stat.touch()
    watch = Watch(7, proc=tmp_path)
    assert not any(look(watch, "D", ticks) for ticks in range(100))
    assert not any(look(watch, "R", 5) for _ in range(100)), "on a busy machine it may get no processor"
    assert any("hung in a call of the system" in look(watch, "D", 5) for _ in range(100))
