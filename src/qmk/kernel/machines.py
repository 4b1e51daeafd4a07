"""Handles jobs on logical qubits: the host rewrites the program in the gates of a machine, and says what it takes.

The kernel knows no codes. It verifies what was written as it did what was sent, and counts physical qubits as numbers.

Noise drifts: at a fence the rest of a program may be written anew. The kernel asks at every fence that it hears of, and
the host looks at the job's calibration. If what it wrote is wider, quotas and regions are asked before the record.
Without room the job goes on at the distance that it has, under the new rates. Its launch is over with the record, and
the next one runs the new program from its start: the program before the fence is the same, and so are its bits.
"""

from __future__ import annotations

from typing import Any

from msgspec import convert, structs

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import admission
from qmk.kernel.demand import count_program, demand_of_record
from qmk.kernel.effects import Kill, Recalibrate
from qmk.kernel.events import Routed, Submitted
from qmk.kernel.objects.job import Job
from qmk.kernel.pending import Pending
from qmk.kernel.rewriting import ChangeRefused, Recalibrated, Rewritten, apply
from qmk.kernel.tables import Tables
from qmk.qvm.graph import Graph, digest
from qmk.qvm.outputs import require as require_outputs

SAME = ("n_qubits", "gates", "epochs", "result_bytes_max")
"""What a program keeps when it is written anew: only its errors change."""
ROOM = ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED")
"""Refusals after which the job goes on at the distance that it has."""


def place(kernel: Tables, pending: Pending, event: Routed) -> Submitted:
    """The draft of a job, as it is on its machine. Raises INVALID_GRAPH, or QUOTA_EXCEEDED with the number that
    exceeds a quota; INTERNAL_ERROR for an answer of the host that does not fit the job."""
    draft, graph = pending.draft, event.graph
    if event.footprint is None or "qec" not in draft.policy:
        raise QmkError("INTERNAL_ERROR", "the host's answer is not of the machine that the job asked for")
    if graph is None or event.footprint.physical_qubits < 1:
        raise QmkError("INTERNAL_ERROR", "the host's answer lacks the program on its machine")
    error = admission.report_of(graph, pending.held, draft.tenant).error()
    if error is not None:
        raise error
    if draft.keep_events:
        admission.require_event_room(kernel, graph, draft.shots)
    if draft.outputs is not None:
        require_outputs(draft.outputs, graph, draft.shots)
    components = kernel.policy.maps.component_sizes(graph) if draft.policy.get("debug") else []
    counted = count_program(graph, draft.shots, draft.keep_events, draft.outputs)
    made = structs.replace(draft, digest=digest(graph), footprint=event.footprint, components=components, **counted)
    if made.epochs != draft.epochs:
        raise QmkError("INTERNAL_ERROR", "the program on its machine has other fences than the one that was sent")
    kernel.accounts.require_change(draft.job, demand_of_record(made), event.now_ns)
    return made


def pass_fence(kernel: Tables, job: Job, epoch: int) -> None:
    """The launch has ``epoch`` epochs behind it. A job that gives the bits of another asks nobody, nor does one that
    has been at this fence before its last change."""
    record = job.submitted
    if "began" not in record.policy.get("qec", ()) or record.replay_of or record.restored_from:
        return
    fits = epoch <= LIMITS.listed_epochs and len(job.changes) < LIMITS.noise_changes
    if fits and job.changed_epoch < epoch < record.epochs:
        kernel.out.append(_ask(kernel, job, epoch))


def _ask(kernel: Tables, job: Job, epoch: int, keep: bool = False) -> Recalibrate:
    footprint = _footprint(job)
    since_s = footprint.calibrated_s or 0.0
    if job.changes:
        since_s = max(since_s, job.changes[-1]["calibrated_s"])
    qec = convert(job.submitted.policy["qec"], Qec)
    others = kernel.jobs.queue.decoder_load_beside(job)
    return Recalibrate(job.id, job.fence, epoch, qec, footprint, since_s, job.tenant, keep, others)


