"""Refusals of jobs: what they ask for, where they are, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qmk.abi.shapes import JOB_TAGS
from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import bytes_text
from qmk.kernel.events import Cancelled, Cause, Submitted
from qmk.kernel.objects.job import CANCELLED, FAILED, Job
from qmk.policy.refusals.params import wrong
from qmk.qvm.profile import EXAMPLE

_SMALLER = "a smaller distance, fewer qubits or fewer factories"


def no_graph() -> QmkError:
    return wrong("graph", "neither 'graph' nor 'program' is given", "send graph (QVM JSON) or program (source text)")


def no_device(device: str, devices: tuple[str, ...]) -> QmkError:
    return QmkError(
        "UNSUPPORTED",
        f"there is no device '{device}'; devices: {', '.join(devices)}",
        feature="device",
        gaps=[],
        devices=list(devices),
    )


def no_script(*, nested: bool) -> QmkError:
    if nested:
        message, fix = "a script cannot run another script", "call its functions in the one script"
    else:
        message = "a session whose rights are counted, or that has quotas of its own, cannot submit a script"
        fix = "submit it in a session without such bounds"
    return QmkError("UNSUPPORTED", message, feature="script", help=fix)


def too_many_events(shots: int, asked: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"per-shot events of {shots} shots need {asked} bytes, above the limit 'event_bytes'",
        quota="event_bytes",
        asked=asked,
        limit=LIMITS.event_bytes,
        help="submit with keep_events false to keep only the counts",
    )


def no_memory(record: Submitted, limit: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job is predicted to need {bytes_text(record.memory_bytes)} on engine '{record.engine}', and the "
        f"largest place that runs jobs has {bytes_text(limit)}",
        resource="memory_bytes",
        asked=record.memory_bytes,
        limit=limit,
        help=f"fewer qubits, another engine, or a slot with --slot memory={record.memory_bytes}",
        retryable=False,
    )


def no_decoder(load: float) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job alone would load the decoder with {load:.2f} of its time, and no job is launched above "
        f"{THROTTLE_LOAD}",
        resource="decoder_load",
        asked=load,
        limit=THROTTLE_LOAD,
        help=f"{_SMALLER}; or more cores that decode",
        retryable=False,
    )


def no_region(record: Submitted, region: str, qubits: int) -> QmkError:
    """``region`` is the largest."""
    physical = record.footprint is not None
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job needs {record.width} {'physical ' if physical else ''}qubits in one region of the device, and "
        f"the largest, '{region}', has {qubits}",
        resource="physical_qubits" if physical else "qubits",
        asked=record.width,
        limit=qubits,
        help=_SMALLER if physical else "fewer qubits alive at once: free those that are measured",
        retryable=False,
    )


def narrow_region(region: str, qubits: int, width: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"region '{region}' has {qubits} qubits, the job needs {width}",
        resource="qubits",
        asked=width,
        limit=qubits,
        retryable=False,
    )


def unknown_region(region: str, regions: Iterable[str]) -> QmkError:
    names = ", ".join(regions)
    return wrong("region", f"the device has no region '{region[:64]}'", f"regions: {names}", expected=names)


def no_growth(region: str, width: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job was sent to region '{region}', which has no {width} qubits",
        resource="physical_qubits",
        asked=width,
    )


def already_ended(job: Job) -> QmkError:
    return QmkError(
        "ALREADY_COMPLETED",
        f"the job is {job.state} already",
        job_id=job.id,
        state=job.state,
        help="q_replay runs it again with the same bits",
    )


def overtaken(asked: str, region: str) -> QmkError:
    return wrong("region", f"a later q_migrate sends the job to region '{region}', not to '{asked}'", expected=region)


def not_passed(asked: int, reached: int) -> QmkError:
    return wrong(
        "epoch",
        f"the job has {reached} epochs behind it, so it cannot go back to the end of epoch {asked}",
        expected=f"int 0 to {reached}",
    )


def past_last_fence(asked: int, last: int) -> QmkError:
    return wrong(
        "epoch",
        f"the program has {last} fences, so there is no end of epoch {asked} to go back to",
        expected=f"int 0 to {last}",
    )


def checkpoint_not_found(checkpoint_id: str) -> QmkError:
    return QmkError(
        "CHECKPOINT_NOT_FOUND",
        f"no checkpoint '{checkpoint_id[:64]}': it was never made, or is past its time, or went with its job",
        checkpoint_id=checkpoint_id[:64],
    )


def past_last_shot(from_shot: int, shots: int) -> QmkError:
    return wrong(
        "from_shot", f"from_shot {from_shot} is past the last of {shots} shots", expected=f"int 0 to {shots - 1}"
    )


def unlisted_state(state: str, states: Iterable[str]) -> QmkError:
    names = ", ".join(states)
    return wrong("state", f"no job is listed in state '{state}'", f"states: {names}", expected=names)


def no_map() -> QmkError:
    return wrong(
        "job_id",
        "the job was submitted without policy.debug, so no map was kept",
        'submit it with policy {"debug": true}',
    )


def key_used(key: str, job_id: str) -> QmkError:
    return wrong(
        "idempotency_key",
        f"idempotency_key '{key}' was used for another request (job {job_id})",
        "use a new key for a new request",
        job_id=job_id,
    )


def closing() -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", "the daemon is shutting down", resource="daemon", help="try again later")


def no_result(job: Job) -> QmkError:
    """Why there is no result; the failure's own error is in the fields."""
    if job.state == FAILED:
        assert job.error is not None
        if job.error.get("data", {}).get("name") == "TIMEOUT":  # the caller's own limit, not the engine's fault
            return QmkError("TIMEOUT", job.error["message"], job_id=job.id, error=job.error)
        return QmkError("JOB_FAILED", f"the job failed: {job.error['message']}", job_id=job.id, error=job.error)
    if job.state == CANCELLED:
        return QmkError("JOB_CANCELLED", "the job was cancelled", job_id=job.id, error=job.error)
    return QmkError(
        "NOT_COMPLETED",
        f"the job is {job.state}",
        job_id=job.id,
        state=job.state,
        help="q_wait answers when it has ended",
    )


