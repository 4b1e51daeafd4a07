"""What a launch takes of the kernel and of a slot, and how many launches a second follow from that.

A daemon holds jobs in its queue until their tenant may run any; then they run one after the other in each slot. One
slot gives the two figures of the model: ``kernel_s``, the processor time of the daemon for a launch and its end, and
``slot_s``, the rest of the time between two launches. For more slots the launches a second follow by mean value
analysis of a closed network with one queue, the daemon's thread (Reiser and Lavenberg, J. ACM 27, 1980), and are
bounded by the processors, which daemon and workers share.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.daemon import daemon
from benchmarks.fairness import work
from benchmarks.isolation import descendants
from benchmarks.measure import median
from benchmarks.programs import bell
from benchmarks.remote import cpu_s
from qmk.client import Client, Operator

_SEEDS = count(1)
TENANT = "crowd"
QUBITS = 18
SHORT = 20
SUBMIT_S = 0.006
"""Longest time that a submit is expected to take."""


@dataclass(frozen=True)
class Measured:
    """Seconds of one launch with ``slots`` slots: ``launch_s`` between two ends, ``kernel_s`` of the daemon's processor
    time, ``worker_s`` of the workers', ``submit_s`` of the daemon's for taking the job into the queue."""

    slots: int
    launch_s: float
    kernel_s: float
    worker_s: float
    submit_s: float


@dataclass(frozen=True)
class Model:
    """``processors`` are those of the machine."""

    kernel_s: float
    slot_s: float
    worker_s: float
    processors: int

    def launches_a_second(self, slots: int, job_s: float = 0.0) -> float:
        """With jobs that take ``job_s`` longer than an empty one, on processors of their own."""
        queued = rate = 0.0
        for present in range(1, slots + 1):
            waits_s = self.kernel_s * (1 + queued)
            rate = present / (self.slot_s + job_s + waits_s)
            queued = rate * waits_s
        if job_s:
            return rate
        return min(rate, self.processors / (self.kernel_s + self.worker_s))

    @property
    def most(self) -> float:
        """Launches a second at which the daemon's thread is never idle."""
        return 1 / self.kernel_s

    def slots_at_saturation(self, job_s: float) -> float:
        """Slots that one kernel keeps busy with jobs of this length: with more, they wait for it."""
        return (self.kernel_s + self.slot_s + job_s) / self.kernel_s


def model_of(measured: Measured) -> Model:
    """From one slot, where nothing waits for the daemon's thread."""
    assert measured.slots == 1
    slot_s = max(0.0, measured.launch_s - measured.kernel_s)
    return Model(measured.kernel_s, slot_s, measured.worker_s, len(os.sched_getaffinity(0)))


def measure(slots: int, jobs: int) -> Measured:
    """A fresh daemon with so many slots runs the jobs, each a Bell pair of ten shots. They are submitted while one long
    job has the only place that the tenant may take; then it may take all."""
    with daemon("process", slots) as path:
        process = int(Path(path).with_name("pid").read_text())
        operator = Operator(os.path.dirname(path))
        operator.call("op_tenant_add", tenant=TENANT)
        with Client(path, token=operator.call("op_token_issue", tenant=TENANT).token) as client:
            for job in [submit_bell(client) for _ in range(8 * slots)]:
                client.wait(job)  # every worker has its engine loaded
            operator.call("op_tenant_set", tenant=TENANT, quotas={"running_jobs": 1})
            long = submit_long(client, SUBMIT_S * jobs)
            begin_s = cpu_s([process])
            ids = [submit_bell(client) for _ in range(jobs)]
            submit_s = (cpu_s([process]) - begin_s) / jobs
            if client.status(long).ended is not None:
                raise RuntimeError("the job that holds the others back ended before they were submitted; try again")
            client.wait(long)
            begin_s, workers_s = cpu_s([process]), cpu_s(descendants(process))
            operator.call("op_tenant_set", tenant=TENANT, quotas={"running_jobs": slots})
            last = ids[-slots:]
            for job in last:
                client.wait(job)
            kernel_s, worker_s = cpu_s([process]) - begin_s, cpu_s(descendants(process)) - workers_s
            first = jobs // 10
            taken_s = max(ended_s(client, job) for job in last) - ended_s(client, ids[first])
    return Measured(slots, taken_s / (jobs - 1 - first), kernel_s / jobs, worker_s / jobs, submit_s)


def submit_bell(client: Client) -> str:
    """A job that takes an engine next to no time."""
    return client.submit(bell(), shots=10, seed=next(_SEEDS), cache=False, keep_events=False, engine="aer").job_id


def submit_long(client: Client, seconds: float) -> str:
    """A job that takes about so long, by the time that a shorter one of the kind takes."""
    short = client.run(work(SHORT, QUBITS), shots=10, engine="aer", cache=False)
    layers = max(SHORT, round(SHORT * seconds / short.usage["engine_seconds"]))
    return client.submit(work(layers, QUBITS), shots=10, engine="aer", cache=False).job_id


def ended_s(client: Client, job: str) -> float:
    """When a job ended, Unix time."""
    ended = client.status(job).ended
    assert ended is not None, f"{job} has not ended"
    return ended


def medians(rounds: Sequence[Measured]) -> Measured:
    """The median of each figure over rounds with the same slots."""
    names = ("launch_s", "kernel_s", "worker_s", "submit_s")
    return Measured(rounds[0].slots, *(median(sorted(getattr(each, name) for each in rounds)) for name in names))
