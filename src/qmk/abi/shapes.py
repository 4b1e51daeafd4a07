"""Shapes that several calls share: field types with their documentation, the program, the policy, a job's status.

A field's description, given once in its ``Meta``, is what the docs, the error messages and the client's help show.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from qmk.base.isolation import AUTO, LEVELS
from qmk.base.limits import LIMITS

INT_MAX = 2**63 - 1
"""The largest integer that a request may carry: what journals and other processes can hold"""

SessionId = Annotated[str, Meta(description="session from q_negotiate_caps", min_length=1, max_length=64)]
JobId = Annotated[str, Meta(description="job from q_submit", min_length=1, max_length=64)]
CapabilityId = Annotated[str, Meta(description="capability id from q_negotiate_caps", min_length=1, max_length=64)]
ChannelId = Annotated[str, Meta(description="channel from q_open_chan", min_length=1, max_length=64)]
Name = Annotated[str, Meta(description="name", min_length=1, max_length=256)]
RawGraph = Annotated[Raw, Meta(description="QVM graph as a JSON object; either this or program")]
GraphHash = Annotated[
    str,
    Meta(
        description="SHA-256, in hexadecimal, of the bytes of a graph that the tenant has sent lately, in its place.",
        pattern="^([0-9a-f]{64})?$",
    ),
]
Shots = Annotated[
    int, Meta(description="Number of shots; if absent, the program's own default, else 1000.", ge=1, le=INT_MAX)
]
Seed = Annotated[
    int,
    Meta(
        description="Seed of every random choice: the same program, shots and seed give the same bits. If absent, one "
        "is drawn.",
        ge=0,
        le=INT_MAX,
    ),
]
Engine = Annotated[
    str,
    Meta(
        description="Engine to use (aer), or one method of it (aer:density_matrix); if absent, the router chooses.",
        max_length=256,
    ),
]
Strict = Annotated[bool, Meta(description="Whether warnings about the program are errors.")]
Warnings = Annotated[list[dict[str, object]], Meta(description="warnings of reader and verifier, as findings")]
JobTimeoutMs = Annotated[
    int,
    Meta(
        description="Time limit in milliseconds, counted from acceptance; then the job fails with TIMEOUT.",
        ge=1,
        le=LIMITS.timeout_ms,
    ),
]
Priority = Annotated[
    int, Meta(description="Larger is launched sooner, among the jobs of one tenant.", ge=-1000, le=1000)
]
Attempts = Annotated[
    int,
    Meta(
        description="Launches, if workers are lost; after the last one the job fails. A program that crashes its "
        "engine gets no more of them than the daemon allows, 2 if not configured.",
        ge=1,
        le=LIMITS.job_kills,
    ),
]
DeadlineEpochs = Annotated[
    int,
    Meta(
        description="Scheduling epochs (100 ms each) from acceptance by which the job should end; the nearer deadline "
        "runs sooner among equal priorities.",
        ge=1,
        le=INT_MAX,
    ),
]
UseCache = Annotated[
    bool, Meta(description="Whether an earlier result of the same request and seed may answer; if not, the job runs.")
]
Isolation = Annotated[
    str,
    Meta(
        description="Weakest isolation that the job may run at: auto, process, jail, wasm, gvisor or microvm. A host "
        "that cannot give it refuses the job.",
        pattern="^(auto|" + "|".join(LEVELS) + r")\Z",
    ),
]
IdempotencyKey = Annotated[
    str,
    Meta(
        description="Submitting again with the same key and request gives the same job, so that it is never run twice.",
        max_length=256,
    ),
]
NAME = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*\Z"
JobName = Annotated[
    str, Meta(description="Name for people, of at most 64 printable characters.", max_length=64, pattern=NAME)
]
Tag = Annotated[str, Meta(description="letters, digits and ._:/=-, at most 64", pattern=r"^[A-Za-z0-9._:/=-]{1,64}\Z")]
JOB_TAGS = 16
"""Most tags of a job."""
Tags = Annotated[
    tuple[Tag, ...],
    Meta(description="Tags to find it by: at most 16, of letters, digits and ._:/=-.", max_length=JOB_TAGS),
]
Resources = Annotated[
    dict[Tag, Annotated[float, Meta(gt=0, le=INT_MAX)]],
    Meta(
        description="What the slot that runs the job must have: gpu, cpu, memory (bytes) or a label, such as qpu:NAME."
    ),
]
KeepEvents = Annotated[bool, Meta(description="Whether the events of every shot are kept with the result.")]
TimeoutMs = Annotated[int, Meta(description="milliseconds", ge=0, le=LIMITS.timeout_ms)]
PAGE_ROWS = 100
PageRows = Annotated[int, Meta(description="most rows of one answer", ge=1, le=LIMITS.page_rows)]
Cursor = Annotated[str, Meta(description="next of the page before; empty: from the newest", max_length=128)]
NextCursor = Annotated[str | None, Meta(description="cursor of the next page; null: nothing is left")]
OthersBefore = Annotated[int | None, Meta(description="jobs of other tenants predicted to be launched before it")]


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of every request: by-name parameters, unknown names refused."""


