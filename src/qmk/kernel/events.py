"""The events: what can happen to the kernel. The host makes them; every fact the kernel depends on (time, entropy, the
chosen engine, a worker's answer) comes in through one, so a journal of events replays the kernel bit for bit."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from qmk.abi.shapes import Footprint
from qmk.base.errors import Finding
from qmk.kernel.config import TenantConfig
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.checkpoint import Checkpoint
from qmk.kernel.objects.script import ScriptRights
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened, at a moment."""

    now_ns: int
    """Wall clock of the host, nanoseconds since the Unix epoch; the kernel has no other clock."""


class Record(Event, frozen=True, omit_defaults=True):
    """An event that the journal keeps, without the fields that have their default: a default never changes.
    ``records.decode_record`` reads it."""


Cause = Literal["crashed", "killed", "memory"]
"""Why a worker was lost: by what it ran, by somebody outside, or because the machine ran out of memory."""


class OfLaunch(Record, frozen=True):
    """A record that changes how a launch of a job stands: number ``fence``, 0 for none."""

    job: str
    fence: int


class CallReceived(Event, frozen=True):
    """A decoded call. ``params`` is its ``Request``; ``ref`` is the host's handle for the reply; new ids and seeds come
    of ``entropy``: 7 bytes of time, 16 random ones. ``graph`` is that of a q_submit or q_estimate, to be verified."""

    conn: int
    ref: int
    method: str
    params: Any
    entropy: bytes
    graph: Graph | None = None
    peer_uid: int = -1
    operator: bool = False
    """It came over the operator's socket, which only the daemon's own user can reach."""
    warnings: list[Finding] = []
    """What the reader of the graph forgave; passed on in q_submit's reply."""


class ChannelUse(msgspec.Struct, frozen=True):
    """What a job takes of a brokered channel: ``pairs`` Bell pairs over all its shots, the last of them in epoch
    ``last_epoch`` of the program (counted from 1)."""

    channel: str
    pairs: int
    last_epoch: int


class Submitted(Record, frozen=True):
    """The journal's record of an accepted job: enough to queue it again after a crash. ``replay_of``: the job whose
    bits it reproduces; ``restored_from``: a checkpoint; ``outputs``: beyond counts; ``script``: what its runs may."""

    job: str
    tenant: str
    session: str
    digest: str
    graph: bytes
    """Packed; a replay has only small ones, the others stay in the host's store."""
    shots: int
    seed: int
    policy: dict[str, Any]
    engine: str = ""
    method: str = ""
    reasons: list[dict[str, Any]] = []
    seconds: float = 0.0
    memory_bytes: int = 0
    idempotency_key: str = ""
    nodes: int = 0
    epochs: int = 1
    seq: int = 0
    keep_events: bool = True
    epoch_nodes: list[int] = []
    """Nodes of each epoch, for at most the first ``listed_epochs`` epochs."""
    request_digest: str = ""
    """What an idempotency key is compared by: graph, shots and policy."""
    n_qubits: int = 0
    """Qubits alive at once: what the job's place on the device must hold."""
    graph_bytes: int = 0
    gates: int = 0
    """Unitary nodes: what the quota 'gates' counts, times shots."""
    result_bytes_max: int = 0
    """The most that the result can take in the store: what is reserved of the quota 'bytes_stored'."""
    fenced: bool = False
    """The engine's method can be stopped, saved and restored at the program's fences."""
    channels: tuple[ChannelUse, ...] = ()
    """Brokered channels it uses; accepting the job charges them, and a job that never starts gives the pairs back."""
    components: list[int] = []
    """Sizes of the groups of qubits joined by entangling ops, largest first, at most ``listed_components`` of them."""
    replay_of: str = ""
    restored_from: str = ""
    outputs: Outputs | None = None
    uncertainty: float = 1.0
    """The factor within which ``seconds`` is believed."""
    warnings: list[Finding] = []
    alternatives: tuple[Alternative, ...] = ()
    """What it may go on with instead, the best first; none where the caller named the engine."""
    footprint: Footprint | None = None
    """What it takes on the machine of ``policy.qec``, whose gates ``graph`` is then written in."""
    name: str = ""
    tags: tuple[str, ...] = ()
    trace: str = ""
    script: ScriptRights | None = None
    blocks: int = 0  # it is divided into so many, each a job of the session that `script` gives it

    @property
    def width(self) -> int:
        """Qubits of its place on the device's map, physical ones under logical qubits; a program without any takes
        one, so that it has a place."""
        return (self.n_qubits or 1) if self.footprint is None else self.footprint.physical_qubits


