"""The effects: what the kernel asks the host to do, in this order. Replies, ``Launch``, ``Interrupt`` and ``Recall``
effects leave only after every ``Journal`` record that came before them, of this step or an earlier one, is durable:
they may rest on it."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi.calls import q_program
from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import Finding, QmkError
from qmk.base.isolation import Level
from qmk.kernel.events import Record
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs


class Effect(msgspec.Struct, frozen=True):
    """Base of what the kernel asks for."""


class Journal(Effect, frozen=True):
    """Append the record. ``durable`` False may be lost on power failure (progress), never on a crash of the daemon.
    ``data`` is the record as MessagePack."""

    record: Record
    durable: bool = True
    data: bytes = b""


class Reply(Effect, frozen=True):
    """Answer call ``ref`` of connection ``conn`` with the call's ``Reply`` struct."""

    conn: int
    ref: int
    result: Any


class ReplyError(Effect, frozen=True):
    conn: int
    ref: int
    error: QmkError


class ReplyResult(Effect, frozen=True):
    """Answer a q_result, or a q_wait whose job has COMPLETED (``status`` is then a ``q_wait.Reply`` without its
    ``result``). ``result`` is a ``q_result.Reply`` with what the kernel knows; the host adds what its result store
    has: counts, registers, per-shot events from shot ``from_shot``, version and notes. ``fence``: of the launch that is
    out, whose counts and values so far are wanted; 0 for a job that has COMPLETED."""

    conn: int
    ref: int
    job: str
    from_shot: int
    fence: int = 0
    status: Any = None
    result: Any = None


class ReplyProgram(Effect, frozen=True):
    """Answer a q_program. ``reply`` is a ``q_program.Reply``, whose text is in the host's store."""

    conn: int
    ref: int
    reply: q_program.Reply


class Route(Effect, frozen=True):
    """Choose an engine for the job's graph; answer with ``Routed`` or ``Refused``. ``policy`` has the keys of
    ``abi.shapes.Policy`` that were given, ``packed`` is the graph as the job's record has it. With ``policy.qec`` the
    graph is to be written in the gates of that machine first. ``tenant``: whose program it is. ``isolation``: the
    weakest level that it may run at."""

    job: str
    digest: str
    shots: int
    policy: dict[str, Any]
    graph: Graph | None = None
    outputs: Outputs | None = None
    packed: bytes = b""
    tenant: str = ""
    isolation: Level = "process"


class Recalibrate(Effect, frozen=True):
    """A launch has ``epoch`` epochs behind it. Where a later point than ``since_s`` of the calibration in ``qec`` has
    come into force, have the rest of the job's program written anew, and answer with ``Recalibrated``; else do nothing.
    ``keep``: for the point ``since_s`` itself, at the distance of ``footprint``, as there is no room for another.
    ``others``: the load of the decoder by other jobs that are out."""

    job: str
    fence: int
    epoch: int
    qec: Qec
    footprint: Footprint
    since_s: float
    tenant: str
    keep: bool = False
    others: float = 0.0


class Recall(Effect, frozen=True):
    """Read the packed graph of job ``job`` from the journal; answer with ``Recalled``, or ``Refused`` (of job
    ``key``)."""

    key: str
    job: str


class Estimate(Effect, frozen=True):
    """Answer a q_estimate: predictions of every engine for the (verified) graph of this call, without running it.
    ``qec``, ``tenant`` as for ``Route``."""

    conn: int
    ref: int
    digest: str
    shots: int
    graph: Graph | None = None
    outputs: Outputs | None = None
    qec: Qec | None = None
    tenant: str = ""
    warnings: list[Finding] = []


class QueryResources(Effect, frozen=True):
    """Answer a q_query_resources: the host adds devices, engines and capacity to the kernel's queue figures, which are
    None for a caller who may know none."""

    conn: int
    ref: int
    queued: int | None
    running: int | None
    workers: int = 1


