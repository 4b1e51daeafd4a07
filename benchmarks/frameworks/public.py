"""Every public circuit inside every framework: QMK's tool beside the framework's own, one process a circuit and tool.

    python -m benchmarks.frameworks.public FOLDER [--only TASK,...] [--circuits NAME,...] [--kept FILE] [--cpu-s S]
        [--memory-gib G] [--json FILE] [--again SIDE,...]

``FOLDER`` has OpenQASM files. The tasks and the tools of each, called sides, stand in ``TASKS``; a framework's module
gives their work. Each side runs each circuit in a child of a process that has imported the framework and run a Bell
pair, with one thread and bounds on CPU time and memory. It has up to three rounds, and the least CPU time counts; a
side that was stopped in its second round counts with its first. A peer is stopped when it is twenty times behind QMK,
too, but not before ``SOONEST_S``. QMK's caches are emptied before each round, but not those of the later steps of an
eigensolver. Values are compared. Outcomes are lines of ``--kept``, and what stands there is not run again, except the
sides that ``--again`` names. Rows of ``--json`` stay where ``--kept`` has none for them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks import results

TASKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "qiskit-sampler": ("qiskit", ("qmk", "aer", "aer-mps")),
    "qiskit-estimator": ("qiskit", ("qmk", "aer", "aer-mps")),
    "cirq-sampler": ("cirq", ("qmk", "qsim-2", "qsim-3", "qsim-4", "cirq")),
    "braket-sampler": ("braket", ("qmk", "braket")),
    "pennylane-gradient": ("pennylane", ("qmk", "lightning")),
    "pennylane-step": ("pennylane", ("qmk", "lightning")),
}
"""The framework's module here, and the sides, QMK first."""
SAME = {"qsim-3": "qsim-2", "qsim-4": "qsim-2"}
"""Other settings of a simulator, which are not tried where it was stopped at the first."""
PACKAGES = ("qiskit", "qiskit-aer", "cirq-core", "qsimcirq", "amazon-braket-default-simulator", "pennylane",
            "pennylane-lightning")  # fmt: skip
ROUNDS = 3
ENOUGH_S = 0.5
LEAST_S, MOST_TIMES = 0.05, 20
"""A round repeats shorter work: clocks of a CPU may go in steps of milliseconds."""
SOONEST_S = 3.0
BEHIND = 20
WALL = 6
"""Seconds of the clock for each CPU second, on a machine that other work uses as well."""
CLOSE = 1e-6
DEVIATIONS = 6
"""How far values may be apart: beside rounding, in standard errors of those that a tool sampled."""
BELL = (
    """OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; rz(0.3) q[1]; measure q -> c;"""
)

Work = Callable[[], Any]
Row = dict[str, Any]


def rounds(work: Work, forgets: bool, send: Callable[[Row], None]) -> None:
    """Sends the least time so far after each round."""
    from qmk.api import parametrised, plans

    best = spent = 0.0
    first: Any = None
    for _ in range(ROUNDS):
        taken, times = 0.0, 0
        while not times or (taken < LEAST_S and times < MOST_TIMES):
            if forgets:
                plans.forget()
                parametrised.forget()
            began = time.process_time()
            found = work()
            taken, times = taken + time.process_time() - began, times + 1
            first = first or found
        best, spent = min(best or math.inf, taken / times), spent + taken
        send({"s": best, **({"value": first[0], "std": first[1]} if isinstance(first, tuple) else {})})
        if spent > ENOUGH_S:
            break


def child(send: Connection, task: str, side: str, path: Path, cpu_s: float, memory_gib: int) -> None:
    """Runs one side of one circuit within its bounds."""
    size, seconds = memory_gib << 30, math.ceil(cpu_s)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        work = importlib.import_module(f"benchmarks.frameworks.{TASKS[task][0]}").prepare(task, side, path)
        rounds(work, side == "qmk" and task != "pennylane-step", send.send)
    except MemoryError:
        send.send({"why": "not enough memory"})
    except Exception as error:
        text = " ".join(f"{error}".split()) or type(error).__name__
        send.send({"why": "not enough memory" if "memory" in text.lower() else f"refused: {text[:90]}"})


