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
from qmk.kernel.demand import demand_of_record, measure, result_bytes_max
from qmk.kernel.effects import Estimate, Reply, Route
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
    shots = admission.shots_of(request.shots, graph, kernel.config)
    digest = graph_digest(graph)
    policy = msgspec.to_builtins(request.policy)
    key = request.idempotency_key
    request_digest = admission.request_digest(digest, shots, policy, request.keep_events) if key else ""
    if key and _repeat(kernel, event, session, request_digest):
        return
    session.tenant.queued_jobs.require()  # before the work of verifying; all quotas are looked at after it
    if request.keep_events:
        admission.require_event_room(graph, shots)
    warnings = [*event.warnings, *admission.verified(graph, session)]
    epochs, epoch_nodes = epoch_sizes(graph)
    admission.require_deadline(request.policy, epochs)
    seed = request.policy.seed
    n_qubits, gates = measure(graph)
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
        n_qubits=n_qubits,
        gates=gates,
        result_bytes_max=result_bytes_max(len(graph.events), shots, request.keep_events),
    )
    demand = demand_of_record(draft)
    kernel.accounts.require(session, demand, event.now_ns)
    kernel.accounts.reserve(draft.job, session, demand)
    _start_routing(kernel, event, session, Pending(draft, warnings, [(event.conn, event.ref)]), graph)


def _start_routing(kernel: State, event: CallReceived, session: Session, pending: Pending, graph: Graph) -> None:
    draft = pending.draft
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
        kernel.reply(event, views.submitted(kernel.jobs, job, event.now_ns, kernel.config.workers, []))
    return True


def routed(kernel: State, pending: Pending, event: Routed) -> None:
    """The router has chosen: journal, answer, queue. Raises QUOTA_EXCEEDED when its prediction of the run time does not
    fit."""
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
    kernel.accounts.require_engine_time(record.job, record.seconds, event.now_ns)
    (job,) = kernel.commit(record)
    amounts = {"shots": record.shots, "gates": record.gates, "n_qubits": record.n_qubits}
    kernel.audit("job.admit", record.tenant, job=record.job, engine=record.engine, **amounts)
    reply = views.submitted(kernel.jobs, job, event.now_ns, kernel.config.workers, pending.warnings)
    kernel.out.extend(Reply(conn, ref, reply) for conn, ref in pending.callers)
    kernel.set_deadline(job)
    kernel.launch_ready()


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
    shots = admission.shots_of(request.shots, graph, kernel.config)
    admission.verified(graph, session)
    kernel.out.append(Estimate(event.conn, event.ref, graph_digest(graph), shots, graph))


def closing() -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", "the daemon is shutting down", resource="daemon", help="try again later")
