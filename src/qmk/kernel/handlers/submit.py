"""Handles new programs: q_submit, q_estimate.

q_submit runs in two steps. The first checks and verifies, and asks the host's router for an engine; the job is then
VALIDATING. The second, when the router has answered, writes the journal, answers the caller and queues the job.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi.calls import q_estimate, q_replay, q_restore, q_submit
from qmk.base.errors import QmkError
from qmk.base.ids import opaque, sorted_by_time, trace
from qmk.base.limits import LIMITS
from qmk.base.seeds import substream
from qmk.kernel import admission, cache, firewall, machines, records, scripts
from qmk.kernel.demand import count_program, demand_of_record, measure
from qmk.kernel.effects import Estimate, Reply, Route
from qmk.kernel.events import CallReceived, Finished, Routed, Saved, Submitted
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.job import Job
from qmk.kernel.objects.session import Session
from qmk.kernel.pending import Pending
from qmk.kernel.state import State
from qmk.qvm.graph import digest as graph_digest
from qmk.qvm.graph import once
from qmk.qvm.outputs import require as require_outputs


def submit(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_submit.Request = event.params
    if kernel.closing:
        raise kernel.refusals.closing()
    graph = admission.require_graph(kernel, event.graph)
    admission.require_policy(kernel, request.policy, session)
    shots = admission.shots_of(kernel, request.shots, graph, session)
    digest, policy = graph_digest(graph), msgspec.to_builtins(request.policy)
    key, outputs, seed = request.idempotency_key, request.outputs, request.policy.seed
    keep_events = request.keep_events and (outputs is None or outputs.counts)
    request_digest = admission.request_digest(digest, shots, policy, keep_events, outputs) if key else ""
    if key and repeat(kernel, event, session, request_digest):
        return
    kernel.require_quota(session.tenant.queued_jobs)  # before the work of verifying; all quotas are looked at after it
    if keep_events:
        admission.require_event_room(kernel, graph, shots)
    warnings = [*event.warnings, *admission.verify_for(graph, session, request.strict)]
    if outputs is not None:
        require_outputs(outputs, graph, shots)
    graph, uses = firewall.admit(kernel, session.tenant.name, graph, request.policy.channels, shots)
    draft = Submitted(
        now_ns=event.now_ns,
        job=sorted_by_time("job", event.entropy),
        tenant=session.tenant.name,
        session=session.id,
        digest=graph_digest(graph) if graph.chs else digest,
        shots=shots,
        seed=substream(int.from_bytes(event.entropy, "big"), "seed") if seed is None else seed,
        policy=policy,
        idempotency_key=key,
        keep_events=keep_events,
        request_digest=request_digest,
        channels=uses,
        outputs=outputs,
        warnings=warnings,
        components=kernel.policy.maps.component_sizes(graph) if request.policy.debug else [],
        name=request.name,
        tags=tuple(dict.fromkeys(request.tags)),
        trace=request.trace,
        script=scripts.rights_of(kernel, event, session) if once(graph, "size", measure).scripts else None,
        **count_program(graph, shots, keep_events, outputs),
    )
    hold(kernel, session, Pending(draft, [(event.conn, event.ref)], held=session.caps.held))
    kernel.out.append(
        Route(
            *(draft.job, draft.digest, draft.shots, draft.policy, graph, outputs, draft.graph, draft.tenant),
            kernel.floor_of(draft),
        )
    )


def hold(kernel: State, session: Session, pending: Pending) -> None:
    """Makes it a job in VALIDATING. Raises QUOTA_EXCEEDED when a quota has no room for it, RESOURCE_EXHAUSTED when the
    daemon holds as many graphs as it may."""
    draft = pending.draft
    demand = demand_of_record(draft)
    kernel.accounts.require(session, demand, draft.now_ns)
    kernel.accounts.reserve(draft.job, session, demand)
    session.jobs_submitted += 1
    kernel.pending.add(pending)


def repeat(kernel: State, event: CallReceived, session: Session, request_digest: str) -> bool:
    """Answers a submit whose idempotency key is known (at once, or with the first one while that is VALIDATING)."""
    key = (session.tenant.name, event.params.idempotency_key)
    pending = kernel.pending.find_repeat(*key)
    job = kernel.jobs.by_id.get(kernel.jobs.by_key[key[0]].get(key[1], ""))
    earlier = pending.draft if pending else job.submitted if job else None
    if earlier is None:
        return False
    if earlier.request_digest != request_digest:
        raise kernel.refusals.key_used(key[1], earlier.job)
    if pending is not None:
        kernel.pending.join(pending, event.conn, event.ref)
    elif job is not None:
        kernel.reply(event, _answer(kernel, job, event.method))
    return True


def on_routed(kernel: State, pending: Pending, event: Routed) -> None:
    """Accepts a job for which the router has chosen an engine."""
    draft = pending.draft
    if event.footprint is not None or "qec" in draft.policy:
        try:
            draft = machines.place(kernel, pending, event)
        except QmkError as error:
            kernel.drop_pending(pending, error)
            return
    record = msgspec.structs.replace(
        draft,
        now_ns=event.now_ns,
        reasons=event.reasons,
        engine=event.engine,
        method=event.method,
        seconds=event.seconds,
        memory_bytes=event.memory_bytes,
        fenced=event.fenced,
        uncertainty=event.uncertainty,
        alternatives=event.alternatives[: LIMITS.fallbacks],
        seq=kernel.jobs.seq + 1,
    )
    if event.blocks:
        record = msgspec.structs.replace(record, **scripts.divide(kernel, record, event.blocks))
    accept(kernel, pending, record, version=event.version)


def accept(
    kernel: State, pending: Pending, record: Submitted, state: Checkpoint | None = None, version: str = ""
) -> None:
    """Journal, decide, answer, launch. ``state`` is what the job starts from; empty: the start of its program. Refuses
    what fits no empty machine, or no quota now that its run time is predicted. ``version`` of its engine: an earlier
    job's result, if there is one, is the answer."""
    try:
        data = _require_acceptable(kernel, record)
    except QmkError as error:
        kernel.drop_pending(pending, error)
        return
    (job,) = kernel.commit(record, data=data)
    if state is not None and state.blob:
        _start_from(kernel, record, state)
    _audit_admission(kernel, record)
    known = cache.find(kernel.jobs.cache, kernel.jobs.by_id, record, version) if version else None
    if known is not None:
        _finish(kernel, record, known, version)
    actions = kernel.decide()
    reply = _answer(kernel, job, pending.method)
    kernel.out += [Reply(conn, ref, reply) for conn, ref in pending.callers]
    if not job.has_ended:
        kernel.set_deadline(job)
    kernel.carry_out(actions)


