"""What passes between the host and a worker: length-prefixed MessagePack over a socket pair.

Host to worker: ``Run``, ``Ask``, ``Reply``, ``Stop``. Worker to host: ``Ready`` once, then for every Run some
``RunProgress``, ``StateSaved`` and ``Call``, and one ``Done``, ``Failed`` or ``StateSaved`` with ``stopped``. A worker
runs one job at a time; cancelling is killing the worker. Every message carries the ``fence`` of the launch; the kernel
ignores answers whose fence is not the job's current one.

A worker hears an ``Ask`` at the fences of the program it runs, and answers with ``StateSaved`` or ``NotDone``. While an
engine computes it hears nothing, and a run that is not fenced, or has passed its last fence, is not interrupted: then
its ``Done`` is all the answer there is.

What passes between the host and a translator is in ``host.translations``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi.shapes import Footprint
from qmk.qvm.graph import Output
from qmk.qvm.outputs import Outputs, Values


class Blocks(msgspec.Struct, frozen=True):
    """A run that is divided into ``count`` blocks, each a job on ``engine`` with the wishes of ``policy``."""

    count: int
    engine: str
    policy: dict[str, Any] = {}


class Run(msgspec.Struct, frozen=True, tag="run"):
    """``graph`` is packed (``qvm.graph.pack``), or None when the worker already holds ``digest``."""

    fence: int
    digest: str
    graph: bytes | None
    method: str
    shots: int
    seed: int
    keep_events: bool = True
    start: bytes | None = None
    """Saved state to continue from; one that does not fit gives ``Failed`` UNSUPPORTED with a field ``start``."""
    outputs: Outputs | None = None
    """What to give beyond counts."""
    scope: str = ""
    """The tenant whose program it is. A plan kept for one scope is not used for another."""
    save_fences: bool = False
    """Send ``StateSaved`` at fences as it goes, as often as it costs little beside the run."""
    partials: bool = False
    """Send what the shots gave so far, now and then."""
    blocks: Blocks | None = None
    """Run none of it here: have its blocks run as jobs, by ``Call``s, and join what they give."""


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """To a worker that is running ``fence``: do ``kind`` at the next fence of the program.

    "save": ``StateSaved`` and go on. "yield": ``StateSaved`` with ``stopped`` and be idle. "rewind": go back to the end
    of epoch ``epoch``, then as "yield". ``ref`` comes back in the answer."""

    fence: int
    ref: str
    kind: str
    epoch: int = 0


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Finish and exit."""


class Load(msgspec.Struct, frozen=True, tag="load"):
    """To the first process of a virtual machine: the arguments of its worker. ``frozen``: say ``Ready`` when the engine
    is loaded, and wait to be copied."""

    arguments: list[str]
    frozen: bool = False


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """To a virtual machine, or a copy of one: random bytes and a time that are its own."""

    entropy: bytes
    time_ns: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """``pid``: the process id of the worker, outside of its jail; 0 for one in a virtual machine."""

    engine: str
    version: str
    pid: int


class Born(msgspec.Struct, frozen=True, tag="born"):
    """From a zygote: the first process of the jail that was asked for, a child of the host."""

    pid: int


class Partial(msgspec.Struct, frozen=True):
    """What the first ``shots`` shots of a run gave, or its first points (``values``), while the rest is computed.
    ``notes`` say what is left out."""

    shots: int
    counts: dict[str, int] = {}
    registers: list[Output] = []
    values: Values | None = None
    notes: dict[str, Any] = {}


class RunProgress(msgspec.Struct, frozen=True, tag="progress"):
    """``epoch``: epochs behind the shots under way, in a fenced run. ``partial``: where the method has some shots
    before others, now and then."""

    fence: int
    shots_done: int
    epoch: int = 0
    partial: Partial | None = None


class Done(msgspec.Struct, frozen=True, tag="done"):
    """``counts``: printed bitstring to number of shots. ``event_bits``: numpy.packbits of (shots, n event bits) row by
    row, each row padded to whole bytes; columns follow ``event_names``, a two-bit event taking two columns.
    ``peak_rss_bytes``: most resident memory of the process during this run, its engine's libraries and kept plans
    included; since the process's start where the system cannot begin anew (see ``worker.memory``).
    """

    fence: int
    counts: dict[str, int]
    registers: list[Output]
    event_names: list[str]
    event_widths: list[int]
    event_bits: bytes
    shots: int
    prepare_s: float
    run_s: float
    cpu_s: float
    peak_rss_bytes: int
    notes: dict[str, Any]
    isolation: str = ""
    """The level that the worker was at; the host fills it in."""
    values: Values | None = None
    """What ``Run.outputs`` asked for; without counts among it, ``counts`` is empty."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """``kind`` is a name of ``base.errors.KINDS``; ``missing_graph`` asks the host to send the graph's bytes again."""

    fence: int
    kind: str
    message: str
    fields: dict[str, Any] = {}
    missing_graph: bool = False


class Rewrite(msgspec.Struct, frozen=True):
    """The graph is that of a job with ``epoch`` epochs behind it, which took ``before`` so far: only the rest is to be
    written, under the calibration's rates at second ``calibrated_s``, at a distance that is chosen, or with ``keep`` at
    the one that it has. ``others``: the load of the decoder by other jobs that are out."""

    epoch: int
    before: Footprint
    calibrated_s: float
    keep: bool = False
    others: float = 0.0


class StateSaved(msgspec.Struct, frozen=True, tag="saved"):
    """``epoch``: epochs behind the shots under way. ``ref`` is empty when nobody asked. ``stopped``: the run ended
    here, and the worker is idle."""

    fence: int
    ref: str
    epoch: int
    shots_done: int
    state: bytes
    stopped: bool = False


class NotDone(msgspec.Struct, frozen=True, tag="notdone"):
    """What was asked cannot be done, and why; the run goes on. (After a run's end nobody answers: ``Done`` says it.)
    ``epoch``: epochs behind the run where it was asked, -1 when it does not say."""

    fence: int
    ref: str
    message: str
    epoch: int = -1


class Call(msgspec.Struct, frozen=True, tag="call"):
    """From a running script: bytes of its connection to the daemon, on which it may submit jobs and wait for them."""

    fence: int
    data: bytes


class Reply(msgspec.Struct, frozen=True, tag="reply"):
    """To a running script: bytes of that connection."""

    fence: int
    data: bytes


ToWorker = Run | Ask | Reply | Stop
FromWorker = Ready | RunProgress | Done | Failed | StateSaved | NotDone
FromAnyWorker = FromWorker | Call
FromZygote = Ready | Born | Failed
