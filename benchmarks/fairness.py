"""``python -m benchmarks.fairness [--seconds T]``: how a real daemon shares its workers between tenants.

First three tenants of weight 1, 2 and 4 keep it busy with jobs of different lengths; the engine time of the jobs that
end within a window is compared with the weights. Then one tenant hands in thousands of jobs and another a single one:
how long that one waits is told in scheduling epochs. The exit code is 1 when a share is more than 5 % off its weight,
or the single job waits for two epochs or more.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time

from benchmarks.daemon import daemon
from qmk.client import Client, Operator
from qmk.kernel.config import KernelConfig
from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder

WEIGHTS = {"one": 1.0, "two": 2.0, "four": 4.0}
LAYERS = {"one": 120, "two": 60, "four": 30}
"""the tenant with the smallest share has the longest jobs"""

QUBITS = 12
FLOOD = 10_000
TOLERANCE = 0.05
WORKERS = 2
AHEAD = 100
"""jobs that a tenant has waiting or running all the time"""


def work(layers: int, qubits: int = QUBITS) -> Graph:
    """Some milliseconds or more for a state vector, whose time grows evenly with the layers."""
    b = Builder(qubits)
    for layer in range(layers):
        for qubit in range(qubits):
            b.op("rx", qubit, theta=0.1 + 0.01 * layer)
        for qubit in range(layer % 2, qubits - 1, 2):
            b.op("cz", qubit, qubit + 1)
    return b.measure_all().graph()


def keep_busy(path: str, token: str, graph: Graph, until_s: float, ended: list[tuple[float, float]]) -> None:
    """Have ``AHEAD`` jobs in hand until then; notes (end, engine seconds) of each."""
    with Client(path, token=token) as client:
        jobs: list[str] = []
        number = 0
        while time.time() < until_s:
            while len(jobs) < AHEAD:
                jobs.append(
                    client.submit(graph, shots=10, seed=number, engine="aer", keep_events=False, cache=False).job_id
                )
                number += 1
            first = jobs.pop(0)
            end = client.wait(first).ended
            assert end is not None
            figures = client.telemetry(first).job
            assert figures is not None
            ended.append((end, float(figures.usage["engine_seconds"])))


def shares(path: str, seconds: float) -> dict[str, float]:
    """Each tenant's part of the engine time within the window."""
    operator = Operator(os.path.dirname(path))
    until_s = time.time() + seconds + 4
    ended: dict[str, list[tuple[float, float]]] = {name: [] for name in WEIGHTS}
    threads: list[threading.Thread] = []
    for name, weight in WEIGHTS.items():
        operator.call("op_tenant_add", tenant=name, weight=weight)
        token = operator.call("op_token_issue", tenant=name).token
        arguments = (path, token, work(LAYERS[name]), until_s, ended[name])
        threads.append(threading.Thread(target=keep_busy, args=arguments))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begin, end = until_s - seconds - 1, until_s - 1
    used = {name: sum(took for at, took in rows if begin <= at < end) for name, rows in ended.items()}
    for name, rows in ended.items():
        print(f"  {name}: weight {WEIGHTS[name]:g}, {len(rows)} jobs, {used[name]:.2f} s of engine time in the window")
    total = sum(used.values())
    return {name: amount / total for name, amount in used.items()}


def wait_in_flood(path: str) -> float:
    """Epochs that a single job of one tenant waits while another has ``FLOOD`` jobs in the queue."""
    operator = Operator(os.path.dirname(path))
    tokens: dict[str, str] = {}
    for name in ("flood", "single"):
        operator.call("op_tenant_add", tenant=name)
        tokens[name] = operator.call("op_token_issue", tenant=name).token
    with Client(path, token=tokens["flood"]) as flood, Client(path, token=tokens["single"]) as single:
        graph = work(LAYERS["one"])
        last = ""
        for seed in range(FLOOD):
            last = flood.submit(graph, shots=10, seed=seed, engine="aer", keep_events=False, cache=False).job_id
        waiting = flood.status(last).place_in_queue
        status = single.wait(single.submit(graph, shots=10, seed=0, engine="aer", cache=False).job_id)
        assert status.started is not None
        waited_s = status.started - status.submitted
        print(f"  {waiting} jobs of the flood were waiting; the single job waited {waited_s:.3f} s")
        return waited_s * 1000 / KernelConfig().epoch_ms


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fairness", description="How a daemon shares its workers between tenants."
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the window")
    options = parser.parse_args(argv)
    with daemon("process", WORKERS) as path:
        found = shares(path, options.seconds)
    whole = sum(WEIGHTS.values())
    off = {name: found[name] * whole / weight - 1 for name, weight in WEIGHTS.items()}
    for name, share in found.items():
        print(f"{name}: {share:.4f} of the machine, {off[name]:+.1%} off its weight")
    with daemon("process", WORKERS) as path:
        epochs = wait_in_flood(path)
    print(f"a single job in a flood of {FLOOD:,}: {epochs:.2f} epochs")
    return int(max(map(abs, off.values())) > TOLERANCE or epochs >= 2)


if __name__ == "__main__":
    sys.exit(main())
