"""Charges each launch of a job when it ends: the rows that a bill is made from.

Shots, gates and rounds of syndrome extraction are charged once a job, with its last launch: all of a completed job, of
a failed or cancelled one those of the shots that were done. Engine time is charged a launch: as measured when it
completes, else from its start to its end by the kernel's clock; also one whose program was written anew at a fence, as
its tenant asked for, though the next starts again. An engine that the job fell back from is charged nothing, since the
choice was ours, and a result that an earlier job had is charged its shots alone. A launch that ended by our own fault
(its worker died, the daemon stopped, a defect, a state that cannot be kept or read) is charged
nothing; its row says that it was there.
"""

from __future__ import annotations

from msgspec import structs

from qmk.base.errors import KINDS
from qmk.base.units import SECOND_NS
from qmk.kernel.accounts import Accounts
from qmk.kernel.demand import seconds_ns
from qmk.kernel.effects import Charge
from qmk.kernel.events import Cancelled, Event, Failed, FellBack, Finished, Recovered, ShuttingDown, Submitted, Yielded
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.job import QUEUED, RUNNING, Job
from qmk.kernel.rewriting import Rewritten

_ENDS_ONE = (Finished, Failed, FellBack, Cancelled, Yielded, Rewritten)


def charges(accounts: Accounts, jobs: JobTable, record: Event) -> list[Charge]:
    """Books the launches that ``record``, which is about to be applied, ends. Gives their rows of the ledger."""
    if isinstance(record, _ENDS_ONE):
        job = jobs.by_id.live.get(record.job)
        if job is None or job.has_ended or (job.state == QUEUED and _never_began(record)):
            return []
        return [_charge(accounts, job, record)]
    if not isinstance(record, (Recovered, ShuttingDown)):
        return []
    adopted = dict(record.adopted) if isinstance(record, Recovered) else {}
    lost = [job for job in jobs.launched.values() if job.state == RUNNING and job.id not in adopted]
    return [_charge(accounts, job, record) for job in lost]


def _never_began(record: Event) -> bool:
    """Whether a job that is QUEUED was never taken by a worker."""
    if isinstance(record, Failed):
        return not record.fence or record.died or record.lost
    return isinstance(record, (Cancelled, Yielded, Rewritten))


def _charge(accounts: Accounts, job: Job, record: Event) -> Charge:
    now_ns, submitted, began_ns = record.now_ns, job.submitted, job.started_ns or getattr(record, "began_ns", 0)
    outcome, shots = _outcome(job, record)
    cpu_seconds, engine_ns, result_bytes = 0.0, 0, 0
    if isinstance(record, Finished):
        engine_ns = seconds_ns(float(record.usage.get("engine_seconds", 0.0)))
        cpu_seconds = float(record.usage.get("cpu_seconds", 0.0))
        result_bytes = int(record.usage.get("result_bytes", 0))
    elif outcome not in (LOST, FALLBACK) and job.started_ns:
        engine_ns = max(0, now_ns - job.started_ns)
    gates = 0 if outcome == CACHED else shots * submitted.gates
    amounts = {"shots_period": shots, "gates": gates, "engine_seconds": engine_ns}
    accounts.charge(job.id, amounts, now_ns)
    last = not isinstance(record, (Yielded, FellBack, Rewritten)) and outcome != LOST
    submitted = _engine_of(submitted, record)
    return Charge(
        now_ns=now_ns,
        tenant=job.tenant,
        session=submitted.session,
        job=job.id,
        attempt=job.launches + (job.state == QUEUED),
        engine=submitted.engine,
        method=submitted.method,
        outcome=outcome,
        amounts={
            **amounts,
            "engine_seconds": engine_ns / SECOND_NS,
            "cpu_seconds": cpu_seconds,
            "logical_qubits": submitted.n_qubits,
            "bytes_stored": accounts.kept_by(job.id, result_bytes) if last else 0,
            "queue_seconds": max(0, (began_ns or now_ns) - submitted.now_ns) / SECOND_NS,
            **(_on_patches(job, 0 if outcome == CACHED else shots) if submitted.footprint is not None else {}),
        },
    )


def _on_patches(job: Job, shots: int) -> dict[str, float]:
    """What a job that named a machine adds to its row: its rounds, and those in which its patches moved."""
    footprint = job.submitted.footprint
    assert footprint is not None
    rounds = footprint.rounds + job.moves * footprint.move_rounds
    return {"physical_qubits": footprint.physical_qubits, "rounds": shots * rounds}


def _engine_of(submitted: Submitted, record: Event) -> Submitted:
    """The record with the engine that gave the result."""
    if isinstance(record, Finished) and record.hedge is not None:
        return structs.replace(submitted, engine=record.hedge.engine, method=record.hedge.method)
    return submitted


LOST = "lost"
"""The outcome of a launch that ended by a fault of QMK."""
FALLBACK = "fallback"
CACHED = "cached"
REWRITTEN = "rewritten"


def _outcome(job: Job, record: Event) -> tuple[str, int]:
    """How the launch ended, in a word, and the shots that are charged with it."""
    match record:
        case Finished():
            return CACHED if record.cached_from else "completed", job.shots
        case FellBack():
            return FALLBACK, 0
        case Rewritten():
            return REWRITTEN, 0
        case Failed():
            kind = KINDS.get(record.kind)
            if record.died or record.lost or kind is None or kind.blame == "system":
                return LOST, 0
            return "failed", job.shots_done
        case Cancelled():
            return "timeout" if record.timeout else "cancelled", job.shots_done
        case Yielded():
            return LOST if record.why in ("unreadable", "unsaved") else record.why, 0
        case _:
            return LOST, 0
