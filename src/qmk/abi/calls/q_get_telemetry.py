"""``q_get_telemetry``: figures of a job or of the session."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.call import Call


class Request(shapes.OfSession, frozen=True):
    job_id: shapes.JobId | None = None


class Epoch(Struct, frozen=True):
    """One epoch. Time is not split by epoch by engines that take the program as one batch: ``seconds`` is then null."""

    epoch: int
    nodes: int
    executed: Annotated[bool, Meta(description="at least one shot has passed it")]
    seconds: float | None = None
    rounds: Annotated[int, Meta(description="of syndrome extraction in a shot; 0 without policy.qec")] = 0


class JobFigures(Struct, frozen=True, kw_only=True):
    job_id: str
    state: str
    queued_seconds: Annotated[float, Meta(description="from acceptance to start (or to the end, or to now)")]
    running_seconds: Annotated[float, Meta(description="from the last start to the end (or to now)")]
    predicted_seconds: Annotated[float, Meta(description="the router's prediction")]
    predicted_memory_bytes: int
    decoder_load: Annotated[float, Meta(description="on the machine of policy.qec, as in its footprint")] = 0.0
    shots_done: int
    attempts: int
    epochs: list[Epoch]
    epochs_total: int
    components: Annotated[
        list[int],
        Meta(description="sizes of the groups of qubits joined by entangling ops, with policy.debug; largest first"),
    ]
    usage: dict[str, Any]


class SessionFigures(Struct, frozen=True, kw_only=True):
    """Counts since the session was opened."""

    calls: int
    errors: int
    jobs_submitted: int
    jobs_completed: int
    jobs_failed: int
    jobs_cancelled: int
    shots_completed: int
    engine_seconds: float
    open_waits: int
    qubits_held: int
    opened: Annotated[float, Meta(description="Unix time in seconds")]


class Reply(Struct, frozen=True):
    session: SessionFigures
    job: JobFigures | None = None
    quota: Annotated[
        list[shapes.QuotaFigures], Meta(description="the tenant's quotas; a session's own limits in place")
    ] = []


CALL = Call(
    name="q_get_telemetry",
    doc="Answers figures of the session and, when job_id is given, of that job; and what the tenant uses of its "
    "quotas.",
    request=Request,
    reply=Reply,
    rights=("CAP_STATUS",),
    errors=("SESSION_NOT_FOUND", "INSUFFICIENT_CAPS", "JOB_NOT_FOUND"),
)
