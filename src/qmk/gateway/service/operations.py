"""The one table of what the service offers. REST, its schema, its pages and its reference are made from it.

An operation over a call of the ABI has that call's reply, rights and errors, and its request without the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import (
    q_cancel,
    q_delete,
    q_estimate,
    q_events,
    q_get_telemetry,
    q_jobs,
    q_label,
    q_negotiate_caps,
    q_program,
    q_query_resources,
    q_result,
    q_revoke,
    q_status,
    q_submit,
)
from qmk.client.document import Document
from qmk.gateway.accounts.operations import ACCOUNT_RESOURCES, ACCOUNTS
from qmk.gateway.callers import Caller
from qmk.gateway.service import calibrations, capabilities, facets, handlers, matching, pictures, shapes
from qmk.gateway.service.operation import Operation, declare, narrow

RESOURCES = {
    "jobs": "Programs that are queued, run, or have ended.",
    "batches": "Jobs that one request makes: several programs, a sweep of parameters, or both.",
    "programs": "What can be said of a program without running it.",
    "formats": "Formats in which a program may be.",
    "engines": "What runs programs, and what they run on.",
    "calibrations": "Figures of devices as they were measured at one time, kept for the tenant.",
    "account": "Who calls, and what the tenant uses.",
    "capabilities": "What the gateway's session for the caller's token may do.",
    **ACCOUNT_RESOURCES,
}
"""The sections of every page, in order."""

Serve = Callable[[Caller, Any], Awaitable[Any]]


def _pass_on(call: Call) -> Serve:
    """Ask the daemon what was asked."""

    async def ask(caller: Caller, asked: Any) -> Any:
        return await caller.ask(call, **msgspec.structs.asdict(asked))

    return ask


# fmt: off
OPERATIONS: tuple[Operation, ...] = (
    declare("jobs.submit", "POST /v1/jobs",
        "Queue a program as a job. It is refused with every finding if it is wrong, and survives a restart of the "
        "daemon from this answer on.",
        shapes.SubmitJob, q_submit.Reply, handlers.submit_job, q_submit.CALL, made="/v1/jobs/{job_id}"),
    declare("jobs.list", "GET /v1/jobs",
        "The tenant's jobs, those accepted last first, page by page: `next` is the cursor of the next page.",
        q_jobs.Filter, q_jobs.Reply, _pass_on(q_jobs.CALL), q_jobs.CALL),
    declare("jobs.count", "GET /v1/facets/jobs",
        "How many of the jobs that a filter leaves have each state, name, tag, engine and priority; with "
        "`state=QUEUED` how deep the queue is by priority.",
        facets.CountJobs, facets.Facets, facets.count_jobs, q_jobs.CALL),
    declare("jobs.get", "GET /v1/jobs/{job_id}",
        "The state of a job, with its place in the queue and its predicted start; with `wait_s`, once it has ended.",
        shapes.GetJob, q_status.Reply, handlers.get_job, q_status.CALL),
    declare("jobs.cancel", "POST /v1/jobs/{job_id}/cancel",
        "Stop a job that has not ended.",
        narrow(q_cancel.Request, "CancelJob"), q_cancel.Reply, _pass_on(q_cancel.CALL), q_cancel.CALL),
    declare("jobs.label", "POST /v1/jobs/{job_id}/labels",
        "Give a job other tags, in whatever state it is.",
        narrow(q_label.Request, "LabelJob"), q_label.Reply, _pass_on(q_label.CALL), q_label.CALL),
    declare("jobs.delete", "DELETE /v1/jobs/{job_id}",
        "Forget a job that has ended, with its result; the ledger and the audit log keep what they have of it.",
        narrow(q_delete.CALL.request, "DeleteJob"), q_delete.Reply, _pass_on(q_delete.CALL), q_delete.CALL),
    declare("jobs.cancel_matching", "POST /v1/matching/jobs/cancel",
        "Stop all jobs that a filter leaves and that have not ended.",
        matching.CancelMatching, matching.Changed, matching.cancel_matching, q_jobs.CALL, q_cancel.CALL),
    declare("jobs.label_matching", "POST /v1/matching/jobs/labels",
        "Give all jobs that a filter leaves other tags.",
        matching.LabelMatching, matching.Changed, matching.label_matching, q_jobs.CALL, q_label.CALL),
    declare("jobs.delete_matching", "POST /v1/matching/jobs/delete",
        "Forget all jobs that a filter leaves and that have ended.",
        matching.DeleteMatching, matching.Changed, matching.delete_matching, q_jobs.CALL, q_delete.CALL),
    declare("jobs.result", "GET /v1/jobs/{job_id}/result",
        "What a completed job gave, as the document of docs/spec/results.md without its per-shot events.",
        shapes.GetResult, Document, handlers.get_result, q_result.CALL),
    declare("jobs.program", "GET /v1/jobs/{job_id}/program",
        "The program of a job as it runs, whoever submitted it and in whatever format.",
        shapes.OfJob, q_program.Reply, _pass_on(q_program.CALL), q_program.CALL),
    declare("jobs.shots", "GET /v1/jobs/{job_id}/shots",
        "Per-shot events of consecutive shots, from `from_shot` on.",
        shapes.GetShots, shapes.ShotPage, handlers.get_shots, q_result.CALL, ranged="shots",
        note="A header `Range: shots=0-99` names them too."),
    declare("jobs.events", "GET /v1/jobs/{job_id}/events",
        "The history of a job; as a stream, until the job has ended.",
        shapes.GetEvents, q_events.Reply, handlers.get_events, q_events.CALL,
        follow=handlers.follow_events, item=q_events.JobEvent,
        note="With `Accept: text/event-stream` it is a stream of server-sent events, resumed after `Last-Event-ID`; "
        "one that has nothing more to give is answered with 204."),
    declare("jobs.telemetry", "GET /v1/jobs/{job_id}/telemetry",
        "Figures of a job: time in the queue and on an engine beside what was predicted, its epochs, what it used.",
        shapes.OfJob, q_get_telemetry.JobFigures, handlers.get_job_figures, q_get_telemetry.CALL),
    declare("batches.submit", "POST /v1/batches",
        "Queue a job for each program, or for each point of each program; all or none. The jobs are listed by their "
        "tag `batch`.",
        shapes.SubmitBatch, shapes.Batch, handlers.submit_batch, q_submit.CALL, made="/v1/batches/{batch}"),
    declare("batches.get", "GET /v1/batches/{batch}",
        "How many jobs of a batch are in each state.",
        shapes.OfBatch, shapes.BatchStates, handlers.get_batch, q_jobs.CALL, errors=("JOB_NOT_FOUND",)),
    declare("batches.cancel", "POST /v1/batches/{batch}/cancel",
        "Stop the jobs of a batch that have not ended.",
        shapes.CancelBatch, shapes.BatchCancelled, handlers.cancel_batch, q_jobs.CALL, q_cancel.CALL),
    declare("programs.check", "POST /v1/programs/check",
        "Every finding of reader and verifier, with line and column, and what a right program needs.",
        shapes.CheckProgram, shapes.Check, handlers.check_program, q_estimate.CALL),
    declare("programs.explain", "POST /v1/programs/explain",
        "Which engine would run a program and why: time and memory on each that can, and what the others lack.",
        shapes.ExplainProgram, q_estimate.Reply, _pass_on(q_estimate.CALL), q_estimate.CALL),
    declare("programs.draw", "POST /v1/programs/draw",
        "A picture of a program as SVG.",
        shapes.DrawProgram, shapes.Drawing, handlers.draw_program, errors=("INVALID_GRAPH", "UNSUPPORTED"),
        media="image/svg+xml"),
    declare("programs.circuit", "POST /v1/programs/circuit",
        "A circuit as SVG in pieces that follow each other, to be folded to any width.",
        shapes.CutCircuit, pictures.Circuit, pictures.draw_circuit, errors=("INVALID_GRAPH", "UNSUPPORTED")),
    declare("programs.layers", "POST /v1/programs/layers",
        "A program as lattice surgery on the machine of logical qubits that is named: a floor plan for each stretch of "
        "time between two events, and what it takes.",
        shapes.DrawLayers, pictures.Layers, pictures.draw_layers, errors=("INVALID_GRAPH", "UNSUPPORTED")),
    declare("programs.course", "POST /v1/programs/course",
        "A program for neutral atoms as it can be played: where the atoms are, and which light, gates and moves are on "
        "when. A program of gates needs the device that runs it.",
        shapes.DrawCourse, pictures.Course, pictures.draw_course, errors=("INVALID_GRAPH", "UNSUPPORTED")),
    declare("formats.list", "GET /v1/formats",
        "The formats that are read.",
        shapes.Nothing, shapes.Formats, handlers.list_formats),
    declare("engines.list", "GET /v1/engines",
        "The engines, their methods, and whether each is installed.",
        shapes.Nothing, shapes.Engines, handlers.list_engines, q_query_resources.CALL),
    declare("engines.devices", "GET /v1/devices",
        "The devices that are modelled.",
        shapes.Nothing, shapes.Devices, handlers.list_devices, q_query_resources.CALL),
    declare("engines.atoms", "GET /v1/devices/atoms",
        "The devices of neutral atoms that are modelled, with what bounds them.",
        shapes.Nothing, shapes.AtomDevices, handlers.list_atom_devices),
    declare("engines.load", "GET /v1/load",
        "The tenant's queue, and the capacity of the machine.",
        shapes.Nothing, shapes.Load, handlers.get_load, q_query_resources.CALL),
    declare("calibrations.devices", "GET /v1/calibrations",
        "The devices of which calibrations are kept.",
        shapes.Nothing, calibrations.CalibratedDevices, calibrations.list_calibrated, errors=("UNSUPPORTED",)),
    declare("calibrations.add", "POST /v1/calibrations/{device}",
        "Keep the figures of a device as they were measured at one time. The same figures of the same time are one "
        "calibration.",
        calibrations.AddCalibration, calibrations.CalibrationRow, calibrations.add_calibration,
        made="/v1/calibrations/{device}/{id}", errors=("UNSUPPORTED",)),
    declare("calibrations.list", "GET /v1/calibrations/{device}",
        "The newest calibrations of a device, by time.",
        calibrations.ListCalibrations, calibrations.Calibrations, calibrations.list_calibrations,
        errors=("UNSUPPORTED",)),
    declare("calibrations.get", "GET /v1/calibrations/{device}/{calibration}",
        "A calibration.",
        calibrations.OfCalibration, calibrations.CalibrationRow, calibrations.get_calibration,
        errors=("UNSUPPORTED",)),
    declare("calibrations.noise", "GET /v1/calibrations/{device}/{calibration}/noise",
        "The noise model of a calibration, as `--noise` takes it. Results of runs with it name the calibration.",
        calibrations.OfCalibration, calibrations.NoiseText, calibrations.get_noise,
        errors=("UNSUPPORTED",)),
    declare("account.me", "GET /v1/me",
        "Who the token belongs to, what it may do, and every bound.",
        shapes.Nothing, shapes.Me, handlers.get_me, q_negotiate_caps.CALL),
    declare("account.usage", "GET /v1/usage",
        "The tenant's quotas, and what is used of each.",
        shapes.Nothing, shapes.Usage, handlers.get_usage, q_get_telemetry.CALL),
    declare("account.telemetry", "GET /v1/telemetry",
        "Figures of the gateway's session for this token.",
        shapes.Nothing, q_get_telemetry.SessionFigures, handlers.get_figures, q_get_telemetry.CALL),
    declare("capabilities.list", "GET /v1/capabilities",
        "The capabilities of the gateway's session for this token, as a tree.",
        shapes.Nothing, capabilities.Capabilities, capabilities.list_capabilities, q_negotiate_caps.CALL),
    declare("capabilities.revoke", "DELETE /v1/capabilities/{capability}",
        "Give up a capability of that session, with all that derives from it. Jobs already accepted go on; the next "
        "session of the gateway for the token has it again.",
        capabilities.OfCapability, q_revoke.Reply, capabilities.revoke_capability, q_revoke.CALL),
    *ACCOUNTS,
)
# fmt: on
"""The order is that of every page."""
