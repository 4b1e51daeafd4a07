"""Engines that misbehave on purpose. A daemon under test is given them by configuration, from a copy in a folder of its
own, where they also leave marks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from qmk.ir.program import Program
from qmk.sdk.engine import Capabilities, Cost, Declaration, Features, Progress, Samples, Unsupported

HERE = Path(__file__).parent
GATES = frozenset({"h", "x", "cnot"})


def _declare(name: str, load: str, seconds: float = 1e-3, gates: frozenset[str] = GATES) -> Declaration:
    def cost(method: str, features: Features, shots: int) -> Cost:
        return Cost(seconds=seconds, memory_bytes=1 << 20)

    return Declaration(
        name=name,
        doc=f"misbehaves: {name}",
        load=f"odd_engines:{load}",
        methods={"": Capabilities(gates=gates)},
        cost=cost,
    )


class Zeros:
    """All bits 0: the part that works."""

    version = "0"

    def prepare(self, program: Program, method: str) -> Zeros:
        self.program = program
        return self

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        import numpy as np

        return Samples(np.zeros((shots, self.program.n_cbits), dtype=np.uint8))


def _mark(name: str) -> None:
    """Leave a line with this process in ``<name>.pids``."""
    with open(HERE / f"{name}.pids", "a") as file:
        file.write(f"{os.getpid()}\n")


class Crash(Zeros):
    """Dies in every run."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        _mark("crash")
        print("about to fall", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().run(shots, seed, progress)


class CrashOnce(Zeros):
    """Dies in its first run ever, works afterwards."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        first = not (HERE / "crash_once.pids").exists()
        _mark("crash_once")
        if first:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(shots, seed, progress)


class Hang(Zeros):
    """Never ends, deaf to SIGTERM, with a child that would outlive it."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        with open(HERE / "hang.pids", "a") as file:
            file.write(f"{os.getpid()}\n{child.pid}\n")
        while True:
            time.sleep(100)


class Slow(Zeros):
    """Reports every shot, with its bits, and waits for the file ``go`` before the last one."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        _mark("slow")
        found = super().run(shots, seed)
        done = 0
        while done < shots - 1 or not (HERE / "go").exists():
            done = min(done + 1, shots - 1)
            if progress is not None:
                progress(done, found.bits)
            time.sleep(0.005)
        return found


class After(Zeros):
    """Ends as soon as ``Slow`` is at work."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        while not (HERE / "slow.pids").exists():
            time.sleep(0.005)
        return super().run(shots, seed, progress)


class Raise(Zeros):
    """Fails with an exception of its own."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        raise ZeroDivisionError("the engine divided by zero")


class Contradict(Zeros):
    """Gives fewer shots than were asked for."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        return super().run(shots - 1, seed, progress)


class Unloadable:
    """Cannot even be made."""

    def __init__(self) -> None:
        raise RuntimeError("the licence has expired")


class Chatty(Zeros):
    """Writes far more to standard error and output than anybody will read."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        for _ in range(2000):
            sys.stderr.write("x" * 1000 + "\n")
            print("y" * 1000)
        return super().run(shots, seed, progress)


class Hungry(Zeros):
    """Runs out of memory in every run."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        _mark("hungry")
        raise MemoryError("the state outgrew its bound")


class Picky(Zeros):
    """Finds out late that it cannot run the program."""

    def prepare(self, program: Program, method: str) -> Zeros:
        _mark("picky")
        raise Unsupported("an instruction that nobody declared")


CRASH = _declare("crash", "Crash")
CRASH_ONCE = _declare("crash_once", "CrashOnce")
HANG = _declare("hang", "Hang")
SLOW = _declare("slow", "Slow")
RAISE = _declare("raise", "Raise")
CONTRADICT = _declare("contradict", "Contradict")
UNLOADABLE = _declare("unloadable", "Unloadable")
CHATTY = _declare("chatty", "Chatty")
ZEROS = _declare("zeros", "Zeros")
HUNGRY = _declare("hungry", "Hungry", 1e-9, GATES | {"t"})
"""predicted to be faster than any other, as are the next two"""
PICKY = _declare("picky", "Picky", 2e-9, GATES | {"t"})
SLUGGISH = _declare("sluggish", "Slow", 1e-9, GATES | {"t"})
PLODDING = _declare("plodding", "Slow", 2.0, GATES | {"t"})
"""alone with the next one in taking programs that no simulator has room for"""
BRISK = _declare("brisk", "After", 2.5, GATES | {"t"})
