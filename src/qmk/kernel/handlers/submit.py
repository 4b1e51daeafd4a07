"""Programs coming in: q_submit, q_estimate.

q_submit runs in two steps. The first checks and verifies, and asks the host's router for an engine; the job is then
VALIDATING. The second, when the router has answered, writes the journal, answers the caller and queues the job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from qmk.abi.calls import q_estimate, q_submit
from qmk.base.errors import QmkError
from qmk.base.ids import opaque
from qmk.base.seeds import substream
from qmk.kernel import admission, views
from qmk.kernel.effects import Estimate, Reply, ReplyError, Route
from qmk.kernel.events import Routed, Submitted
from qmk.kernel.mapping import epoch_sizes
from qmk.kernel.pending import Pending
from qmk.qvm.graph import digest as graph_digest
from qmk.qvm.graph import pack

if TYPE_CHECKING:
    from qmk.kernel.events import CallReceived
    from qmk.kernel.objects.session import Session
    from qmk.kernel.state import State
    from qmk.qvm.graph import Graph


def submit(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_submit.Request = event.params
    if kernel.closing:
        raise closing()
    graph = admission.require_graph(event.graph)
    admission.require_policy(request.policy, session, kernel.config)
    shots = admission.shots_of(request.shots, graph, session, kernel.config)
    digest = graph_digest(graph)
    policy = msgspec.to_builtins(request.policy)
    key = request.idempotency_key
    request_digest = admission.request_digest(digest, shots, policy, request.keep_events) if key else ""
    if key and _repeat(kernel, event, session, request_digest):
        return
    session.tenant.queued_jobs.require()
    if request.keep_events:
        admission.require_event_room(graph, shots)
    warnings = [*event.warnings, *admission.verified(graph, session)]
    epochs, epoch_nodes = epoch_sizes(graph)
    seed = request.policy.seed
    draft = Submitted(
        now_ns=event.now_ns,
        job=opaque("job", event.entropy),
        tenant=session.tenant.name,
        session=session.id,
        digest=digest,
        graph=pack(graph),
        shots=shots,
        seed=substream(int.from_bytes(event.entropy, "big"), "seed") if seed is None else seed,
        policy=policy,
        engine="",
        method="",
        reasons=[],
        seconds=0.0,
        memory_bytes=0,
        idempotency_key=key,
        nodes=len(graph.nodes),
        epochs=epochs,
        keep_events=request.keep_events,
        epoch_nodes=epoch_nodes,
        request_digest=request_digest,
    )
    _start_routing(kernel, event, session, Pending(draft, warnings, [(event.conn, event.ref)]), graph)


def _start_routing(kernel: State, event: CallReceived, session: Session, pending: Pending, graph: Graph) -> None:
    draft = pending.draft
    session.tenant.queued_jobs.take()
    session.jobs_submitted += 1
    kernel.pending[draft.job] = pending
    if draft.idempotency_key:
        kernel.pending_keys[draft.tenant, draft.idempotency_key] = draft.job
    kernel.out.append(Route(draft.job, draft.digest, draft.shots, draft.policy, graph))


def _repeat(kernel: State, event: CallReceived, session: Session, request_digest: str) -> bool:
    """Answers a submit whose idempotency key is known (at once, or with the first one while that is VALIDATING)."""
    key = (session.tenant.name, event.params.idempotency_key)
    pending = kernel.pending.get(kernel.pending_keys.get(key, ""))
    job = kernel.jobs.by_id.get(kernel.jobs.by_key.get(key, ""))
    earlier = pending.draft if pending else job.submitted if job else None
    if earlier is None:
        return False
    if earlier.request_digest != request_digest:
        raise QmkError(
            "INVALID_PARAMS",
            f"idempotency_key '{key[1]}' was used for another request (job {earlier.job})",
            field="idempotency_key",
            job_id=earlier.job,
            help="use a new key for a new request",
        )
    if pending is not None:
        pending.callers.append((event.conn, event.ref))
    elif job is not None:
        kernel.reply(event, views.submitted(kernel.jobs, job, []))
    return True


def routed(kernel: State, pending: Pending, event: Routed) -> None:
    """The router has chosen: journal, decide, answer, launch. Refuses what fits no empty machine."""
    draft = pending.draft
    record = msgspec.structs.replace(
        draft,
        now_ns=event.now_ns,
        engine=event.engine,
        method=event.method,
        reasons=event.reasons,
        seconds=event.seconds,
        memory_bytes=event.memory_bytes,
        seq=kernel.jobs.seq + 1,
    )
    kernel.tenant(draft.tenant).queued_jobs.give()
    try:
        admission.require_room(record, kernel.config)
    except QmkError as error:
        kernel.out.extend(ReplyError(conn, ref, error) for conn, ref in pending.callers)
        return
    (job,) = kernel.commit(record)
    actions = kernel.decide()
    reply = views.submitted(kernel.jobs, job, pending.warnings)
    late = admission.deadline_warning(job.submitted, reply.estimated_start, kernel.config)
    if late is not None:
        reply = msgspec.structs.replace(reply, warnings=[*reply.warnings, msgspec.to_builtins(late)])
    kernel.out.extend(Reply(conn, ref, reply) for conn, ref in pending.callers)
    kernel.set_deadline(job)
    kernel.carry_out(actions)


def estimate(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_estimate.Request = event.params
    graph = admission.require_graph(event.graph)
    if request.qec is not None:
        raise QmkError(
            "UNSUPPORTED",
            "estimates of error-corrected devices are not in this release",
            feature="qec",
            planned="a later release",
            help="leave qec out",
        )
    shots = admission.shots_of(request.shots, graph, session, kernel.config)
    admission.verified(graph, session)
    kernel.out.append(Estimate(event.conn, event.ref, graph_digest(graph), shots, graph))


def closing() -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", "the daemon is shutting down", resource="daemon", help="try again later")
