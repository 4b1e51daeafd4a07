"""``q_submit``: verify a program and queue it as a job."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from qmk.abi import shapes
from qmk.abi.call import Call
from qmk.qvm.outputs import Outputs


class Request(shapes.OfSession, frozen=True):
    """Exactly one of ``graph``, ``graph_sha256`` and ``program``; in process, the graph may instead come decoded beside
    the request."""

    graph: shapes.RawGraph = Raw()
    graph_sha256: shapes.GraphHash = ""
    program: Annotated[shapes.Program, Meta(description="source text, instead of graph")] | None = None
    shots: shapes.Shots | None = None
    policy: Annotated[shapes.Policy, Meta(description="wishes about how the job is run")] = shapes.Policy()
    idempotency_key: shapes.IdempotencyKey = ""
    keep_events: shapes.KeepEvents = True
    outputs: Annotated[Outputs | None, Meta(description="what the job gives beyond counts")] = None
    strict: shapes.Strict = False
    name: shapes.JobName = ""
    tags: shapes.Tags = ()
    trace: Annotated[
        str,
        Meta(
            description="trace of the request that makes the job (W3C Trace Context), which its lines in the log have; "
            "an idempotency key is compared without it",
            pattern=r"^([0-9a-f]{32})?\Z",
        ),
    ] = ""


class Reply(Struct, frozen=True):
    job_id: str
    state: str
    estimated_epochs: Annotated[int, Meta(description="epochs of the program: fences + 1")]
    estimated_start: Annotated[
        float | None, Meta(description="predicted launch, Unix time in seconds; null once launched")
    ]
    place_in_queue: Annotated[
        int | None, Meta(description="the tenant's own jobs launched before it; null when not QUEUED")
    ]
    seed: int
    shots: int
    engine: str
    method: str
    warnings: shapes.Warnings = []
    others_before: shapes.OthersBefore = None


CALL = Call(
    name="q_submit",
    doc="Verifies a program, chooses an engine and queues a job. The job survives a restart of the daemon from the "
    "moment this call is answered. With outputs the job also gives expectation values, a state, "
    "amplitudes, probabilities or gradients, at the program's own angles or at the points of a sweep: exact where an "
    "engine has them, else sampled with `shots` shots of each basis. An invalid program is refused "
    "with every finding and never becomes a job. The session must hold the capabilities that the program's ops need. "
    "A program that joins qubits of two tenants names the channel that both have approved in policy.channels; its Bell "
    "pairs are charged with the job's acceptance, and given back if the job never starts. A job that by estimate "
    "cannot meet its deadline is queued, with the warning QMK-DEADLINE; one that fits no empty "
    "machine is refused with the numbers.",
    request=Request,
    reply=Reply,
    rights=("CAP_SUBMIT",),
    errors=(
        "SESSION_NOT_FOUND",
        "INVALID_GRAPH",
        "GRAPH_NOT_FOUND",
        "INSUFFICIENT_CAPS",
        "QUOTA_EXCEEDED",
        "UNSUPPORTED",
        "RESOURCE_EXHAUSTED",
        "CHANNEL_REQUIRED",
        "CHANNEL_NOT_FOUND",
        "CHANNEL_NOT_APPROVED",
        "CHANNEL_CLOSED",
        "CHANNEL_EXPIRED",
        "CHANNEL_EXHAUSTED",
        "CHANNEL_MISMATCH",
    ),
    aliases=("qmk_job_submit",),
    journaled=True,
)
