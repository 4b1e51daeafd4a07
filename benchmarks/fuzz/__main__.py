"""``python -m benchmarks.fuzz --seconds 60``: fuzz every target, or those that are named, for so long each.

A document that reaches a line of QMK which none before it reached is kept, and mutated further. Findings are written
to ``--out`` as files: an exception that is not one of the target's refusals, more than 5 s of processor time, or more
than 1 GiB of memory. The exit code is 1 when there is one. The same ``--seed`` and ``--documents`` give the same
documents; ``--replay FILE`` reads one again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import qmk
from benchmarks.fuzz.mutate import mutate
from benchmarks.fuzz.targets import Target, targets

HOME = str(Path(qmk.__file__).parent)
CPU_S = 5.0
MEMORY_BYTES = 1 << 30
STUCK_S = 300.0
"""After so long without a document done, the process is stopped: native code does not see the signal of a timer."""
KEPT = 4000
"""Most documents of a corpus."""
Line = tuple[Any, int]


class TooLong(BaseException):
    """A document takes more than its processor time."""


def stop_slow(number: int, frame: FrameType | None) -> None:
    raise TooLong


def read(target: Target, data: bytes) -> str:
    """What is wrong with how the target reads the document: the type of the error and its place in QMK. "": nothing."""
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    try:
        target.read(data)
    except target.refusals as refused:
        kind = getattr(refused, "kind", None)
        return f"INTERNAL_ERROR: {refused}"[:200] if getattr(kind, "name", "") == "INTERNAL_ERROR" else ""
    except TooLong:
        return f"more than {CPU_S:g} s of processor time"
    except MemoryError:
        return f"MemoryError: more than {MEMORY_BYTES >> 20} MiB"
    except BaseException as error:  # a panic of the native core is not an Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        places = [row for row in traceback.extract_tb(error.__traceback__) if row.filename.startswith(HOME)]
        place = f"{places[-1].filename[len(HOME) + 1 :]}:{places[-1].lineno}" if places else "outside"
        return f"{type(error).__name__} at {place}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def lines_of(work: Callable[[], str]) -> tuple[str, set[Line]]:
    """What ``work`` gives, and the lines of QMK that it ran."""
    lines: set[Line] = set()

    def within(frame: FrameType, event: str, argument: object) -> Any:
        lines.add((frame.f_code, frame.f_lineno))
        return within

    def enter(frame: FrameType, event: str, argument: object) -> Any:
        return within if frame.f_code.co_filename.startswith(HOME) else None

    sys.settrace(enter)
    try:
        return work(), lines
    finally:
        sys.settrace(None)


class Campaign:
    """One target: its corpus, the lines that it reached, and what was found."""

    def __init__(self, target: Target, rng: random.Random) -> None:
        self.target, self.rng = target, rng
        self.corpus: list[bytes] = []
        self.lines: set[Line] = set()
        self.found: dict[str, bytes] = {}
        self.documents = 0

    def take(self, data: bytes) -> None:
        """Reads a document, and keeps it if it reaches something new."""
        self.documents += 1
        wrong, lines = lines_of(lambda: read(self.target, data))
        if wrong.startswith("more than"):  # tracing makes it slow
            wrong = read(self.target, data)
        if wrong:
            self.found.setdefault(wrong, data)
        elif not lines <= self.lines and len(self.corpus) < KEPT:
            self.corpus.append(data)
        self.lines |= lines

    def begin(self) -> None:
        for data in self.target.seeds():
            self.take(data)
            self.corpus.append(data)

    def step(self) -> bytes:
        """The next document."""
        base = self.rng.choice(self.corpus[-40:] if self.rng.random() < 0.5 else self.corpus)
        return mutate(self.rng, base, self.corpus)


def campaign(target: Target, seed: int, documents: int, seconds: float, current: Path | None = None) -> Campaign:
    """Fuzzes until either bound. ``current`` has each document while it is read."""
    run = Campaign(target, random.Random(f"{seed} {target.name}"))
    signal.signal(signal.SIGPROF, stop_slow)
    run.begin()
    end = time.monotonic() + seconds
    while run.documents < documents and time.monotonic() < end:
        data = run.step()
        if current is not None:
            current.write_bytes(data)
        run.take(data)
    return run


def in_child(target: Target, options: argparse.Namespace, seed: int, out: Path) -> int:
    """One campaign in a process with bounded memory; its report is a JSON file. Gives the process's exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, -1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            run = campaign(target, seed, options.documents, options.seconds, out / "current")
            for at, (wrong, data) in enumerate(run.found.items()):
                (out / f"{target.name}-{seed}-{at}").write_bytes(data)
                (out / f"{target.name}-{seed}-{at}.txt").write_text(wrong)
            report = {"documents": run.documents, "corpus": len(run.corpus), "lines": len(run.lines)}
            (out / "report.json").write_text(json.dumps({**report, "found": list(run.found)}))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    end = time.monotonic() + options.seconds + STUCK_S
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"all, or of {', '.join(targets())}")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each target")
    parser.add_argument("--documents", type=int, default=1 << 62, help="most of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("/tmp/qmk-fuzz"))
    parser.add_argument("--replay", type=Path, help="read this file by the one target named, and show what happens")
    options = parser.parse_args()
    every = targets()
    if options.replay is not None:
        every[options.targets[0]].read(options.replay.read_bytes())
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in options.targets or every:
        report = options.out / "report.json"
        report.unlink(missing_ok=True)
        status = in_child(every[name], options, options.seed, options.out)
        if status or not report.exists():
            kept = (options.out / "current").rename(options.out / f"{name}-{options.seed}-ended")
            print(f"{name:24} ended with {status}: {kept}", flush=True)
            failed = True
            continue
        row = json.loads(report.read_text())
        print(f"{name:24} {row['documents']:7} documents, {row['corpus']:5} kept, {row['lines']:6} lines, "
              f"{len(row['found'])} findings", flush=True)  # fmt: skip
        for wrong in row["found"]:
            print(f"    {wrong}", flush=True)
        failed = failed or bool(row["found"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