class Launch(Effect, frozen=True):
    """Run the job on a worker of ``engine``. ``fence`` grows with every launch; answers with another are stale."""

    job: str
    fence: int
    engine: str
    method: str
    digest: str
    shots: int
    seed: int
    keep_events: bool
    memory_bytes: int
    region: str = ""
    """Part of the device's map that holds the job's qubits; also which worker slot runs it."""
    first_qubit: int = 0
    """Device index of the job's first qubit: those to ``first_qubit + width - 1``, by its record, are its own."""
    start_from: str = ""
    """Blob of the saved state to continue from; empty: from the start."""
    save_fences: bool = False
    """Save the state at fences as it goes, so that a dead engine costs little."""
    elsewhere: bool = False
    """Whether it must run in another process than the job's last launch."""
    tenant: str = ""
    """Whose program it is: what a worker keeps of it serves no other."""
    isolation: Level = "process"
    """The weakest level that it may run at."""
    hedge: Alternative | None = None
    """An engine to start beside it on an idle worker; the first to be done gives the result, and ends the other."""
    outputs: Outputs | None = None
    """What it gives beyond counts."""
    script: bool = False
    """It runs programs of its own, and holds no worker slot."""
    blocks: int = 0
    """They are so many blocks of this one, with the wishes of ``policy``."""
    policy: dict[str, Any] = {}


class Interrupt(Effect, frozen=True):
    """Ask the running launch for something at its next fence. ``kind`` "save": save the state and go on (answered by
    ``Saved``); "yield": save it and stop (``Yielded``); "rewind": go back to the end of epoch ``epoch`` and stop there
    (``Yielded``), by running the reversible segments backwards or from the state saved there. What cannot be done is
    answered by ``NotInterrupted``. ``ref`` names the checkpoint to make."""

    job: str
    fence: int
    kind: str
    ref: str
    why: str = ""
    epoch: int = 0


class Audit(Effect, frozen=True):
    """Append to the audit log, in the transaction of this step's records. ``hash`` chains it to the entry before;
    ``data`` is what it covers (``audit.entry_bytes``)."""

    seq: int
    epoch: int
    now_ns: int
    kind: str
    tenant: str
    fields: dict[str, Any]
    hash: str
    data: bytes = b""


class SealEpoch(Effect, frozen=True):
    """Sign the Merkle root over the audit entries ``first_seq`` to ``last_seq`` of ``epoch`` and store it."""

    epoch: int
    first_seq: int
    last_seq: int
    root: str
    head: str


class Charge(Effect, frozen=True):
    """Write a row of the ledger, in the transaction of the record that ended the launch: what a bill is made from.
    ``attempt`` counts the launches of the job that a worker began, from 1; (job, attempt) is charged once. ``amounts``:
    quota name to amount, and cpu_seconds and queue_seconds. ``outcome``: completed, failed, cancelled, timeout, lost,
    preempted, migrated, rewound, rewritten (its program was, at a fence) or channel (it was stopped as a channel of its
    ended)."""

    now_ns: int
    tenant: str
    session: str
    job: str
    attempt: int
    amounts: dict[str, float]
    engine: str = ""
    method: str = ""
    outcome: str = ""


class DropBlob(Effect, frozen=True):
    """Nothing refers to this blob by ``checkpoint`` any more; another checkpoint may."""

    checkpoint: str
    blob: str


class Kill(Effect, frozen=True):
    """Stop launch ``fence`` of ``job`` at once, or drop it from the launch queue."""

    job: str
    fence: int


class SetTimer(Effect, frozen=True):
    """Send ``TimerFired(key)`` at wall-clock ``at_ns``, or when the time until then has passed, should the clock have
    been set back; replaces a timer of the same key."""

    key: str
    at_ns: int


class ClearTimer(Effect, frozen=True):
    key: str


class Forget(Effect, frozen=True):
    """The job is no longer remembered: the host may drop its graph and result."""

    job: str


class Collect(Effect, frozen=True):
    """Delete what the host's store has and nothing names, then answer call ``ref`` of ``conn`` with ``op_gc.Reply``.
    ``jobs`` were forgotten for it (``dry_run``: would be) and kept ``job_bytes``; ``kept_jobs`` stay, ``going_jobs`` of
    which have not ended."""

    conn: int
    ref: int
    dry_run: bool = False
    jobs: tuple[str, ...] = ()
    job_bytes: int = 0
    kept_jobs: int = 0
    going_jobs: int = 0
