"""Recorded arrivals: the trace that the scheduler's simulator reads.

JSON lines. The first is the machine, every other one a job, in the order of arrival:

    {"trace": "qmk-scheduling", "version": 1, "workers": 4, "weights": {"a": 1.0, "b": 2.0}}
    {"at_s": 0.25, "tenant": "a", "actual_s": 1.5, "predicted_s": 1.2, "memory_bytes": 1048576, "qubits": 20}

Absent fields have the defaults below. Traces come from three places: a file, ``synthetic`` (by seed), and ``recorded``
(the records of a QMK journal).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import events as ev
from qmk.kernel.config import LOCAL_TENANT


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``memory_bytes`` 0: no bound. ``regions``: name and qubits of each; none: one a worker, for one job each.
    ``weights`` of tenants that differ from 1."""

    trace: Literal["qmk-scheduling"] = "qmk-scheduling"
    version: Literal[1] = 1
    workers: int = 1
    memory_bytes: int = 0
    regions: tuple[tuple[str, int], ...] = ()
    epoch_ms: int = 100
    weights: dict[str, float] = {}


class Arrival(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A job. ``actual_s`` is what it takes, ``predicted_s`` what the scheduler is told (None: the same).
    ``fence_s`` is the time between its fences, at which it can yield; 0: it has none."""

    at_s: float
    actual_s: float
    tenant: str = LOCAL_TENANT
    predicted_s: float | None = None
    memory_bytes: int = 0
    qubits: int = 1
    priority: int = 0
    deadline_epochs: int | None = None
    fence_s: float = 0.0


class Trace(msgspec.Struct, frozen=True):
    machine: Machine
    arrivals: list[Arrival]


_machine = msgspec.json.Decoder(Machine)
_arrival = msgspec.json.Decoder(Arrival)


def load(path: Path) -> Trace:
    """Reads a trace. Raises INVALID_PARAMS naming the line that is wrong."""
    machine = Machine()
    arrivals: list[Arrival] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            if number == 1:
                machine = _machine.decode(line)
            else:
                arrivals.append(_arrival.decode(line))
        except msgspec.DecodeError as error:
            raise QmkError("INVALID_PARAMS", f"{path}, line {number}: {error}", field="trace") from None
    return check_trace(Trace(machine, arrivals), str(path))


def check_trace(trace: Trace, name: str) -> Trace:
    """The trace, its jobs in the order of arrival. Raises INVALID_PARAMS for one that no run can have."""
    if not trace.arrivals:
        raise QmkError("INVALID_PARAMS", f"{name} has no jobs", field="trace")
    widest = max((width for _, width in trace.machine.regions), default=LIMITS.region_qubits)
    for number, job in enumerate(trace.arrivals, 1):
        if job.at_s < 0 or job.actual_s < 0 or (job.predicted_s or 0) < 0 or job.fence_s < 0:
            raise QmkError("INVALID_PARAMS", f"{name}, job {number}: times are not negative", field="trace")
        if job.qubits > widest:
            raise QmkError("INVALID_PARAMS", f"{name}, job {number}: {job.qubits} qubits fit no region", field="trace")
    return Trace(trace.machine, sorted(trace.arrivals, key=lambda job: job.at_s))


def save(trace: Trace, path: Path) -> None:
    machine = {"trace": trace.machine.trace, "version": trace.machine.version, **msgspec.to_builtins(trace.machine)}
    lines = [msgspec.json.encode(machine), *(msgspec.json.encode(job) for job in trace.arrivals)]
    path.write_bytes(b"\n".join(lines) + b"\n")


def synthetic(seed: int, jobs: int = 1000, tenants: int = 3, workers: int = 4, load: float = 1.2) -> Trace:
    """Arrivals by chance, the same for the same arguments. Tenant ``t0`` has weight 1, ``t1`` 2, ``t2`` 4, ``t3`` 1
    again. Half of the jobs take about 0.1 s, a third 1 s, the rest 10 s (log-normal); predictions are off by up to a
    factor of ten, a tenth of the jobs needs most of the memory, a quarter has fences. ``load`` is the work that arrives
    over what ``workers`` can do."""
    dice = random.Random(seed)
    memory = 16 << 30
    machine = Machine(
        workers=workers,
        memory_bytes=memory,
        weights={f"t{number}": float(1 << number % 3) for number in range(tenants)},
    )
    scales = dice.choices((0.1, 1.0, 10.0), weights=(3, 2, 1), k=jobs)
    actual = [scale * dice.lognormvariate(0, 0.5) for scale in scales]
    span = sum(actual) / workers / load
    times = sorted(dice.uniform(0, span) for _ in range(jobs))
    arrivals = [
        Arrival(
            at_s=round(at_s, 6),
            actual_s=round(actual_s, 6),
            predicted_s=round(actual_s * 10 ** dice.uniform(-1, 1), 6),
            tenant=f"t{dice.randrange(tenants)}",
            memory_bytes=dice.randrange(memory // 2, memory) if dice.random() < 0.1 else dice.randrange(memory // 16),
            qubits=dice.randrange(2, 40),
            priority=dice.choice((0, 0, 0, 1)),
            fence_s=0.05 if dice.random() < 0.25 else 0.0,
        )
        for at_s, actual_s in zip(times, actual, strict=True)
    ]
    return Trace(machine, arrivals)


def trace_of_records(records: Iterable[ev.Event], machine: Machine) -> Trace:
    """The arrivals that a journal tells of: the jobs that were completed, with the engine time they took. Weights are
    those of the tenants' own records."""
    submitted: dict[str, ev.Submitted] = {}
    took: dict[str, float] = {}
    weights = dict(machine.weights)
    for record in records:
        match record:
            case ev.Submitted():
                submitted[record.job] = record
            case ev.Finished():
                seconds = record.usage.get("engine_seconds")
                if isinstance(seconds, int | float):
                    took[record.job] = max(0.0, float(seconds))
            case ev.TenantSet():
                weights[record.config.name] = record.config.weight
            case _:
                pass
    known = [record for record in submitted.values() if record.job in took]
    begin_ns = min((record.now_ns for record in known), default=0)
    arrivals = [_arrival_of(record, took[record.job], begin_ns) for record in known]
    return check_trace(Trace(msgspec.structs.replace(machine, weights=weights), arrivals), "the journal")


def _arrival_of(record: ev.Submitted, actual_s: float, begin_ns: int) -> Arrival:
    policy: dict[str, Any] = record.policy
    epoch_s = actual_s / record.epochs
    return Arrival(
        at_s=(record.now_ns - begin_ns) / 1e9,
        tenant=record.tenant,
        actual_s=actual_s,
        predicted_s=record.seconds,
        memory_bytes=record.memory_bytes,
        qubits=record.width,
        priority=policy.get("priority", 0),
        deadline_epochs=policy.get("deadline_epochs"),
        fence_s=epoch_s if record.fenced else 0.0,
    )
