"""What calls show of the kernel's objects. The kernel hands over what the caller may see; nothing is changed here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import msgspec
from msgspec import structs

from qmk.abi.calls import (
    q_cancel,
    q_checkpoints,
    q_delegate,
    q_events,
    q_get_mapping,
    q_get_telemetry,
    q_jobs,
    q_migrate,
    q_negotiate_caps,
    q_program,
    q_result,
    q_status,
    q_submit,
    q_wait,
)
from qmk.abi.calls.q_get_mapping import Placement
from qmk.abi.calls.q_negotiate_caps import Denied, Granted
from qmk.abi.operator.shapes import TenantRow, TokenRow
from qmk.abi.rights import RIGHTS
from qmk.abi.shapes import ChannelRow, ChannelState, Progress, QuotaFigures
from qmk.base.errors import Finding
from qmk.base.limits import LIMITS, TABLE
from qmk.kernel.events import Submitted, TokenIssued, Yielded
from qmk.kernel.objects.capability import Capability
from qmk.kernel.objects.channel import Channel
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import COMPLETED, Job
from qmk.kernel.objects.session import Session
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.policy import Forecast
from qmk.kernel.rewriting import Rewritten
from qmk.qvm.families import FAMILIES

DEADLINE_RULE = "QMK-DEADLINE"
_LIMITS = {name: row.value for name, row in TABLE.items()}
_FAMILIES = [q_negotiate_caps.FamilyRow(family.name, family.version, family.doc) for family in FAMILIES]


def progress(job: Job) -> Progress:
    record = job.submitted
    reached = (epoch_reached(job), record.epochs, _nodes_passed(job), record.nodes, job.shots_done, job.shots)
    return Progress(*reached, *_rounds(job))


def epoch_reached(job: Job) -> int:
    """The epoch that the shots under way are in, from 1; 0 before the start. Where an engine takes the whole program as
    one batch, a finished shot has passed all epochs."""
    epochs = job.submitted.epochs
    if job.state == COMPLETED or (job.shots_done and not job.submitted.fenced):
        return epochs
    begun = job.started_ns or job.epochs_behind
    return min(job.epochs_behind + 1, epochs) if begun else 0


def _nodes_passed(job: Job) -> int:
    """Nodes that at least one shot has passed; of long programs, no more than those of the listed epochs."""
    record = job.submitted
    if job.shots_done or job.state == COMPLETED:
        return record.nodes
    return sum(record.epoch_nodes[: job.epochs_behind])


def _rounds(job: Job) -> tuple[int, int]:
    """Rounds that are behind the shots under way, as ``_nodes_passed`` counts nodes, and those of a whole shot."""
    footprint = job.submitted.footprint
    if footprint is None:
        return 0, 0
    whole = job.shots_done or job.state == COMPLETED
    return footprint.rounds if whole else sum(footprint.epoch_rounds[: job.epochs_behind]), footprint.rounds


def _status_fields(job: Job, forecast: Forecast) -> dict[str, Any]:
    record = job.submitted
    (place, others), start = forecast[0] or (None, None), forecast[1]
    return {
        "job_id": record.job,
        "state": job.state,
        "progress": progress(job),
        "shots": job.shots,
        "seed": job.seed,
        "engine": record.engine,
        "method": record.method,
        "place_in_queue": place,
        "others_before": others,
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
        "refused_calls": job.refused_calls,
        "warnings": msgspec.to_builtins(record.warnings),
        "name": record.name,
        "tags": list(record.tags),
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
        tenant=job.tenant,
        name=record.name,
        tags=list(record.tags),
        idempotency_key=record.idempotency_key,
    )


def submission(job: Job, forecast: Forecast, epoch_ms: int) -> q_submit.Reply:
    (place, others), start = forecast[0] or (None, None), forecast[1]
    record = job.submitted
    late = _warn_of_deadline(record, start, epoch_ms)
    return q_submit.Reply(
        job_id=record.job,
        state=job.state,
        estimated_epochs=record.epochs,
        estimated_start=start,
        place_in_queue=place,
        others_before=others,
        seed=job.seed,
        shots=job.shots,
        engine=record.engine,
        method=record.method,
        warnings=[msgspec.to_builtins(finding) for finding in (*record.warnings, *late)],
    )


def _warn_of_deadline(record: Submitted, start_s: float | None, epoch_ms: int) -> list[Finding]:
    """A warning when the job, by estimate, ends after its deadline; ``start_s`` is its predicted launch (Unix time)."""
    deadline = record.policy.get("deadline_epochs")
    if deadline is None or start_s is None:
        return []
    epochs = (start_s + record.seconds - record.now_ns / 1e9) * 1000 / epoch_ms
    if epochs <= deadline:
        return []
    message = (
        f"the job is predicted to end {math.ceil(epochs)} scheduling epochs of {epoch_ms} ms from now, "
        f"after its deadline of {deadline}; it is queued all the same"
    )
    return [Finding(DEADLINE_RULE, message, "ask for a later deadline_epochs, or fewer shots", severity="warning")]


def events(job: Job, after: int) -> q_events.Reply:
    """A page of the history, from the first event after ``after`` that is kept."""
    first = max(0, after - job.dropped)
    page = job.events[first : first + LIMITS.page_events]
    last_seq = page[-1].seq if page else job.last_seq
    return q_events.Reply(page, last_seq, job.has_ended and last_seq == job.last_seq, job.dropped)


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
        warnings=msgspec.to_builtins(record.warnings),
    )


def job_figures(job: Job, now_ns: int) -> q_get_telemetry.JobFigures:
    record = job.submitted
    end_ns = job.ended_ns or now_ns
    started_ns = job.started_ns or end_ns
    passed = record.epochs if job.shots_done else job.epochs_behind
    rounds_of = record.footprint.epoch_rounds if record.footprint is not None else []
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
            for number, (nodes, rounds) in enumerate(zip_longest(record.epoch_nodes, rounds_of, fillvalue=0), 1)
        ],
        epochs_total=record.epochs,
        components=record.components,
        usage=job.usage,
    )


def cancellation(job: Job, epoch: int) -> q_cancel.Reply:
    return q_cancel.Reply(job.state, epoch)


def mapping(job: Job, rows: list[Placement], region: str, first_qubit: int) -> q_get_mapping.Reply:
    """The map of a job whose qubits begin at ``first_qubit`` of the device."""
    placements = [structs.replace(row, index=first_qubit + row.index) for row in rows]
    return q_get_mapping.Reply(job.id, job.submitted.policy.get("device", "ideal"), placements, region, first_qubit)


def program(job: Job) -> q_program.Reply:
    """The answer to q_program, without the text."""
    qec: dict[str, str] = job.submitted.policy.get("qec") or {}
    machine, noise = qec.get("machine", ""), qec.get("noise", "")
    return q_program.Reply(job_id=job.id, format="qvm-json", text="", machine=machine, noise=noise)


def migration(job: Job, rows: list[Placement], region: str, first_qubit: int) -> q_migrate.Reply:
    """Where the handles are that live in the epoch the job goes on with."""
    epoch = job.epochs_done + 1
    handles = {row.qubit: first_qubit + row.index for row in rows if row.from_epoch <= epoch <= row.to_epoch}
    return q_migrate.Reply(job.id, region, handles, job.epochs_done)


def checkpoint_row(row: Checkpoint) -> q_checkpoints.CheckpointRow:
    """A checkpoint in a list."""
    return q_checkpoints.CheckpointRow(
        checkpoint_id=row.id, job_id=row.job, epoch=row.epoch, size_bytes=row.size_bytes, saved=row.saved_ns / 1e9
    )


def capability(made: Capability) -> q_delegate.Reply:
    uses = [item.uses for item in made.chain() if item.uses is not None]
    return q_delegate.Reply(
        capability=made.id,
        rights=[name for name in RIGHTS if name in made.rights],
        jobs=None if made.jobs is None else sorted(made.jobs),
        expiry=made.expires_ns / 1e9 if made.expires_ns else None,
        expiry_epoch=made.expires_epoch or None,
        shots=made.shots,
        uses=min(uses) if uses else None,
    )


def session(
    opened: Session, granted: list[Granted], denied: list[Denied], quotas: list[QuotaFigures], devices: Sequence[str]
) -> q_negotiate_caps.Reply:
    """A session that was opened."""
    root = opened.caps.root
    return q_negotiate_caps.Reply(
        session_id=opened.id,
        tenant=opened.tenant.name,
        root=root.id,
        rights=[name for name in RIGHTS if name in root.rights],
        granted=granted,
        denied=denied,
        expires=opened.expires_ns / 1e9 if opened.expires_ns else None,
        quota=quotas,
        limits=_LIMITS,
        families=_FAMILIES,
        devices=list(devices),
    )


def channel(shown: Channel, jobs: int) -> ChannelState:
    """A channel as the calls about one answer it; ``jobs`` need it."""
    return ChannelState(**_channel_fields(shown), jobs=jobs)


def channel_row(shown: Channel) -> ChannelRow:
    """A channel in a list."""
    return ChannelRow(**_channel_fields(shown))


def _channel_fields(shown: Channel) -> dict[str, Any]:
    return {
        "channel": shown.id,
        "state": shown.state,
        "peers": [shown.proposer, shown.peer],
        "approved": list(shown.tenants) if shown.approved else [shown.proposer],
        "fidelity": shown.granted,
        "fidelity_min": shown.fidelity,
        "use_count": shown.pairs_used,
        "entanglements_max": shown.pairs_max,
        "expiry": shown.expiry_ns / 1e9 if shown.expiry_ns else None,
        "rounds": shown.rounds,
        "raw_pairs": shown.raw_pairs,
        "proposed": shown.proposed_ns / 1e9 if shown.proposed_ns else None,
    }


def tenant_row(tenant: Tenant, tokens: int, sessions: int) -> TenantRow:
    config = tenant.config
    return TenantRow(
        tenant=tenant.name,
        suspended=config.suspended,
        weight=config.weight,
        allowed=list(config.allowed_caps),
        quotas={name: quota.limit for name, quota in tenant.account.quotas.items()},
        tokens=tokens,
        sessions=sessions,
        jobs=tenant.queued_jobs.in_use,
        isolation=config.isolation,
    )


def token_row(row: TokenIssued) -> TokenRow:
    return TokenRow(
        tenant=row.tenant,
        serial=row.serial,
        issued=row.now_ns / 1e9,
        expires=row.expires_ns / 1e9 if row.expires_ns else None,
        rights=list(row.rights) if row.limited else None,
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


YIELDS = {
    "preempted": "preempted at a fence",
    "migrated": "on its way to another place",
    "rewound": "rolled back",
    "channel": "stopped at a fence, as a channel it uses has ended",
    "unreadable": "its engine cannot read the saved state",
    "unsaved": "stopped at a fence, but its state could not be kept",
}
"""What the history says of a yield, by why it happened."""


def reason(record: Yielded | Rewritten) -> str:
    """Why a job waits again."""
    if isinstance(record, Rewritten):
        return f"its program was written anew from epoch {record.epoch + 1} on: {record.change['reason']}"
    return f"{YIELDS[record.why]}: {record.reason}" if record.reason else YIELDS[record.why]
