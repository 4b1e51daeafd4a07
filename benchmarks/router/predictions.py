"""``python -m benchmarks.router.predictions CIRCUITS``: what the native router predicts, and what the runs then take.

One row a circuit: the seconds that ``Plan`` predicts for what it chose, the CPU seconds of the run, and their ratio; at
the end the geometric mean of the error (the ratio or its inverse, whichever is above one) over runs of at least
``--least`` seconds. A run answered by an attempt at a matrix product state is listed, and left out of the mean: nothing
was predicted for it.
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import Any

import qmk_native

from benchmarks.router.report import geometric_mean

SEED = 1


class _TooLong(Exception):
    """The run has used its time."""


def _stop(_signal: int, _frame: Any) -> None:
    raise _TooLong


def measure(circuit: qmk_native.Circuit, shots: int, limit_s: float) -> tuple[qmk_native.Plan, str, float]:
    """(plan, the method that drew the samples or "" beyond the limit, CPU seconds of the run)"""
    plan = qmk_native.Plan(circuit, shots)
    best, used = float("inf"), ""
    for _ in range(3):
        begun = time.process_time()
        try:
            signal.setitimer(signal.ITIMER_REAL, limit_s)
            used = plan.run(shots, SEED)[1]
            signal.setitimer(signal.ITIMER_REAL, 0)
        except (_TooLong, MemoryError):
            return plan, "", time.process_time() - begun
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        best = min(best, time.process_time() - begun)
        if best > 0.5:
            break
    return plan, used, best


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router.predictions", description=__doc__)
    parser.add_argument("circuits", type=Path, help="folder with .qasm files")
    parser.add_argument("--only", default="", help="part of the names of the circuits to run")
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of one run")
    parser.add_argument("--least", type=float, default=1e-4, help="CPU seconds below which a run is not judged")
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, _stop)
    rows: list[tuple[float, str]] = []
    for path in sorted(p for p in arguments.circuits.glob("*.qasm") if arguments.only in p.stem):
        try:
            circuit = qmk_native.read_qasm(path.read_text())
            plan, used, cpu_s = measure(circuit, arguments.shots, arguments.limit)
        except (qmk_native.Declined, MemoryError, _TooLong) as refused:
            print(f"{path.stem:<42}{'-':<10}{refused}"[:120], flush=True)
            continue
        ratio = plan.seconds / max(cpu_s, 1e-9)
        note = "beyond the limit" if not used else "by an attempt" if used != plan.method else ""
        text = f"{1e3 * plan.seconds:>12.3f}{1e3 * cpu_s:>12.3f}{ratio:>9.2f}  {plan.candidates[0]['note']}  {note}"
        print(f"{path.stem:<42}{plan.method:<10}{text}", flush=True)
        if (not note or (not used and ratio < 1.0)) and cpu_s >= arguments.least:
            rows.append((max(ratio, 1 / ratio), path.stem))
    worst = ", ".join(f"{name} {error:.1f}x" for error, name in sorted(rows, reverse=True)[:8])
    print(f"{len(rows)} runs of at least {1e3 * arguments.least:g} ms: geometric mean of the error "
          f"{geometric_mean([error for error, _ in rows]):.2f}x; worst: {worst}")  # fmt: skip


if __name__ == "__main__":
    main()
