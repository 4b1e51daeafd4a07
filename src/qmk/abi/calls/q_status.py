"""q_status: the state of a job, now."""

from __future__ import annotations

from qmk.abi import examples, shapes
from qmk.abi.call import Call


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    job_id: shapes.JobId


class Reply(shapes.Status, frozen=True, kw_only=True):
    pass


CALL = Call(
    name="q_status",
    doc="Answers the state of a job at once.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND"),
    example=(
        {"session_id": examples.SESSION, "job_id": examples.JOB},
        {
            "job_id": examples.JOB,
            "state": "RUNNING",
            "progress": examples.PROGRESS,
            "shots": 4,
            "seed": 7,
            "engine": "stabilizer",
            "method": "",
            "place_in_queue": None,
            "estimated_start": None,
            "submitted": examples.TIME,
            "started": examples.TIME + 0.5,
            "ended": None,
            "attempts": 0,
            "error": None,
            "physical_qubits": 0,
            "decoder_load": 0.0,
            "moves": 0,
            "changes": 0,
        },
    ),
)
