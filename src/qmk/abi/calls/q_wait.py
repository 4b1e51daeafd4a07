"""q_wait: the state of a job when it has ended."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qmk.abi import examples, shapes
from qmk.abi.call import Call
from qmk.abi.calls import q_result


class Request(shapes.Request, frozen=True):
    session_id: shapes.SessionId
    job_id: shapes.JobId
    timeout_ms: (
        Annotated[shapes.TimeoutMs, Meta(description="answer at the latest after this; absent: no limit")] | None
    ) = None


class Reply(shapes.Status, frozen=True, kw_only=True):
    result: Annotated[
        q_result.Reply | None,
        Meta(description="as q_result, when the job has COMPLETED; null without CAP_RESULT over it"),
    ] = None


CALL = Call(
    name="q_wait",
    doc="Answers when the job has ended, with its result if the session holds CAP_RESULT over the job, else without; "
    "or at the deadline with the state as it is, which is not an error.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND", "QUOTA_EXCEEDED"),
    aliases=("qmk_job_wait",),
    example=(
        {"session_id": examples.SESSION, "job_id": examples.JOB, "timeout_ms": 5000},
        {
            "job_id": examples.JOB,
            "state": "COMPLETED",
            "progress": {
                "current_epoch": 1,
                "total_epochs": 1,
                "nodes_executed": 6,
                "nodes_total": 6,
                "shots_done": 4,
                "shots_total": 4,
                "rounds_done": 0,
                "rounds_total": 0,
            },
            "shots": 4,
            "seed": 7,
            "engine": "stabilizer",
            "method": "",
            "place_in_queue": None,
            "estimated_start": None,
            "submitted": examples.TIME,
            "started": examples.TIME + 0.5,
            "ended": examples.TIME + 2.0,
            "attempts": 0,
            "error": None,
            "physical_qubits": 0,
            "decoder_load": 0.0,
            "moves": 0,
            "changes": 0,
            "result": {
                "job_id": examples.JOB,
                "shots": 4,
                "seed": 7,
                "counts": {"00": 2, "11": 2},
                "registers": [{"name": "", "bits": ["m0", "m1"], "descending": False}],
                "events": {
                    "from_shot": 0,
                    "names": ["m0", "m1"],
                    "widths": [1, 1],
                    "rows": ["00", "11", "11", "00"],
                    "next_shot": None,
                },
                "values": None,
                "provenance": {
                    "digest": examples.DIGEST,
                    "engine": "stabilizer",
                    "method": "",
                    "version": "1.16.0",
                    "seed": 7,
                    "passes": [],
                    "reasons": [{"engine": "stabilizer", "seconds": 0.0005, "memory_bytes": 4096, "note": "Clifford"}],
                    "predicted_seconds": 0.0005,
                    "uncertainty": 1.0,
                    "fallbacks": [],
                    "cached_from": "",
                    "footprint": None,
                    "moves": 0,
                    "changes": [],
                    "notes": {},
                },
                "usage": {"engine_seconds": 0.0004, "cpu_seconds": 0.0004, "peak_rss_bytes": 61000000, "attempts": 1},
            },
        },
    ),
)
