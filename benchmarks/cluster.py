"""``python -m benchmarks.cluster``: what a launch on a cluster of this machine costs more than in a local worker.

Daemons take turns, so that a busy machine is as busy for all: a local one of two workers, and three with 1, 2 and 4
slots on a Ray each, or on a Slurm of one node that is started for them. *bell*: a job of 100 shots, submitted and
waited for, one after the other. *sweep*: 2,000 points of four qubits as one job. *points*: the same number of jobs, one
for each point, submitted before any is waited for. *shots*: a million of a GHZ state. *eight*: as many jobs of a second
of processor time, submitted together: what more slots are worth. *cancel*: from the request to stop a job in C code
until its process is gone. The results of all must be the same.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import qmk
from benchmarks.daemon import daemon
from benchmarks.measure import median
from benchmarks.programs import bell
from qmk.client import Client
from tools.throwaway_slurm import Slurm

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


def eight_jobs(client: Client, seed: int) -> Any:
    jobs = [client.submit(SLOW, shots=2_000, seed=seed + k, engine="reference", cache=False).job_id for k in range(8)]
    for job in jobs:
        client.wait(job)
    return [client.result(job).counts for job in jobs]


def cancel_work(client: Client, seed: int) -> Any:
    """Gives nothing to compare; what counts is when the process is gone that ran."""
    job = client.submit(HOPELESS, shots=1, seed=seed, engine="native:dense", cache=False).job_id
    while client.status(job).state != "RUNNING":
        time.sleep(0.01)
    pid = busiest_worker()
    begin = time.perf_counter()
    client.cancel(job)
    answered = time.perf_counter()
    while is_alive(pid):
        time.sleep(0.0005)
    CANCELS.append(((answered - begin) * 1e3, (time.perf_counter() - begin) * 1e3))


CANCELS: list[tuple[float, float]] = []
"""Milliseconds until a cancel was answered, and until the process was gone."""


def busiest_worker() -> int:
    """The worker of this very QMK that takes the most processor time in 0.2 s."""
    ours = os.fsencode(Path(qmk.__file__).parents[1])

    def ticks() -> dict[int, int]:
        found: dict[int, int] = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if b"qmk.worker.main" in (path / "cmdline").read_bytes() and ours in (path / "environ").read_bytes():
                    found[int(path.name)] = sum(map(int, (path / "stat").read_text().rpartition(")")[2].split()[11:13]))
            except OSError:
                continue
        return found

    before = ticks()
    time.sleep(0.2)
    after = ticks()
    return max(after, key=lambda pid: after[pid] - before.get(pid, 0))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _hopeless() -> qmk.Circuit:
    circuit = qmk.Circuit(22)
    for layer in range(2000):
        for qubit in range(22):
            circuit.u(0.1 + layer, 0.2, 0.3, qubit)
        for qubit in range(21):
            circuit.cx(qubit, qubit + 1)
    return circuit.measure_all()


SLOW = qmk.Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3).measure_all()
HOPELESS = _hopeless()
WORK: dict[str, tuple[Callable[[Client, int], Any], int]] = {
    "bell": (one_job, 50),
    "sweep": (sweep, 3),
    "points": (many_jobs, 1),
    "shots": (all_shots, 3),
    "eight": (eight_jobs, 1),
    "cancel": (cancel_work, 3),
}
"""What is run, and how often in one pass."""


SLOTS = (1, 2, 4)


@contextmanager
def clusters(kind: str) -> Iterator[dict[str, str]]:
    """The sockets of the daemons to compare, by name; the first is of the local one."""
    with ExitStack() as stack:
        sockets = {"local": stack.enter_context(daemon("process"))}
        if kind == "slurm":
            slurm = Slurm(Path(stack.enter_context(TemporaryDirectory())))
            stack.callback(slurm.stop)
            os.environ["SLURM_CONF"] = str(slurm.config)
        for slots in SLOTS:
            sockets[f"{slots} slots"] = stack.enter_context(daemon("process", slots, more=("--cluster", kind)))
        yield sockets


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare jobs on a cluster with jobs in local workers.")
    parser.add_argument("--cluster", choices=["ray", "slurm"], default="ray")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default=",".join(WORK), help="of " + ", ".join(WORK))
    options = parser.parse_args()
    with clusters(options.cluster) as sockets, ExitStack() as stack:
        arms = {name: stack.enter_context(Client(socket)) for name, socket in sockets.items()}
        for name in options.work.split(","):
            work, times = WORK[name]
            took: dict[str, list[float]] = {arm: [] for arm in arms}
            for each in range(options.rounds + 1):  # the first is warm-up
                found: list[Any] = []
                for arm, client in arms.items():
                    begin = time.perf_counter()
                    found.append([work(client, each * times + number + 1) for number in range(times)])
                    took[arm].append((time.perf_counter() - begin) / times * 1e3)
                assert all(other == found[0] for other in found), f"{name}: the bits differ"
            for arm, each in took.items():
                pairs = median([b - a for a, b in zip(took["local"][1:], each[1:], strict=True)])
                figures = f"{median(each[1:]):.2f} ms, at least {min(each[1:]):.2f}; {pairs:+.2f} ms (median of pairs)"
                print(f"{name}, {arm}: {figures}", flush=True)
            if CANCELS:
                answered, gone = (median([row[k] for row in CANCELS]) for k in (0, 1))
                most = max(row[1] for row in CANCELS)
                print(f"cancel: answered in {answered:.1f} ms, the process gone in {gone:.1f} ms, at most {most:.1f}")


if __name__ == "__main__":
    main()
