"""What calls show of the kernel's objects. The kernel hands over what the caller may see; nothing is changed here."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import msgspec

from qmk.abi.calls import q_events, q_get_telemetry, q_jobs, q_result, q_status, q_submit, q_wait
from qmk.abi.shapes import Progress
from qmk.base.errors import Finding
from qmk.base.limits import LIMITS
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session
from qmk.kernel.policy import Forecast


def progress(job: Job) -> Progress:
    record = job.submitted
    reached = (job.epoch_reached, record.epochs, job.nodes_passed, record.nodes, job.shots_done, job.shots)
    return Progress(*reached, *job.rounds)


def _status_fields(job: Job, forecast: Forecast) -> dict[str, Any]:
    record = job.submitted
    place, start = forecast
    return {
        "job_id": record.job,
        "state": job.state,
        "progress": progress(job),
        "shots": job.shots,
        "seed": job.seed,
        "engine": record.engine,
        "method": record.method,
        "place_in_queue": place,
        "estimated_start": start,
        "submitted": record.now_ns / 1e9,
        "started": job.started_ns / 1e9 if job.started_ns else None,
        "ended": job.ended_ns / 1e9 if job.ended_ns else None,
        "attempts": job.attempts,
        "error": job.error,
        "physical_qubits": record.footprint.physical_qubits if record.footprint is not None else 0,
        "decoder_load": record.footprint.decoder_load if record.footprint is not None else 0.0,
        "moves": job.moves,
        "changes": job.rewritten,
    }


def status(job: Job, forecast: Forecast) -> q_status.Reply:
    return q_status.Reply(**_status_fields(job, forecast))


def wait_status(job: Job, forecast: Forecast) -> q_wait.Reply:
    return q_wait.Reply(**_status_fields(job, forecast))


def job_row(job: Job) -> q_jobs.JobRow:
    """A job in a list."""
    record = job.submitted
    return q_jobs.JobRow(
        job_id=record.job,
        state=job.state,
        progress=progress(job),
        engine=record.engine,
        method=record.method,
        priority=record.policy.get("priority", 0),
        submitted=record.now_ns / 1e9,
        started=job.started_ns / 1e9 if job.started_ns else None,
        ended=job.ended_ns / 1e9 if job.ended_ns else None,
        error=job.error["data"]["name"] if job.error else None,
    )


def submitted(job: Job, forecast: Forecast, warnings: list[Finding]) -> q_submit.Reply:
    place, start = forecast
    record = job.submitted
    return q_submit.Reply(
        job_id=record.job,
        state=job.state,
        estimated_epochs=record.epochs,
        estimated_start=start,
        place_in_queue=place,
        seed=job.seed,
        shots=job.shots,
        engine=record.engine,
        method=record.method,
        warnings=[msgspec.to_builtins(finding) for finding in warnings],
    )


def events(job: Job, after: int) -> q_events.Reply:
    """A page of the history, from the first event after ``after`` that is kept."""
    first = max(0, after - job.dropped)
    page = job.events[first : first + LIMITS.page_events]
    last_seq = page[-1].seq if page else job.last_seq
    return q_events.Reply(page, last_seq, job.ended and last_seq == job.last_seq, job.dropped)


def result(job: Job) -> q_result.Reply:
    """What the kernel knows of a completed job; the host adds counts, registers, events, version and notes."""
    record = job.submitted
    return q_result.Reply(
        job_id=record.job,
        shots=job.shots,
        seed=job.seed,
        provenance=q_result.Provenance(
            digest=record.digest,
            engine=record.engine,
            method=record.method,
            seed=job.seed,
            reasons=record.reasons,
            predicted_seconds=record.seconds,
            uncertainty=record.uncertainty,
            fallbacks=[q_result.Fallback(**row) for row in job.tried],
            cached_from=job.cached_from,
            footprint=record.footprint,
            moves=job.moves,
            changes=[q_result.Change(**row) for row in job.changes] if job.changes else [],
        ),
        usage={**job.usage, "attempts": job.attempts + 1},
    )


def job_figures(job: Job, now_ns: int) -> q_get_telemetry.JobFigures:
    record = job.submitted
    end_ns = job.ended_ns or now_ns
    started_ns = job.started_ns or end_ns
    passed = record.epochs if job.shots_done else job.epochs_behind
    return q_get_telemetry.JobFigures(
        job_id=record.job,
        state=job.state,
        queued_seconds=max(0, started_ns - record.now_ns) / 1e9,
        running_seconds=max(0, end_ns - started_ns) / 1e9,
        predicted_seconds=record.seconds,
        predicted_memory_bytes=record.memory_bytes,
        decoder_load=record.footprint.decoder_load if record.footprint is not None else 0.0,
        shots_done=job.shots_done,
        attempts=job.attempts,
        epochs=[
            q_get_telemetry.Epoch(number, nodes, number <= passed, rounds=rounds)
            for number, (nodes, rounds) in enumerate(zip_longest(record.epoch_nodes, job.epoch_rounds, fillvalue=0), 1)
        ],
        epochs_total=record.epochs,
        components=record.components,
        usage=job.usage,
    )


def session_figures(session: Session, open_waits: int) -> q_get_telemetry.SessionFigures:
    return q_get_telemetry.SessionFigures(
        calls=session.calls,
        errors=session.errors,
        jobs_submitted=session.jobs_submitted,
        jobs_completed=session.jobs_completed,
        jobs_failed=session.jobs_failed,
        jobs_cancelled=session.jobs_cancelled,
        shots_completed=session.shots_completed,
        engine_seconds=session.engine_seconds,
        open_waits=open_waits,
        qubits_held=len(session.qubits),
        opened=session.opened_ns / 1e9,
    )
