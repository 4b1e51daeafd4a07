"""Calls that save, move, take back and rerun jobs: q_checkpoint, q_migrate, q_rollback, q_restore, q_replay.

The first three ask something of a job that has not ended; see ``checkpoint``. The last two make a new job of an old
one's program, which the host reads from the journal: a step of its own, in which the new job is VALIDATING. They need
no right of their own, but whatever the program needs is asked of the session that calls, as if it had submitted it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import structs

from qmk.abi import shapes
from qmk.abi.calls import METHODS, q_checkpoint, q_migrate, q_replay, q_restore, q_rollback
from qmk.abi.rights import CAP_CONTROL
from qmk.base.errors import QmkError
from qmk.base.ids import opaque, sorted_by_time
from qmk.kernel import admission, authority, checkpoint, firewall, machines, scripts
from qmk.kernel.effects import Recall
from qmk.kernel.events import CallReceived, Recalled, Submitted
from qmk.kernel.handlers import submit
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session, not_found
from qmk.kernel.open_calls import CHECKPOINT, MIGRATE, ROLLBACK, Ask
from qmk.kernel.pending import Pending
from qmk.kernel.state import State
from qmk.qvm.graph import unpack

PROGRAM_LATER = frozenset((q_replay.CALL.name, q_restore.CALL.name))
"""Calls that use capabilities once the program is at hand: only then is it known which rights, for how many shots."""


def save(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_checkpoint.Request = event.params
    job = _going(kernel, session, request.job_id)
    error = checkpoint.no_room(kernel, job.tenant)
    if error is not None:
        raise error
    _open(kernel, event, session, job, CHECKPOINT, checkpoint=opaque("chk", event.entropy))


def migrate(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_migrate.Request = event.params
    job = _going(kernel, session, request.job_id)
    sizes = kernel.config.region_qubits
    if request.region not in sizes:
        raise kernel.refusals.unknown_region(request.region, sizes)
    width = job.submitted.width
    if width > sizes[request.region]:
        raise kernel.refusals.narrow_region(request.region, sizes[request.region], width)
    ask = _open(kernel, event, session, job, MIGRATE, region=request.region, placements=job.mapping)
    if job.mapping is None and kernel.asks.get(ask.key) is not None:
        kernel.out.append(Recall(ask.key, job.id))


def roll_back(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_rollback.Request = event.params
    job = _going(kernel, session, request.job_id)
    last = job.submitted.epochs - 1
    if request.epoch > last:
        raise kernel.refusals.past_last_fence(request.epoch, last)
    _open(kernel, event, session, job, ROLLBACK, epoch=request.epoch)


def restore(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_restore.Request = event.params
    row = kernel.jobs.checkpoints.by_id.get(request.checkpoint_id)
    if row is None or row.tenant != session.tenant.name or not row.kept:
        raise kernel.refusals.checkpoint_not_found(request.checkpoint_id)
    _again(kernel, event, session, kernel.jobs.by_id[row.job], request.idempotency_key, restored_from=row.id)


def replay(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_replay.Request = event.params
    job = kernel.job_of(session, request.job_id)
    _again(kernel, event, session, job, request.idempotency_key, replay_of=job.id)


def on_recalled(kernel: State, event: Recalled) -> None:
    """The host has read the program that a migration's answer, a restore or a replay waits for."""
    ask = kernel.asks.get(event.key)
    if ask is not None:
        job = kernel.jobs.by_id[ask.job]
        ask.placements = kernel.policy.maps.map_graph(unpack(event.graph), job.submitted)
        checkpoint.serve(kernel, ask, job)
        return
    pending = kernel.pending.take(event.key)
    if pending is None:
        return
    try:
        record, row = _admit(kernel, pending, event.graph)
    except QmkError as error:
        kernel.drop_pending(pending, error)
        return
    record = structs.replace(record, now_ns=event.now_ns, seq=kernel.jobs.seq + 1)
    if row is not None:
        kernel.audit("checkpoint.restore", record.tenant, job=record.job, checkpoint=row.id, epoch=row.epoch)
    submit.accept(kernel, pending, record, row)


def _going(kernel: State, session: Session, job_id: str) -> Job:
    """The tenant's job, which must not have ended."""
    if kernel.closing:
        raise kernel.refusals.closing()
    job = kernel.job_of(session, job_id)
    if job.has_ended:
        raise kernel.refusals.already_ended(job)
    return job


def _open(kernel: State, event: CallReceived, session: Session, job: Job, kind: str, **fields: Any) -> Ask:
    who = authority.origin(kernel, event, session, job, CAP_CONTROL)
    ask = kernel.asks.add(Ask(**who, kind=kind, **fields))
    checkpoint.serve(kernel, ask, job)
    return ask


def _again(kernel: State, event: CallReceived, session: Session, job: Job, key: str, **origin: str) -> None:
    """A new job of an old one's program, shots, seed, engine and method. ``origin`` says which in the record."""
    if kernel.closing:
        raise kernel.refusals.closing()
    digest = hashlib.sha256("\0".join(*origin.items()).encode()).hexdigest() if key else ""
    if key and submit.repeat(kernel, event, session, digest):
        return
    kernel.require_quota(session.tenant.queued_jobs)
    draft = structs.replace(
        machines.widest(job.submitted),
        now_ns=event.now_ns,
        job=sorted_by_time("job", event.entropy),
        session=session.id,
        idempotency_key=key,
        request_digest=digest,
        replay_of=origin.get("replay_of", ""),
        restored_from=origin.get("restored_from", ""),
        alternatives=(),  # its bits are those of this engine
        script=scripts.rights_of(kernel, event, session) if job.submitted.script is not None else None,
    )
    submit.hold(kernel, session, Pending(draft, [(event.conn, event.ref)], event.method))
    kernel.out.append(Recall(draft.job, job.id))


def _admit(kernel: State, pending: Pending, packed: bytes) -> tuple[Submitted, Checkpoint | None]:
    """The record, and the state to start from. Raises what a q_submit of the same program would."""
    draft = pending.draft
    session = kernel.sessions.get(draft.session)
    if session is None:
        raise not_found(draft.session)
    graph = unpack(packed)
    admission.require_policy(kernel, msgspec.convert(draft.policy, shapes.Policy), session)
    admission.shots_of(kernel, draft.shots, graph, session)
    admission.verify_for(graph, session)
    row = None
    if draft.restored_from:
        row = kernel.jobs.checkpoints.by_id.get(draft.restored_from)
        if row is None:
            raise kernel.refusals.checkpoint_not_found(draft.restored_from)
    uses = firewall.readmit(kernel, draft, graph, row.epoch if row is not None and row.blob else 0)
    if session.caps.metered:
        rights = {*METHODS[pending.method].rights, *authority.program_rights(graph)}
        authority.spend(kernel, session, sorted(rights), kernel.jobs.by_id.get(draft.replay_of), draft.shots)
    return structs.replace(draft, graph=packed, graph_bytes=len(packed), channels=uses), row
