"""``python -m benchmarks.circuits DIR``: ``qmk run`` on every circuit of a folder.

One line a circuit: the engine, wall time and peak memory, and the distance of its counts to those of an independent
engine with the statistical bound; or the refusal, and how fast it came. Each program runs in a process of its own with
a memory and time limit. The exit code is 1 when any circuit disagrees, crashes, or runs into a limit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.agreement import compare
from qmk.base.units import bytes_text, seconds_text

SUFFIXES = (".qasm", ".qasm3", ".qvm.json", ".qvm.asm")


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit code (None: killed at the time limit), output, wall time, peak memory."""

    code: int | None
    output: str
    seconds: float
    peak_bytes: int


def bounded(command: list[str], time_s: float, memory_bytes: int) -> Ended:
    """Run ``command`` under limits; its standard error is kept apart and dropped."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))

    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.DEVNULL, preexec_fn=limit, start_new_session=True
        )
        timed_out = False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if not timed_out and time.monotonic() - begin > time_s:
                os.killpg(process.pid, signal.SIGKILL)
                timed_out = True
            time.sleep(0.01)
        elapsed = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Ended(None if timed_out else process.returncode, text, elapsed, usage.ru_maxrss * 1024)


def qmk(path: Path, options: argparse.Namespace, *more: str) -> Ended:
    command = [sys.executable, "-m", "qmk", "run", str(path), "--json", "--shots", str(options.shots), "--seed", "1"]
    return bounded([*command, *more], options.time, options.memory << 30)


def independent_counts(path: Path, options: argparse.Namespace, engine: str) -> tuple[str, dict[str, int]] | str:
    """Counts of qiskit Aer, or else of another engine of ours; a text says why there are none."""
    command = [sys.executable, "-m", "benchmarks.oracle", str(path), str(options.shots)]
    ended = bounded(command, options.time, options.memory << 30)
    if ended.code == 0:
        return "qiskit+aer", json.loads(ended.output)
    for other in ("reference", "stabilizer", "aer"):
        if other != engine:
            ended = qmk(path, options, "--engine", other)
            if ended.code == 0:
                return other, json.loads(ended.output)["counts"]
    return "no other engine can run it"


def judge(path: Path, options: argparse.Namespace) -> tuple[str, str]:
    """``(verdict, line)`` for one circuit; verdicts: agrees, ran, refused, wrong, failed."""
    ended = qmk(path, options)
    cost = f"{seconds_text(ended.seconds):>10} {bytes_text(ended.peak_bytes):>10}"
    if ended.code is None:
        return "failed", f"{cost}  no answer within {options.time:g} s"
    try:
        answer: dict[str, Any] = json.loads(ended.output)
    except ValueError:
        return "failed", f"{cost}  exit code {ended.code} without an answer"
    if "error" in answer:
        return "refused", f"{cost}  {answer['error']['data']['name']}: {answer['error']['message'][:150]}"
    provenance = answer["provenance"]
    engine = f"{provenance['engine']} {provenance.get('method', '')}".strip()
    if options.no_check:
        return "ran", f"{cost}  {engine}"
    other = independent_counts(path, options, provenance["engine"])
    if isinstance(other, str):
        return "ran", f"{cost}  {engine:<24} not compared: {other}"
    name, theirs = other
    found = compare(answer["counts"], theirs)
    verdict = "agrees" if found.holds else "wrong"
    return verdict, f"{cost}  {engine:<24} {found.distance:.4f} <= {found.bound:.4f} over {found.over}, against {name}"


def programs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every circuit of a folder and check its counts.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--time", type=float, default=300, help="seconds a program may take")
    parser.add_argument("--memory", type=int, default=24, help="GiB a program may take")
    parser.add_argument("--only", default="", help="only files whose name contains this")
    parser.add_argument("--no-check", action="store_true", help="do not compare with an independent engine")
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    for path in programs(options.folder):
        if options.only in path.name:
            verdict, line = judge(path, options)
            seen[verdict] += 1
            print(f"{verdict:<8} {path.name:<44} {line}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(seen.items())) or "no circuits found")
    return 1 if seen["wrong"] or seen["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
