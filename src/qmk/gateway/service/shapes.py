"""Requests and replies of the service that are not those of a call of the ABI."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.calls import q_estimate, q_events, q_query_resources, q_result, q_submit
from qmk.base.errors import Finding
from qmk.base.limits import LIMITS
from qmk.gateway.service.operation import narrow

LONGEST_WAIT_S = 60.0
BATCH_JOBS = 1000
"""Most jobs that one request makes."""
BatchId = Annotated[
    str, Meta(description="batch from POST /v1/batches; a tag of its jobs", pattern=r"^batch:[0-9a-f]{32}\Z")
]
WaitS = Annotated[float, Meta(description="Seconds to wait for it at most.", ge=0, le=LONGEST_WAIT_S)]


class OfJob(shapes.Request, frozen=True):
    job_id: shapes.JobId


class GetJob(OfJob, frozen=True):
    wait_s: Annotated[WaitS, Meta(description="Answer when the job has ended, or after so many seconds.")] = 0.0


class GetResult(OfJob, frozen=True):
    partial: Annotated[bool, Meta(description="of a job that runs: what there is so far, instead of NOT_COMPLETED")] = (
        False
    )


class GetShots(OfJob, frozen=True):
    from_shot: Annotated[int, Meta(description="first shot, from 0", ge=0, le=shapes.INT_MAX)] = 0
    count: Annotated[int, Meta(description="most shots of the answer", ge=1, le=LIMITS.page_shots)] = LIMITS.page_shots


class ShotPage(q_result.EventPage, frozen=True, kw_only=True):
    """Per-shot events of consecutive shots, and how many shots there are."""

    shots: int


class OfBatch(shapes.Request, frozen=True):
    batch: BatchId


class CancelBatch(OfBatch, frozen=True):
    reason: Annotated[str, Meta(description="kept with each job", max_length=1024)] = ""


class BatchJob(Struct, frozen=True):
    """One job of a batch."""

    index: int
    program: Annotated[int, Meta(description="place of its program in the list")]
    point: Annotated[int | None, Meta(description="place of its point; null without points")]
    job_id: str


class Batch(Struct, frozen=True):
    """Jobs that were made together. They have the tag ``batch``."""

    batch: str
    seed: Annotated[int, Meta(description="of the batch; that of each job is derived from it")]
    jobs: list[BatchJob]


class BatchStates(Struct, frozen=True):
    """How far a batch is."""

    batch: str
    states: Annotated[dict[str, int], Meta(description="jobs in each state in which there are any")]


class BatchCancelled(Struct, frozen=True):
    batch: str
    cancelled: Annotated[int, Meta(description="jobs that had not ended")]


class Check(Struct, frozen=True, kw_only=True):
    """What the verifier says of a program."""

    ok: Annotated[bool, Meta(description="no finding is an error")]
    findings: Annotated[list[Finding], Meta(description="each with its rule, line and column where they are known")]
    summary: Annotated[dict[str, Any] | None, Meta(description="qubits, depth, counts; null when it is wrong")] = None


class DrawProgram(shapes.Request, frozen=True):
    program: shapes.Program
    width: Annotated[int, Meta(description="pixels to fit", ge=200, le=20_000)] | None = None
    device: Annotated[str, Meta(description="draw the timeline of this atom-array device", max_length=256)] | None = (
        None
    )


class DrawLayers(shapes.Request, frozen=True):
    program: shapes.Program
    machine: Annotated[str, Meta(description="as `policy.qec.machine`, such as surface(d=5)", max_length=256)]
    noise: Annotated[str, Meta(description="as `policy.qec.noise`: of the physical qubits", max_length=1 << 20)] = (
        "p=1e-3"
    )


class DrawCourse(shapes.Request, frozen=True):
    program: shapes.Program
    device: Annotated[str, Meta(description="the atom-array device that runs a program of gates", max_length=256)] = ""


class CutCircuit(shapes.Request, frozen=True):
    program: shapes.Program


class DrawPlot(Struct, frozen=True, kw_only=True):
    """A plot of figures, for the process that draws."""

    plot: Literal["histogram", "convergence", "engines", "sweep", "history"]
    figures: dict[str, Any]
    theme: Literal["light", "dark"] = "light"


class Picture(Struct, frozen=True, kw_only=True):
    """What the process that draws is asked for: one of these."""

    program: DrawProgram | None = None
    plot: DrawPlot | None = None
    layers: DrawLayers | None = None
    course: DrawCourse | None = None
    circuit: CutCircuit | None = None

    @property
    def of(self) -> DrawProgram | DrawPlot | DrawLayers | DrawCourse | CutCircuit:
        found = self.program or self.plot or self.layers or self.course or self.circuit
        assert found is not None
        return found


class Drawing(Struct, frozen=True):
    """A picture of a program."""

    svg: str


class FormatRow(Struct, frozen=True):
    """A format of programs that is read."""

    format: str
    doc: str
    suffixes: list[str]
    written: Annotated[bool, Meta(description="programs are also written in it")]


class Formats(Struct, frozen=True):
    formats: list[FormatRow]


class Engines(Struct, frozen=True):
    engines: list[q_query_resources.EngineRow]


class Devices(Struct, frozen=True):
    devices: list[q_query_resources.Device]


class AtomDevice(Struct, frozen=True):
    """A device of neutral atoms that is modelled."""

    name: str
    doc: str
    facts: Annotated[dict[str, str], Meta(description="what it runs and what bounds it, in words")]
    sources: Annotated[list[str], Meta(description="where its numbers are from")]


class AtomDevices(Struct, frozen=True):
    devices: list[AtomDevice]


class Load(Struct, frozen=True):
    """What the machine has, and what waits."""

    queue: q_query_resources.Queue
    capacity: Annotated[dict[str, Any], Meta(description="memory_bytes, cpus, ... of the machine")]


class Me(Struct, frozen=True, kw_only=True):
    """Who the token belongs to, and what it may do."""

    tenant: str
    rights: list[str]
    capabilities: list[str]
    expires: Annotated[float | None, Meta(description="Unix time at which the token ends")]
    limits: Annotated[dict[str, int], Meta(description="every bound of the system by name")]
    user: Annotated[str, Meta(description="to whom the token was issued; empty: not known here")] = ""
    role: Annotated[str, Meta(description="role in the tenant's organisation, as far as the token goes")] = ""
    administers: Annotated[bool, Meta(description="the token may be used to administer")] = False
    operator: Annotated[bool, Meta(description="may administer every organisation")] = False


class Usage(Struct, frozen=True):
    quota: Annotated[list[shapes.QuotaFigures], Meta(description="the tenant's quotas and what is used of each")]


class Nothing(shapes.Request, frozen=True):
    """A request without fields."""


PROGRAM = Annotated[shapes.Program, Meta(description="the program, as text or base64")]
SubmitJob = narrow(q_submit.Request, "SubmitJob", program=PROGRAM)
SubmitBatch = narrow(
    q_submit.Request,
    "SubmitBatch",
    drop=("program",),
    programs=Annotated[list[PROGRAM], Meta(description="the programs", min_length=1, max_length=BATCH_JOBS)],
    points=(
        Annotated[
            dict[str, list[Any]] | None,
            Meta(description="a list of values for each parameter: a job for each point of each program"),
        ],
        None,
    ),
)
CheckProgram = narrow(q_estimate.Request, "CheckProgram", drop=("shots", "outputs", "qec"), program=PROGRAM)
ExplainProgram = narrow(q_estimate.Request, "ExplainProgram", program=PROGRAM)
GetEvents = narrow(
    q_events.Request,
    "GetEvents",
    drop=("timeout_ms",),
    wait_s=(Annotated[WaitS, Meta(description="Answer with no events after so many seconds.")], 0.0),
)
