"""Jobs on logical qubits whose noise drifts: at a fence the rest of their program may be written anew.

The kernel asks at every fence that it hears of, and the host looks at the job's calibration. What it wrote is verified
again; if it is wider, quotas and regions are asked before the record. Without room the job goes on at the distance that
it has, under the new rates. Its launch is over with the record, and the next one runs the new program from its start:
the program before the fence is the same, and so are its bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import convert, structs

from qmk.abi.shapes import Qec
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import admission, mapping, rewriting
from qmk.kernel.demand import counted, demand_of_record
from qmk.kernel.effects import Kill, Recalibrate
from qmk.kernel.rewriting import ChangeRefused, Rewritten
from qmk.kernel.tables import Tables
from qmk.qvm.graph import digest
from qmk.qvm.verify import verify

if TYPE_CHECKING:
    from qmk.abi.shapes import Footprint
    from qmk.kernel.events import Submitted
    from qmk.kernel.objects.job import Job
    from qmk.kernel.rewriting import Recalibrated

SAME = ("n_qubits", "gates", "epochs", "result_bytes_max")
"""What a program keeps when it is written anew: only its errors change."""
ROOM = ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED")
"""Refusals after which the job goes on at the distance that it has."""


def passed(kernel: Tables, job: Job, epoch: int) -> None:
    """The launch has ``epoch`` epochs behind it. A job that gives the bits of another asks nobody, nor does one that
    has been at this fence before its last change."""
    record = job.submitted
    if "began" not in record.policy.get("qec", ()) or record.replay_of or record.restored_from:
        return
    fits = epoch <= LIMITS.listed_epochs and len(job.changes) < LIMITS.noise_changes
    if fits and job.changed_epoch < epoch < record.epochs:
        kernel.out.append(_ask(kernel, job, epoch))


def _ask(kernel: Tables, job: Job, epoch: int, keep: bool = False) -> Recalibrate:
    record = job.submitted
    footprint = record.footprint
    assert footprint is not None
    since_s = footprint.calibrated_s or 0.0
    if job.changes:
        since_s = max(since_s, job.changes[-1]["calibrated_s"])
    qec = convert(record.policy["qec"], Qec)
    others = kernel.jobs.queue.decoder_load_beside(job)
    return Recalibrate(job.id, job.fence, epoch, qec, footprint, since_s, job.tenant, keep, others)


def recalibrated(kernel: Tables, event: Recalibrated) -> None:
    """The host has written the rest of a job's program, or could not."""
    job = kernel.jobs.current(event.job, event.fence)
    if job is None or not job.changed_epoch < event.epoch < job.submitted.epochs:
        return
    before = job.submitted.footprint
    assert before is not None
    change = {
        "epoch": event.epoch,
        "calibrated_s": event.calibrated_s,
        "from_distance": before.distance,
        "to_distance": before.distance if event.footprint is None else event.footprint.distance,
        "made": True,
        "reason": event.reason,
    }
    try:
        record = _record(kernel, job, event, before, change)
    except QmkError as error:
        _refused(kernel, job, event, {**change, "made": False, "reason": f"{event.reason}; {error.message}"}, error)
        return
    kernel.commit(record)
    distances = {"distance": record.footprint.distance, "physical_qubits": record.footprint.physical_qubits}
    kernel.audit("job.rewrite", job.tenant, job=job.id, epoch=event.epoch, digest=record.digest, **distances)
    kernel.out.append(Kill(job.id, event.fence))
    kernel.launch_ready()


def _refused(kernel: Tables, job: Job, event: Recalibrated, change: dict[str, Any], error: QmkError) -> None:
    kernel.commit(ChangeRefused(now_ns=kernel.now_ns, job=job.id, fence=event.fence, change=change))
    if error.kind.name in ROOM and change["to_distance"] != change["from_distance"]:
        kernel.out.append(_ask(kernel, job, event.epoch, keep=True))


def _record(kernel: Tables, job: Job, event: Recalibrated, before: Footprint, change: dict[str, Any]) -> Rewritten:
    """Raises what a q_submit of the program would, and INTERNAL_ERROR for one that is not that of the job."""
    graph, footprint = event.graph, event.footprint
    if graph is None or footprint is None:
        raise QmkError("UNSUPPORTED", "it goes on as it is")
    error = verify(graph, tenant=job.tenant).error()  # rights were asked for the same ops when it was accepted
    if error is not None:
        raise QmkError("INTERNAL_ERROR", f"the program that was written anew is wrong: {error.message}")
    old = job.submitted
    found = counted(graph, old.shots, old.keep_events, old.outputs, False)
    if any(found[name] != getattr(old, name) for name in SAME) or footprint.physical_qubits < 1:
        raise QmkError("INTERNAL_ERROR", "the program that was written anew is another one")
    record = Rewritten(
        now_ns=kernel.now_ns,
        job=job.id,
        fence=event.fence,
        epoch=event.epoch,
        digest=digest(graph),
        footprint=footprint,
        change=change,
        **{name: found[name] for name in ("graph", "graph_bytes", "nodes", "epoch_nodes")},
    )
    _require_room(kernel, job, rewriting.applied(old, record), grows=footprint.physical_qubits > before.physical_qubits)
    return record


def _require_room(kernel: Tables, job: Job, wanted: Submitted, grows: bool) -> None:
    kernel.accounts.require_change(job.id, demand_of_record(wanted), kernel.now_ns)
    error = admission.no_room(wanted, kernel.config) if grows else None
    if error is not None:
        raise error
    region = job.wanted_region
    if grows and region and wanted.width > mapping.regions(kernel.config).get(region, 0):
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"the job was sent to region '{region}', which has no {wanted.width} qubits",
            resource="physical_qubits",
            asked=wanted.width,
        )


def whole(record: Submitted) -> Submitted:
    """The record of a job that runs all of it again: its place and its load are those of its widest stages."""
    footprint = record.footprint
    if footprint is None or not footprint.stages:
        return record
    most = {
        name: max(getattr(part, name) for part in (footprint, *footprint.stages))
        for name in ("physical_qubits", "decoder_load")
    }
    return structs.replace(record, footprint=structs.replace(footprint, **most))