def too_many_tags(tags: int) -> QmkError:
    message = f"the job would have {tags} tags; it may have {JOB_TAGS}"
    return wrong("add", message, "drop some of those that it has", expected=f"at most {JOB_TAGS} in all")


def not_checkpointable(job: Job, why: str = "") -> QmkError:
    """Why a launch of the job cannot be saved or stopped where it is, and what to write instead."""
    record = job.submitted
    engine = f"engine '{record.engine}'" + (f" with method '{record.method}'" if record.method else "")
    if why:
        advice = "q_wait for its end, or q_cancel it"
    elif record.epochs == 1:
        why = "the program has no fence at which it could be stopped"
        advice = "put core.fence between parts of the program"
    else:
        why = f"{engine} cannot stop this program at its fences"
        advice = "submit it to an engine whose row in 'qmk engines' says fences"
    return QmkError("NOT_CHECKPOINTABLE", f"the job runs on: {why}", job_id=job.id, engine=record.engine, help=advice)


def end_error(job: Job, record: Cancelled) -> QmkError:
    """JOB_CANCELLED, or TIMEOUT where its time limit ended it."""
    if not record.timeout:
        text = f": {record.reason}" if record.reason else ""
        return QmkError("JOB_CANCELLED", f"the job was cancelled{text}", reason=record.reason)
    limit_ms = job.submitted.policy.get("timeout_ms", 0)
    return QmkError("TIMEOUT", f"the job did not end within timeout_ms = {limit_ms}", timeout_ms=limit_ms)


def lost_worker(cause: Cause, message: str, fields: dict[str, Any], count: int) -> QmkError:
    """Why a job is not launched again. ``count`` workers of it were lost for the reason of the last, which ``message``
    and ``fields`` tell."""
    workers = "1 worker" if count == 1 else f"{count} workers"
    match cause:
        case "killed":
            kind, rest = "RESOURCE_EXHAUSTED", f"by somebody outside QMK; the job has lost {workers} so"
            more: dict[str, Any] = {"help": "find out what ends processes on this machine, then submit the job again"}
        case "memory":
            kind, rest = "RESOURCE_EXHAUSTED", f"the job has lost {workers} so"
            help = "fewer qubits or shots, another engine, or a machine with more memory"
            more = {"help": help, "retryable": False}
        case "crashed":
            kind, rest, more = "JOB_FAILED", f"the program has ended {workers} of its engine and is not run again", {}
    return QmkError(kind, f"{message}; {rest}", **{**fields, "cause": cause, **more})


def bad_profile(text: str, why: str) -> QmkError:
    return wrong("profile", f"q_alloc: {why}", f"such as {EXAMPLE}", got=text)