class Routed(Event, frozen=True):
    """The host's router answered a ``Route`` effect with an engine."""

    job: str
    engine: str
    method: str
    seconds: float
    memory_bytes: int
    reasons: list[dict[str, Any]]
    fenced: bool = False
    uncertainty: float = 1.0
    alternatives: tuple[Alternative, ...] = ()
    version: str = ""
    """Of QMK and of the engine's library, as one text; empty where that is not known."""
    footprint: Footprint | None = None  # on the machine of `policy.qec`
    graph: Graph | None = None  # in the gates of that machine; the kernel verifies it again
    blocks: int = 0  # into how many the job is to be divided


class Refused(Event, frozen=True):
    """The host's router answered a ``Route`` effect with an error (kind, message, fields of ``QmkError``)."""

    job: str
    kind: str
    message: str
    fields: dict[str, Any]


class Started(OfLaunch, frozen=True):
    """A worker took the launch ``fence`` of ``job``. The kernel fills in where its qubits are."""

    region: str = ""
    first_qubit: int = 0


class Progressed(OfLaunch, frozen=True):
    """``epoch``: epochs of the program behind the shots under way, in a fenced run; 0 in others."""

    shots_done: int
    epoch: int = 0


class Finished(OfLaunch, frozen=True):
    """The result is in the host's store. ``usage``: engine_seconds, cpu_seconds, ... ``version`` as in ``Routed``.
    ``hedge``: the second engine of the launch was done first. ``cached_from``: no launch; the result is that of an
    earlier job of the tenant. ``began_ns``: the start, where it was not told before; the kernel adds its ``place``."""

    usage: dict[str, Any]
    version: str = ""
    hedge: Alternative | None = None
    cached_from: str = ""
    began_ns: int = 0
    place: tuple[str, int] = ("", 0)
    isolation: str = ""
    skew_ns: int = 0
    """Of ``kernel.clock``; the kernel fills it in."""


class Failed(OfLaunch, frozen=True):
    """The launch ended without a result; with ``fence`` 0, the job ended without a launch. ``died`` True: the worker
    process was lost, so the job may be retried. ``lost`` True: it was lost in the last attempt that the job had.
    ``cause`` says why, and ``workers`` how many were lost at once: two, if a second engine was at work too."""

    kind: str
    message: str
    fields: dict[str, Any]
    died: bool = False
    lost: bool = False
    skew_ns: int = 0
    cause: Cause = "crashed"
    workers: int = 1


class FellBack(OfLaunch, frozen=True):
    """Journal record: the launch is over without a result, and the job goes on with another engine, from its start.
    ``why``: "memory" (it ran out), "refused" (the engine found that it cannot run the program) or "slow" (it
    exceeded its time slice)."""

    to: Alternative
    why: str
    message: str


class Saved(OfLaunch, frozen=True):
    """The launch passed a fence and its state there is in the host's store. ``epoch``: epochs of the program behind it.
    ``blob``: SHA-256 of the state, its name in the store. ``kept`` True: somebody asked for it (q_checkpoint) and it
    stays until retention ends; False: it is there so that an engine death costs little; the next one replaces it."""

    checkpoint: str
    epoch: int
    blob: str
    size_bytes: int
    kept: bool = False


class Yielded(OfLaunch, frozen=True):
    """As ``Saved``, and the launch ended there: preempted, migrated, or asked to rewind. The job goes back to the queue
    and continues from the state. ``why``: "preempted", "migrated", "rewound" or "channel" (one that it uses has ended).
    The kernel also makes such records itself, with a checkpoint that exists or with none (the start of the program;
    also with ``why`` "unreadable" or "unsaved")."""

    checkpoint: str
    epoch: int
    blob: str
    size_bytes: int
    why: str
    region: str = ""
    """Where the job is to go on (q_migrate); empty: wherever there is room."""
    reason: str = ""
    """What more its history says of it."""


class NotSaved(Event, frozen=True):
    """The launch passed a fence and the host could not keep its state there: its disk is full, say. ``stopped``: the
    launch ended there as it was asked to; it goes on from the state before, and nobody is to blame."""

    job: str
    fence: int
    message: str
    stopped: bool


class Recalled(Event, frozen=True):
    """The host read the packed graph that a ``Recall`` effect asked for; what cannot be read comes as ``Refused``."""

    key: str
    graph: bytes