def rewrite(kernel: Tables, event: Recalibrated) -> None:
    """Handles the host's answer on rewriting the rest of a job's program."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None or not job.changed_epoch < event.epoch < job.submitted.epochs:
        return
    distance = _footprint(job).distance
    change = {
        "epoch": event.epoch,
        "calibrated_s": event.calibrated_s,
        "from_distance": distance,
        "to_distance": distance if event.footprint is None else event.footprint.distance,
        "made": True,
        "reason": event.reason,
    }
    try:
        record = _record(kernel, job, event, change)
    except QmkError as error:
        change |= {"made": False, "reason": f"{event.reason}; {error.message}"}
        kernel.commit(ChangeRefused(now_ns=kernel.now_ns, job=job.id, fence=event.fence, change=change))
        if error.kind.name in ROOM and change["to_distance"] != distance:
            kernel.out.append(_ask(kernel, job, event.epoch, keep=True))
        return
    kernel.commit(record)
    distances = {"distance": record.footprint.distance, "physical_qubits": record.footprint.physical_qubits}
    kernel.audit("job.rewrite", job.tenant, job=job.id, epoch=event.epoch, digest=record.digest, **distances)
    kernel.out.append(Kill(job.id, event.fence))
    kernel.launch_ready()


def _footprint(job: Job) -> Footprint:
    footprint = job.submitted.footprint
    assert footprint is not None
    return footprint


def _record(kernel: Tables, job: Job, event: Recalibrated, change: dict[str, Any]) -> Rewritten:
    """Raises what a q_submit of the program would, and INTERNAL_ERROR for one that is not that of the job."""
    graph, footprint = event.graph, event.footprint
    if graph is None or footprint is None:
        raise QmkError("UNSUPPORTED", "it goes on as it is")
    counted = _count_same_program(job, graph)
    if footprint.physical_qubits < 1:
        raise QmkError("INTERNAL_ERROR", "the program that was written anew is another one")
    record = Rewritten(
        now_ns=kernel.now_ns,
        job=job.id,
        fence=event.fence,
        epoch=event.epoch,
        digest=digest(graph),
        footprint=footprint,
        change=change,
        **{name: counted[name] for name in ("graph", "graph_bytes", "nodes", "epoch_nodes")},
    )
    grows = footprint.physical_qubits > _footprint(job).physical_qubits
    _require_room(kernel, job, apply(job.submitted, record), grows)
    return record


def _count_same_program(job: Job, graph: Graph) -> dict[str, Any]:
    """The counts of a program that is verified, and does what that of the job does."""
    old = job.submitted
    error = admission.report_of(
        graph, None, job.tenant
    ).error()  # rights were asked for the same ops when it was accepted
    if error is not None:
        raise QmkError("INTERNAL_ERROR", f"the program that was written anew is wrong: {error.message}")
    counted = count_program(graph, old.shots, old.keep_events, old.outputs)
    if any(counted[name] != getattr(old, name) for name in SAME):
        raise QmkError("INTERNAL_ERROR", "the program that was written anew is another one")
    return counted


def _require_room(kernel: Tables, job: Job, wanted: Submitted, grows: bool) -> None:
    kernel.accounts.require_change(job.id, demand_of_record(wanted), kernel.now_ns)
    error = admission.no_room(kernel, wanted) if grows else None
    if error is not None:
        raise error
    region = job.wanted_region
    if grows and region and wanted.width > kernel.config.region_qubits.get(region, 0):
        raise kernel.refusals.no_growth(region, wanted.width)


def widest(record: Submitted) -> Submitted:
    """The record of a job that runs all of it again: its place and its load are those of its widest stages."""
    footprint = record.footprint
    if footprint is None or not footprint.stages:
        return record
    most = {
        name: max(getattr(part, name) for part in (footprint, *footprint.stages))
        for name in ("physical_qubits", "decoder_load")
    }
    return structs.replace(record, footprint=structs.replace(footprint, **most))