def measure(task: str, side: str, path: Path, cpu_s: float, memory_gib: int) -> Row:
    """``s`` and perhaps ``value``, or ``why`` there is none."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(False)
    process = context.Process(target=child, args=(send, task, side, path, cpu_s, memory_gib))
    process.start()
    send.close()
    found: Row = {}
    until = time.monotonic() + WALL * cpu_s
    try:
        while receive.poll(max(0.0, until - time.monotonic())):
            found |= receive.recv()
    except EOFError:
        pass
    process.kill()
    process.join()
    if "s" in found:
        found.pop("why", None)
    elif "why" not in found:
        found["why"] = f"more than {cpu_s:.0f} s"
    return found


def run(folder: Path, task: str, circuits: set[str], kept: Path, cpu_s: float, memory_gib: int) -> None:
    """The circuits of one task, of those named or of all, that are not in ``kept``."""
    warm_up(task)
    known = {(row["task"], row["circuit"], row["side"]): row for row in read(kept)}
    paths = [path for path in folder.glob("*.qasm") if not circuits or path.stem in circuits]
    for path in sorted(paths, key=lambda path: path.stat().st_size):
        bound: float = cpu_s
        for side in TASKS[task][1]:
            row: Row | None = known.get((task, path.stem, side))
            if row is None:
                row = {"task": task, "circuit": path.stem, "side": side}
                before = known.get((task, path.stem, SAME.get(side, "")), {})
                row |= {"why": before["why"]} if "why" in before else measure(task, side, path, bound, memory_gib)
                known[task, path.stem, side] = row
                with kept.open("a") as file:
                    print(json.dumps(row), file=file)
                print(f"{task:20} {path.stem:36} {side:10} {row.get('s', row.get('why'))}", flush=True)
            if side == "qmk" and "s" in row:
                bound = min(cpu_s, max(SOONEST_S, BEHIND * row["s"]))


def warm_up(task: str) -> None:
    """Imports the framework and runs a Bell pair on every side, so that a child, forked from this process, begins where
    everything is loaded."""
    module = importlib.import_module(f"benchmarks.frameworks.{TASKS[task][0]}")
    with tempfile.NamedTemporaryFile("w", suffix=".qasm") as file:
        file.write(BELL)
        file.flush()
        for side in TASKS[task][1]:
            module.prepare(task, side, Path(file.name))()


def read(kept: Path) -> list[Row]:
    """The lines of a file of outcomes, the last one of each side of a circuit."""
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    return list({(row["task"], row["circuit"], row["side"]): row for row in rows}.values())


def join(rows: Iterable[Row]) -> list[Row]:
    """A row a task and circuit: seconds of each side, or why there are none, and the ratio to the fastest peer."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        made = found.setdefault((row["task"], row["circuit"]), {"task": row["task"], "circuit": row["circuit"]})
        made[row["side"]] = float(f"{row['s']:.3g}") if "s" in row else row["why"]
        if "value" in row:
            made.setdefault("values", {})[row["side"]] = row["value"], row.get("std", 0.0)
    for made in found.values():
        values: dict[str, tuple[float, float]] = made.pop("values", {})
        own, error = values.pop("qmk", (math.nan, 0.0))
        apart = [side for side, (value, std) in values.items() if abs(value - own) > CLOSE + DEVIATIONS * (error + std)]
        if error:
            made["sampled"] = True
        if apart:
            made["apart"] = apart
        peers = [made[side] for side in TASKS[made["task"]][1][1:] if isinstance(made.get(side), float)]
        if isinstance(made["qmk"], float) and peers:
            made["ratio"] = float(f"{made['qmk'] / min(peers):.3g}")
    return list(found.values())


def merge(before: Iterable[Row], rows: Iterable[Row]) -> list[Row]:
    """``rows``, and those before of other circuits and tasks."""
    found = {(row["task"], row["circuit"]): row for row in (*before, *rows)}
    return sorted(found.values(), key=lambda row: (list(TASKS).index(row["task"]), row["circuit"]))


def summary(rows: Iterable[Row]) -> list[Row]:
    """For each task the geometric mean, the worst, and how many circuits each solved."""
    found: list[Row] = []
    every = list(rows)
    for task in TASKS:
        own = [row for row in every if row["task"] == task]
        both = [row for row in own if "ratio" in row]
        if not both:
            continue
        worst = max(both, key=lambda row: row["ratio"])
        alone = [row for row in own if "ratio" not in row]
        ours = sum(isinstance(row["qmk"], float) for row in alone)
        theirs = sum(not isinstance(row["qmk"], float) and _peer(row) for row in alone)
        found.append(
            {
                "task": task,
                "both": len(both),
                "mean": _mean([row["ratio"] for row in both]),
                "worst": worst["ratio"],
                "worst_on": worst["circuit"],
                "above_1": sum(row["ratio"] > 1 for row in both),
                "only_qmk": ours,
                "only_peer": theirs,
                "neither": len(alone) - ours - theirs,
                "sampled": sum("sampled" in row for row in both),
                "mean_exact": _mean([row["ratio"] for row in both if "sampled" not in row]),
                "apart": [row["circuit"] for row in own if "apart" in row],
            }
        )
    return found


def _mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan


def _peer(row: Row) -> bool:
    return any(isinstance(row.get(side), float) for side in TASKS[row["task"]][1][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(TASKS))
    parser.add_argument("--circuits", default="", help="names without .qasm; without it all")
    parser.add_argument("--kept", type=Path, default=Path("public.jsonl"))
    parser.add_argument("--again", default="", help="sides to measure anew")
    parser.add_argument("--cpu-s", type=float, default=5)
    parser.add_argument("--memory-gib", type=int, default=4)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        circuits = {name for name in given.circuits.split(",") if name}
        run(given.folder, given.task, circuits, given.kept, given.cpu_s, given.memory_gib)
        return
    tasks = [task for task in given.only.split(",") if task]
    if given.again:
        again = given.again.split(",")
        left = [row for row in read(given.kept) if row["task"] not in tasks or row["side"] not in again]
        given.kept.write_text("".join(json.dumps(row) + "\n" for row in left))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    bounds = [
        "--circuits",
        given.circuits,
        "--kept",
        str(given.kept),
        "--cpu-s",
        str(given.cpu_s),
        "--memory-gib",
        str(given.memory_gib),
    ]
    for task in tasks:
        command = [sys.executable, "-m", "benchmarks.frameworks.public", str(given.folder), "--task", task, *bounds]
        subprocess.run(command, env={**os.environ, **one_thread}, check=True)
    rows = merge(json.loads(given.json.read_text())["rows"] if given.json and given.json.exists() else [],
                 join(read(given.kept)))  # fmt: skip
    for each in summary(rows):
        print(json.dumps(each))
    if given.json:
        from importlib.metadata import version

        results.write(given.json, rows, {name: version(name) for name in PACKAGES}, cpu_s=given.cpu_s,
                      memory_gib=given.memory_gib, summary=summary(rows))  # fmt: skip


if __name__ == "__main__":
    main()