class NotInterrupted(Event, frozen=True):
    """The launch could not do what an ``Interrupt`` asked (it has no more fences, or its engine cannot): it goes on.
    ``epoch``: epochs behind it where it was asked, -1 when it does not say."""

    job: str
    fence: int
    ref: str
    kind: str
    message: str
    epoch: int = -1


class TenantSet(Record, frozen=True):
    """Journal record: the operator made the tenant or changed it (its quotas, its weight, suspension)."""

    config: TenantConfig


class TokenIssued(Record, frozen=True):
    """Journal record: a token was made. The token itself is never recorded; ``serial`` is in it."""

    tenant: str
    serial: str
    expires_ns: int
    rights: tuple[str, ...]
    limited: bool = False
    """``rights`` is all it was issued with; False: it speaks for whatever the tenant may."""


class TokenRevoked(Record, frozen=True):
    """Journal record: the token, or with ``serial`` empty every token of the tenant so far, is void."""

    tenant: str
    serial: str = ""


class ChannelChanged(Record, frozen=True):
    """Journal record: a channel was proposed, approved, used or closed; the whole new state, as
    ``objects.channel.Channel`` has it."""

    channel: str
    state: dict[str, Any]


class ChannelForgotten(Record, frozen=True):
    """Journal record: the channel has ended long ago, and goes with its records."""

    channel: str


class JobState(Record, frozen=True):
    """Journal record: all that the job's records so far but the first come to; see ``condensing``. ``started``: a
    launch of it is out that the journal knows of. ``left_ns``: the engine time it is predicted to take yet. ``holds``:
    its Bell pairs are spent."""

    job: str
    state: dict[str, Any]
    checkpoints: tuple[Checkpoint, ...] = ()
    started: bool = False
    left_ns: int = 0
    holds: bool = False


class SharesSettled(Record, frozen=True):
    """Journal record: the virtual times of all tenants, as ``schedule.State.accounts`` has them."""

    times: dict[str, int]


class CheckpointDropped(Record, frozen=True):
    """A checkpoint's retention ended; the host may say so too. (Those of a job that is forgotten go with it.)"""

    checkpoint: str
    job: str = ""


class Forgotten(Record, frozen=True):
    """Journal record: an ended job's retention ended. It goes with its result, checkpoints and records, this one; if
    it stands in the archive of this number, this record goes with that."""

    job: str
    archive: int = 0


class Cancelled(Record, frozen=True):
    """Journal record: the job was cancelled (by a call, or by its time limit when ``timeout`` is True)."""

    job: str
    reason: str = ""
    timeout: bool = False
    skew_ns: int = 0


Ending = Finished | Failed | Cancelled
"""A record that may end a job."""


class TimerFired(Event, frozen=True):
    """A timer set by ``SetTimer`` came due. Of the time slice of a launch, ``waited_ns`` was spent waiting for a
    processor."""

    key: str
    waited_ns: int = 0


class ConnectionClosed(Event, frozen=True):
    conn: int


class Recovered(Record, frozen=True):
    """The journal was replayed into a fresh kernel; everything that was running is to be launched again.

    ``used``: tenant to quota to what the ledger says was used in the current period. ``audit_seq``, ``audit_head``,
    ``audit_open``, ``audit_epoch``: the end of the audit log: entries so far, the last hash (hexadecimal), the hashes
    of the entries of the epoch that has no signed root yet, and the last entry's epoch. ``adopted``: (job, fence) of
    launches that the launcher still runs. ``generation``: starts of the daemon so far; the kernel fills it in, and what
    ``kernel.clock`` keeps: ``skew_ns`` and ``spent_from_ns``."""

    used: dict[str, dict[str, float]] = {}
    audit_seq: int = 0
    audit_head: str = ""
    audit_open: tuple[str, ...] = ()
    audit_epoch: int = -1
    adopted: tuple[tuple[str, int], ...] = ()
    generation: int = 0
    skew_ns: int = 0
    spent_from_ns: int = 0


class ClockStepped(Record, frozen=True):
    """The wall clock was set ``by_ns`` ahead (negative: back) while the daemon ran. The kernel fills in the rest, as in
    ``Recovered``."""

    by_ns: int
    skew_ns: int = 0
    spent_from_ns: int = 0


class ShuttingDown(Record, frozen=True):
    """No new jobs; waits are answered; running jobs stay in the journal for the next start."""
