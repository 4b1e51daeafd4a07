"""``qmk.sample``: the counts of a program, drawn in this process at the least cost.

The counts are those of ``qmk.run``, bit for bit; the rest of its result is left out. The native core reads OpenQASM,
rewrites it and runs it on whichever of its simulators is predicted to be fastest; other programs, and what the core's
reader leaves to the semantic front end, are verified graphs first. Where the prediction is long, the router looks at
every installed engine too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, overload

from qmk.abi.calls.q_result import Register
from qmk.api.executed import Executed
from qmk.api.execution import Executor
from qmk.api.results import layout_of
from qmk.api.source import Source
from qmk.client.counts import Counts, draw_run, summarize
from qmk.request.batches import BatchLike, is_batch
from qmk.request.options import RunOptions, read_options
from qmk.request.program import ProgramLike
from qmk.request.progress import showing
from qmk.request.signature import takes
from qmk.request.sweeps import PointsLike
from qmk.request.warn import warn_of_no_bits

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.client.batch import CountsBatch
    from qmk.request.keywords import SampleKeywords


class Sampled:
    """Shots of a program. ``counts`` maps a printed bitstring to its number of shots, registers left to right with a
    space between, and has the methods of ``qmk.Counts``, as in ``qmk.Result``. ``engine`` and ``method`` say what drew
    them; with them, ``seed`` and the same release of QMK, the same program and shots give the same bits."""

    def __init__(
        self,
        counts: Counts,
        shots: int,
        seed: int,
        engine: str,
        method: str,
        candidates: list[dict[str, Any]],
        left: dict[str, str] | None = None,
        notes: dict[str, Any] | None = None,
    ) -> None:
        self.counts = counts
        self.shots = shots
        self.seed = seed
        self.engine = engine
        self.method = method
        self.candidates = candidates
        """The ways that were looked at, the fastest first: method, predicted seconds, width, whether rewritten, note"""
        self.left = left or {}
        """Engines that were tried before and ran out of memory or refused, with what they said."""
        self.notes = notes or {}
        """Of the noise, and of the logical qubits, as in the provenance of a result."""

    def __repr__(self) -> str:
        shown = summarize(self.counts)
        return f"<Sampled {self.shots} shots on {self.engine}:{self.method}: {shown}, {len(self.counts)} outcomes>"

    def _repr_html_(self) -> str:
        return draw_run(self.counts, f"{self.shots} shots on {self.engine}:{self.method}, seed {self.seed}")


@overload
def sample(program: ProgramLike, points: None = None, **keywords: Unpack[SampleKeywords]) -> Sampled: ...


@overload
def sample(program: ProgramLike, points: PointsLike, **keywords: Unpack[SampleKeywords]) -> CountsBatch[Sampled]: ...


@overload
def sample(
    program: BatchLike, points: PointsLike | None = None, **keywords: Unpack[SampleKeywords]
) -> CountsBatch[Sampled]: ...


@takes("qmk.sample")
def sample(
    program: ProgramLike | BatchLike, points: PointsLike | None = None, **keywords: Unpack[SampleKeywords]
) -> Any:
    """Draw shots of ``program`` (see ``qmk.run`` for what it may be) and count them. Several programs, or ``points``,
    give a ``Batch``, as with ``qmk.run``.

    Engines that only ``engine`` takes: "native:frame", "native:dense", "native:dense64" (double precision),
    "native:mps", "native:cut". ``cache`` False: the text is read and planned anew, and nothing of it is kept.

    Raises ``QmkError``: INVALID_GRAPH with findings, UNSUPPORTED with the gaps of every engine, RESOURCE_EXHAUSTED with
    the memory needed, QUOTA_EXCEEDED beyond the limit ``shots``.
    """
    options = read_options("qmk.sample", keywords).replace(keep_events=False)
    if is_batch(program, points):
        from qmk.api.batches import draw_batch

        executor = Executor()
        return draw_batch(program, points, options, lambda one, there: _sample(executor, one, there))
    return _sample(Executor(), cast("ProgramLike", program), options)


def _sample(executor: Executor, program: ProgramLike, options: RunOptions) -> Sampled:
    with showing(options) as options:
        source = Source(program, options)
        found = executor.run(source)
        if found.prints_nothing:
            warn_of_no_bits()
        return _summarize(found, source)


def _summarize(found: Executed, source: Source) -> Sampled:
    notes = {name: note for name, note in {**found.notes, **source.notes}.items() if name in LABELS}
    left = {row["engine"]: row["message"] for row in found.fallbacks}
    if found.drawn is not None:
        method, candidates = found.drawn.simulator, found.drawn.candidates
    else:
        method = found.method
        candidates = [{"method": _name(row), "seconds": row["seconds"], "note": row["reason"]} for row in found.reasons]
    counts = Counts.of_run(found.counts, _layout(found))
    return Sampled(counts, source.shots, source.seed, found.engine, method, candidates, left, notes)


def _layout(found: Executed) -> list[Register]:
    """The registers of what was drawn, in printed order."""
    if found.drawn is not None:
        return layout_of(found.drawn)
    return found.stored.head.registers if found.stored is not None else []


LABELS = ("noise", "qec", "logical")
"""Notes that a ``Sampled`` has: of the noise and of the logical qubits."""


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['engine']}:{row['method']}" if row["method"] else str(row["engine"])
