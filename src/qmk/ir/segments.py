"""Divides a program into segments, each for the kind of simulator that is predicted to run it fastest.

There are three kinds: a tableau, for Clifford operations on any number of qubits; a vector of the amplitudes of those
qubits that are not in a known state; and a chain of tensors (a matrix product state). A state moves to another kind
between two segments. The native core prices the gates of vectors and chains. A program that has fences is divided at
those alone, so that a run always stands at one of its epochs; any other gets fences where its kind changes.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from qmk.ir.modifiers import clifford_steps
from qmk.ir.prediction import POINTS, Prediction
from qmk.ir.program import Barrier, Fence, Gate, Instruction, Measure, Noise, Program, Reset
from qmk.ir.resolver import angle_names
from qmk.ir.segment_costs import WIDEST, Costs, Stretch
from qmk.ir.steps import final_start, has_fences
from qmk.ir.support import Support
from qmk.qvm.families import OPS

if TYPE_CHECKING:
    from qmk_native import Circuit

Kind = Literal["tableau", "vector", "chain"]
KINDS: tuple[Kind, ...] = ("tableau", "vector", "chain")

MOST_CUTS = 6
"""Places, at most, where a change of kind is considered."""

CALM_OPS = 16
"""Operations after which a stretch in which the same qubits stay open is worth a segment."""

LOOK_OP_S = 4e-5
LOOK_SHARE = 0.1
"""Seconds that an operation takes to plan, and the part of a run, as predicted so far, that planning may take."""


class Segment(msgspec.Struct, frozen=True):
    """``start`` and ``stop`` are indexes of instructions. ``width``: qubits of a vector or a chain that are not known,
    at most; of a tableau all qubits."""

    kind: Kind
    start: int
    stop: int
    width: int


class SegmentPlan(msgspec.Struct, frozen=True):
    """``points``: shots and predicted seconds, as in ``Prediction``."""

    segments: tuple[Segment, ...]
    points: tuple[tuple[int, float], ...]
    memory_bytes: float

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(segment.kind for segment in self.segments)

    @property
    def changes(self) -> int:
        """How often the kind changes."""
        return sum(a.kind != b.kind for a, b in itertools.pairwise(self.segments))

    @property
    def text(self) -> str:
        parts: list[str] = []
        for segment in self.segments:
            ops = segment.stop - segment.start
            parts.append(f"{segment.kind} of {segment.width} qubits for {ops} operations")
        return ", then ".join(parts)


@functools.lru_cache(maxsize=4096)
def _clifford(name: str, params: tuple[float, ...]) -> tuple[tuple[str, tuple[int, ...]], ...] | None:
    op = OPS[f"core.{name}"]
    names = angle_names(op.name)
    if names is None:
        return None
    steps = clifford_steps(op.name, dict(zip(names, params, strict=True)))
    return None if steps is None else tuple((step.op.removeprefix("core."), step.operands) for step in steps)


def clifford_gates(gate: Gate) -> tuple[Gate, ...] | None:
    """The gate, its condition aside, as Clifford gates without angles; None where it is not Clifford."""
    if gate.name == "gphase":
        return ()
    found = _clifford(gate.name, gate.params)
    return None if found is None else tuple(Gate(name, tuple(gate.qubits[k] for k in on)) for name, on in found)


class _Place(msgspec.Struct, frozen=True, order=True):
    """What is known of the state before instruction ``at``: how many outcomes were open so far, and the qubits that
    may be open."""

    at: int
    splits: int
    open: frozenset[int]


class _Calm(msgspec.Struct, frozen=True, order=True):
    """A stretch in which the same qubits stay open, and its two ends."""

    length: int
    start: _Place
    stop: _Place


class _Look:
    """One pass over a program: places where its kind might change, and what is known of the state there."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.end = final_start(program.instructions)
        self.fenced = has_fences(program)
        self.tracker: Support | None = Support(program.n_qubits)
        self.open: set[int] = self.tracker.free
        self.splits = 0
        self._fixed: list[_Place] = []
        self._calm: list[_Calm] = []
        self._since = 0, 0
        for at, item in enumerate(program.instructions[: self.end]):
            self._step(at, item)
        self._end_calm(self.end)

    @property
    def places(self) -> list[_Place]:
        """The start, at most ``MOST_CUTS`` places or the program's own fences, and the end, in order."""
        found = {place.at: place for place in self._fixed[: None if self.fenced else MOST_CUTS // 2]}
        for calm in sorted(self._calm, reverse=True):
            for place in (calm.stop, calm.start):
                if not self.fenced and len(found) < MOST_CUTS:
                    found.setdefault(place.at, place)
        found[0] = _Place(0, 0, frozenset())
        if self.end:
            found[self.end] = self._place(self.end)
        return sorted(place for place in found.values() if place.at <= self.end)

    def _place(self, at: int) -> _Place:
        return _Place(at, self.splits, frozenset(self.open))

    def _suggest(self, at: int) -> None:
        if not self.fenced:
            self._fixed.append(self._place(at))

    def _end_calm(self, at: int) -> None:
        """Ends a stretch before instruction ``at``, which changes what is open."""
        start, splits = self._since
        if self.tracker is None and at - start >= CALM_OPS:
            stop = self._place(at)
            self._calm.append(_Calm(at - start, _Place(start, splits, stop.open), stop))
        self._since = at + 1, self.splits

    def _step(self, at: int, item: Instruction) -> None:
        match item:
            case Gate():
                self._gate(at, item)
            case Measure(qubit, _, cond) | Reset(qubit, cond):
                self._observe(at, qubit, cond is not None)
            case Noise():
                self.splits += 1
            case Fence():
                self._fixed.append(self._place(at + 1))
            case _:
                pass

    def _gate(self, at: int, gate: Gate) -> None:
        steps = clifford_gates(gate)
        if self.tracker is not None and steps is not None and (gate.cond is None or gate.name in "xyz"):
            self.tracker.apply(steps)
            return
        if gate.name == "gphase":
            return
        self._leave_tableau(at)
        if not self.open.issuperset(gate.qubits):
            self._end_calm(at)
            if len(self.open) <= WIDEST < len(self.open | set(gate.qubits)):
                self._suggest(at)
            self.open.update(gate.qubits)

    def _leave_tableau(self, at: int) -> None:
        if self.tracker is not None:
            self._suggest(at)
            self.tracker, self.open = None, set(self.open)
            self._since = at, self.splits

    def _observe(self, at: int, qubit: int, conditional: bool) -> None:
        if self.tracker is not None and not conditional:
            self.splits += self.tracker.measure(qubit)
            return
        self._leave_tableau(at)
        if qubit not in self.open:
            return
        if conditional:
            self.splits += 1
            return
        self._end_calm(at)
        self.splits += 1
        self._since = at + 1, self.splits
        self.open.discard(qubit)
        if not self.open:  # every qubit is known again, whatever came before
            self._suggest(at + 1)
            self.tracker = Support(self.program.n_qubits)
            self.open = self.tracker.free


def _stretches(look: _Look) -> list[Stretch]:
    """The stretches between two places, with what decides their price."""
    out: list[Stretch] = []
    for here, there in itertools.pairwise(look.places):
        items = look.program.instructions[here.at : there.at]
        gates = [item for item in items if isinstance(item, Gate) and item.name != "gphase"]
        touched = frozenset(qubit for gate in gates for qubit in gate.qubits)
        out.append(
            Stretch(
                start=here.at,
                stop=there.at,
                gates=gates,
                clifford=all(clifford_gates(gate) is not None for gate in gates),
                before=here.open,
                vector=here.open | touched,
                after=there.open,
                observes=sum(not isinstance(item, Gate | Barrier) for item in items),
                splits=there.splits,
            )
        )
    return out


def plan(program: Program, shots: int = POINTS[1]) -> SegmentPlan | None:
    """The cheapest division for about ``shots`` shots; None where no kind takes some part of the program."""
    look = _Look(program)
    stretches = _stretches(look)
    if len(stretches) > 4 * MOST_CUTS:  # of many fences: those that nothing tells apart are planned alike
        stretches = _join(stretches)
    costs = Costs(program.n_qubits, sum(isinstance(item, Measure) for item in program.instructions[look.end :]))
    best = _cheapest(stretches, costs, shots)
    if best is None:
        return None
    rows = zip(best, stretches, strict=True)
    segments = [Segment(kind, row.start, row.stop, costs.width(kind, row)) for kind, row in rows]
    points = tuple((count, costs.seconds(best, stretches, count)) for count in POINTS)
    return SegmentPlan(tuple(_merge(segments)), points, costs.memory_bytes(best, stretches, shots))


def _join(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours that are alike in being Clifford, as one."""
    out: list[Stretch] = []
    for row in stretches:
        if out and out[-1].clifford == row.clifford:
            last = out[-1]
            out[-1] = msgspec.structs.replace(
                last,
                stop=row.stop,
                gates=[*last.gates, *row.gates],
                vector=last.vector | row.vector,
                after=row.after,
                observes=last.observes + row.observes,
                splits=row.splits,
            )
        else:
            out.append(row)
    return out


def _merge(segments: Sequence[Segment]) -> list[Segment]:
    out: list[Segment] = []
    for segment in segments:
        if out and out[-1].kind == segment.kind:
            last = out[-1]
            out[-1] = Segment(last.kind, last.start, segment.stop, max(last.width, segment.width))
        else:
            out.append(segment)
    return out


def _cheapest(stretches: Sequence[Stretch], costs: Costs, shots: int) -> tuple[Kind, ...] | None:
    """The kinds of all stretches with the least predicted seconds, by going from place to place and keeping the best
    way to each kind."""
    ways: dict[Kind, tuple[Kind, ...]] = {kind: (kind,) for kind in KINDS}
    for at in range(1, len(stretches) + 1):
        priced = {way: costs.seconds(way, stretches[:at], shots) for way in set(ways.values())}
        kept: dict[Kind, tuple[Kind, ...]] = {}
        for way in sorted((way for way in priced if math.isfinite(priced[way])), key=lambda way: (priced[way], way)):
            kept.setdefault(way[-1], way)
        if not kept:
            return None
        if at == len(stretches):
            return next(iter(kept.values()))
        ways = {}
        for kind in KINDS:
            options: list[tuple[Kind, ...]] = [(*way, kind) for way in kept.values()]
            ways[kind] = min(options, key=lambda way: (costs.seconds(way, stretches[: at + 1], shots), way))
    return None


def with_fences(program: Program, found: SegmentPlan) -> Program:
    """``program`` with a fence before each segment but the first; one that has fences stays as it is."""
    if has_fences(program):
        return program
    out: list[Instruction] = []
    for epoch, segment in enumerate(found.segments, 1):
        out += program.instructions[segment.start : segment.stop]
        if epoch < len(found.segments):
            out.append(Fence(epoch=epoch))
    out += program.instructions[found.segments[-1].stop :]
    return msgspec.structs.replace(program, instructions=tuple(out))


def epoch_kinds(program: Program, found: SegmentPlan) -> tuple[Kind, ...]:
    """The kind of each epoch of ``program``, as it was planned, where it is run with the fences of ``with_fences``."""
    if not has_fences(program):
        return found.kinds
    starts = [0, *(at + 1 for at, item in enumerate(program.instructions) if isinstance(item, Fence))]
    kinds: list[Kind] = []
    for start in starts:
        kinds.append(next(row.kind for row in reversed(found.segments) if row.start <= start))
    return tuple(kinds)


def predict(circuit: Circuit, others: Prediction | None) -> Prediction | None:
    """A prediction for a circuit without fences, where a plan that changes kinds promises less than ``others``; None
    where none does, or planning costs too much of the run."""
    seconds = math.inf if others is None or others.may_fail else others.seconds(POINTS[1])
    if len(circuit) * LOOK_OP_S > LOOK_SHARE * seconds:
        return None
    from qmk.ir.native_circuit import program_of

    return prediction_of(plan(program_of(circuit)), len(circuit))


def prediction_of(found: SegmentPlan | None, ops: int) -> Prediction | None:
    """What a plan says to the router; None of one that stays with one kind."""
    if found is None or not found.changes:
        return None
    return Prediction(points=found.points, memory_bytes=found.memory_bytes, note=found.text, ops=ops)
