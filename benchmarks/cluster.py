"""``python -m benchmarks.cluster``: what a launch on a Ray cluster of this machine costs more than in a local worker.

Two daemons, one with ``--cluster ray``, take turns in pairs, so that a busy machine is as busy for both. *bell*: a job
of 100 shots, submitted and waited for, one after the other. *sweep*: 2,000 points of four qubits as one job. *points*:
the same number of jobs, one for each point, submitted before any is waited for. *shots*: a million of a GHZ state.
The results of both must be the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import qmk
from benchmarks.daemon import daemon
from benchmarks.measure import median
from benchmarks.programs import bell
from qmk.client import Client

POINTS, SHOTS = 2_000, 1_000_000
ANSATZ = """
OPENQASM 3.0;
include "stdgates.inc";
input float a;
input float b;
qubit[4] q;
ry(a) q[0];
crx(b) q[0], q[1];
crx(a) q[1], q[2];
crx(b) q[2], q[3];
"""
GHZ = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[8] q;
bit[8] c;
h q[0];
for int i in [0:6] { cx q[i], q[i + 1]; }
c = measure q;
"""


def one_job(client: Client, seed: int) -> Any:
    return client.run(bell(), shots=100, seed=seed, cache=False).counts


def sweep(client: Client, seed: int) -> Any:
    points = [{"a": 1e-3 * k + seed, "b": 0.2} for k in range(POINTS)]
    graph, wanted = qmk.outputs(ANSATZ, expect="ZZZZ", points=points, counts=False)
    result = client.run(graph, outputs=wanted, seed=seed, cache=False)
    assert result.values is not None
    return result.values


def many_jobs(client: Client, seed: int) -> Any:
    entries = [qmk.outputs(ANSATZ, expect="ZZZZ", points=[{"a": 1e-3 * k + seed, "b": 0.2}], counts=False)
               for k in range(POINTS)]  # fmt: skip
    jobs = [client.submit(graph, outputs=wanted, seed=seed, cache=False).job_id for graph, wanted in entries]
    for job in jobs:
        client.wait(job)
    return [client.result(job).values for job in jobs]


def all_shots(client: Client, seed: int) -> Any:
    return client.run(GHZ, shots=SHOTS, seed=seed, cache=False).counts


WORK: dict[str, tuple[Callable[[Client, int], Any], int]] = {
    "bell": (one_job, 50),
    "sweep": (sweep, 3),
    "points": (many_jobs, 1),
    "shots": (all_shots, 3),
}
"""What is run, and how often in one pass."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare jobs on a Ray cluster with jobs in local workers.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default=",".join(WORK), help="of " + ", ".join(WORK))
    options = parser.parse_args()
    with ExitStack() as stack:
        arms = {
            name: stack.enter_context(Client(stack.enter_context(daemon("process", more=more))))
            for name, more in {"local": (), "ray": ("--cluster", "ray")}.items()
        }
        for name in options.work.split(","):
            work, times = WORK[name]
            took: dict[str, list[float]] = {arm: [] for arm in arms}
            for each in range(options.rounds + 1):  # the first is warm-up
                found: list[Any] = []
                for arm, client in arms.items():
                    begin = time.perf_counter()
                    found.append([work(client, each * times + number + 1) for number in range(times)])
                    took[arm].append((time.perf_counter() - begin) / times * 1e3)
                assert found[0] == found[1], f"{name}: the bits differ"
            local, ray = (median(took[arm][1:]) for arm in ("local", "ray"))
            pairs = median([b - a for a, b in zip(took["local"][1:], took["ray"][1:], strict=True)])
            print(f"{name}: {local:.2f} ms local, {ray:.2f} ms on Ray; {pairs:+.2f} ms (median of pairs)", flush=True)


if __name__ == "__main__":
    main()