class OfSession(Request, frozen=True):
    """Base of the requests of a session."""

    session_id: SessionId


class OfJob(OfSession, frozen=True):
    """Base of the requests about a job."""

    job_id: JobId


class Program(Request, frozen=True):
    """A program as source text (or bytes, for binary formats); the host translates it before the kernel sees it."""

    format: Annotated[str, Meta(description="front-end name; empty: recognised by content", max_length=64)] = ""
    text: Annotated[str, Meta(description="the source text")] | None = None
    base64: Annotated[str, Meta(description="the source bytes in base64, instead of text")] | None = None
    params: Annotated[dict[str, Any], Meta(description="values of the program's inputs by name")] = {}


Channels = Annotated[
    dict[Name, ChannelId],
    Meta(description="Channel that each channel handle of the program draws on; both tenants have approved it."),
]

QEC_CHARS = 256
"""Of the text of a machine."""


class Qec(Request, frozen=True):
    """Logical qubits that a program is to run on. The daemon writes it in their gates, with their errors."""

    machine: Annotated[
        str, Meta(description="code and what belongs to it, such as surface(d=9)", min_length=1, max_length=QEC_CHARS)
    ]
    noise: Annotated[
        str,
        Meta(
            description="of the physical qubits: a short form such as p=1e-3, or a noise model as JSON; with `began`, "
            "a calibration as JSON",
            min_length=1,
            max_length=LIMITS.text_chars,
        ),
    ]
    began: (
        Annotated[float, Meta(description="when second 0 of the calibration in `noise` was, Unix time", ge=0, le=1e11)]
        | None
    ) = None
    target: (
        Annotated[
            float,
            Meta(
                description="with `began`: logical errors of a patch a round that are too many, so that the distance "
                "changes at a fence",
                gt=0,
                lt=1,
            ),
        ]
        | None
    ) = None


class Stage(Struct, frozen=True, kw_only=True):
    """What the first epochs of a job had, before its program was written anew."""

    last_epoch: Annotated[int, Meta(description="of this stage, from 1; it begins after that of the stage before")]
    distance: int
    physical_qubits: int
    noise: Annotated[str, Meta(description="name of the noise of the physical qubits, and how its hash begins")]
    decoder_load: float = 0.0


class Footprint(Struct, frozen=True, kw_only=True):
    """What a program takes on a machine of logical qubits. A code cycle is ``distance`` rounds of syndrome extraction.
    Cycles and rounds are those of one shot."""

    machine: Annotated[str, Meta(description="code, T states, factories, reaction time")]
    noise: Annotated[str, Meta(description="name of the noise of the physical qubits, and how its hash begins")]
    distance: Annotated[int, Meta(description="of the code: rounds of syndrome extraction in a code cycle")]
    physical_qubits: Annotated[int, Meta(description="of all tiles and factories: the width of its place on the map")]
    patch_qubits: Annotated[int, Meta(description="physical qubits of a tile, which holds a logical qubit")]
    patches: Annotated[int, Meta(description="logical qubits")]
    tiles: Annotated[int, Meta(description="tiles of the floor, those of the routing among them")]
    factory_qubits: Annotated[int, Meta(description="physical qubits of its T factories")]
    cycles: Annotated[int, Meta(description="code cycles")]
    rounds: Annotated[int, Meta(description="rounds of syndrome extraction")]
    epoch_rounds: Annotated[list[int], Meta(description="those of each epoch, for at most `listed_epochs` of them")]
    events_per_round: Annotated[
        float, Meta(description="detection events in a round, of all tiles and factories; 0 where no decoder was told")
    ] = 0.0
    decoder_load: Annotated[
        float, Meta(description="time that decoding them takes over the time there is; 0 where no decoder was told")
    ] = 0.0
    move_rounds: Annotated[int, Meta(description="rounds that a move of all patches to another place takes")] = 0
    calibrated_s: Annotated[
        float | None,
        Meta(description="second of the calibration whose rates it has, from its last change on; null without `began`"),
    ] = None
    stages: Annotated[
        list[Stage], Meta(description="what came before the last change; the other fields are of what came after it")
    ] = []