def _finish(kernel: State, record: Submitted, known: cache.Entry, version: str) -> None:
    """Ends a job with the result of an earlier one."""
    usage: dict[str, Any] = {**_NO_TIME, "result_bytes": known.size_bytes}
    done = Finished(now_ns=record.now_ns, job=record.job, fence=0, usage=usage, version=version, cached_from=known.job)
    kernel.audit("job.cached", record.tenant, job=record.job, source=known.job)
    kernel.commit(done)


_NO_TIME = dict.fromkeys(("engine_seconds", "prepare_seconds", "run_seconds", "cpu_seconds"), 0.0)


def _require_acceptable(kernel: State, record: Submitted) -> bytes:
    """Encodes the record."""
    firewall.require(kernel, record.channels)
    data = records.encode(record)
    error = admission.no_room(kernel, record)
    if error is not None:
        raise error
    kernel.accounts.require_engine_time(record.job, record.seconds, kernel.now_ns)
    return data


def _start_from(kernel: State, record: Submitted, state: Checkpoint) -> None:
    """The job has a state of its own from now on, whatever becomes of the checkpoint."""
    kernel.commit(
        Saved(
            now_ns=record.now_ns,
            job=record.job,
            fence=0,
            checkpoint=opaque("chk", record.job.encode(), "restored"),
            epoch=state.epoch,
            blob=state.blob,
            size_bytes=state.size_bytes,
        )
    )


def _answer(kernel: State, job: Job, method: str) -> Any:
    """The answer to the call that made the job."""
    if method == q_restore.CALL.name:
        return q_restore.Reply(job.id, job.submitted.restored_from, job.epochs_done)
    if method == q_replay.CALL.name:
        return q_replay.Reply(job.id, job.submitted.replay_of, job.seed)
    return kernel.views.submission(job, kernel.jobs.queue.forecast(job), kernel.config.epoch_ms)


def _audit_admission(kernel: State, record: Submitted) -> None:
    machine = {} if record.footprint is None else {"physical_qubits": record.width}
    kernel.audit(
        "job.admit",
        record.tenant,
        job=record.job,
        session=trace(record.session),
        digest=record.digest,
        shots=record.shots,
        gates=record.gates,
        n_qubits=record.n_qubits,
        engine=record.engine,
        method=record.method,
        **machine,
    )


def estimate(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_estimate.Request = event.params
    graph = admission.require_graph(kernel, event.graph)
    shots = admission.shots_of(kernel, request.shots, graph, session)
    warnings = [*event.warnings, *admission.verify_for(graph, session, request.strict)]
    if request.outputs is not None:
        require_outputs(request.outputs, graph, shots)
    graph = firewall.bound(graph, kernel.config.link)
    told = (graph_digest(graph), shots, graph, request.outputs, request.qec, session.tenant.name, warnings)
    kernel.out.append(Estimate(event.conn, event.ref, *told))