class Policy(Request, frozen=True):
    """Wishes about how a job is run. Whatever cannot be honoured is refused, never ignored."""

    priority: Priority = 0
    deadline_epochs: DeadlineEpochs | None = None
    seed: Seed | None = None
    timeout_ms: JobTimeoutMs | None = None
    attempts: Attempts | None = None
    device: Annotated[str, Meta(description="what is modelled; 'ideal' in this release", max_length=256)] = "ideal"
    engine: Engine | None = None
    qec: Annotated[Qec, Meta(description="run on logical qubits of this machine; absent: ideal ones")] | None = None
    channels: Channels = {}
    cache: UseCache = True
    isolation: Isolation = AUTO
    resources: Resources = {}
    debug: Annotated[bool, Meta(description="keep what q_get_mapping shows; needs CAP_DEBUG")] = False


class Progress(Struct, frozen=True):
    """How far a job is. A run that can be stopped at fences tells which epoch its shots are in; an engine that takes
    the whole program as one batch shows all epochs as reached with its first finished shot."""

    current_epoch: Annotated[int, Meta(description="epoch that the shots under way are in, from 1; 0 before the start")]
    total_epochs: Annotated[int, Meta(description="fences + 1")]
    nodes_executed: Annotated[int, Meta(description="nodes that at least one shot has passed")]
    nodes_total: int
    shots_done: int
    shots_total: int
    rounds_done: Annotated[int, Meta(description="rounds of syndrome extraction behind the shots under way")] = 0
    rounds_total: Annotated[int, Meta(description="rounds of a shot; 0 without policy.qec")] = 0


class Status(Struct, frozen=True, kw_only=True):
    """The state of one job."""

    job_id: str
    state: Annotated[str, Meta(description="QUEUED, VALIDATING, RUNNING, COMPLETED, FAILED or CANCELLED")]
    progress: Progress
    shots: int
    seed: int
    engine: Annotated[str, Meta(description="engine chosen by the router or by policy.engine")]
    method: str
    place_in_queue: Annotated[
        int | None, Meta(description="the tenant's own jobs launched before it; null when not QUEUED")
    ]
    estimated_start: Annotated[
        float | None,
        Meta(description="predicted launch under the present load, Unix time in seconds; null when not QUEUED"),
    ]
    submitted: Annotated[float, Meta(description="acceptance, Unix time in seconds")]
    started: float | None = None
    ended: float | None = None
    attempts: Annotated[int, Meta(description="launches lost to a dead worker")] = 0
    error: Annotated[dict[str, Any] | None, Meta(description="why it FAILED or was CANCELLED: an error object")] = None
    physical_qubits: Annotated[
        int, Meta(description="under its logical qubits: the width of its place on the map; 0 without policy.qec")
    ] = 0
    decoder_load: Annotated[
        float, Meta(description="time that decoding it takes over the time there is; 0 where no decoder was told")
    ] = 0.0
    moves: Annotated[int, Meta(description="how often its patches were moved to another place at a fence")] = 0
    changes: Annotated[
        int, Meta(description="how often its program was written anew at a fence, since its noise had drifted")
    ] = 0
    refused_calls: Annotated[
        dict[str, int], Meta(description="system calls that the isolation of its workers refused, by name")
    ] = {}
    warnings: Warnings = []
    name: str = ""
    tags: list[str] = []
    others_before: OthersBefore = None


class ChannelRow(Struct, frozen=True, kw_only=True):
    """A channel, as either of its tenants sees it in a list."""

    channel: str
    state: Annotated[str, Meta(description="PROPOSED, OPEN, EXHAUSTED, CLOSED or EXPIRED")]
    peers: Annotated[list[str], Meta(description="the tenant that proposed it and the other")]
    approved: Annotated[list[str], Meta(description="tenants that have given their word")]
    fidelity: Annotated[float, Meta(description="fidelity granted: what the device's link delivers for fidelity_min")]
    fidelity_min: Annotated[float, Meta(description="lowest fidelity that both accept")]
    use_count: Annotated[int, Meta(description="Bell pairs promised to jobs so far")]
    entanglements_max: Annotated[int, Meta(description="Bell pairs that may be promised over its life")]
    expiry: Annotated[float | None, Meta(description="Unix time in seconds; null: no end")]
    rounds: Annotated[int, Meta(description="rounds of purification that a pair takes")]
    raw_pairs: Annotated[float, Meta(description="raw pairs of the link that a pair takes on average")]
    proposed: Annotated[float | None, Meta(description="Unix time in seconds; null: by an earlier release")]


class ChannelState(ChannelRow, frozen=True, kw_only=True):
    """A channel, as either of its tenants sees it."""

    jobs: Annotated[int, Meta(description="jobs, waiting and running, with a use of it before them")]


class QuotaFigures(Struct, frozen=True):
    """How much of one quota is used."""

    name: str
    kind: Annotated[str, Meta(description="held, per_job, spent (within a period) or rate")]
    unit: str
    limit: int
    used: Annotated[float, Meta(description="what jobs under way reserve included")]
    period_end: Annotated[float | None, Meta(description="when a quota of kind spent starts anew, Unix seconds")] = None
