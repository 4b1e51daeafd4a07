"""Runs whose state changes its kind between two epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import qmk_native

from qmk.base.errors import QmkError
from qmk.engines.segments import chain, tableau, vector
from qmk.engines.segments.chain import ChainState
from qmk.engines.segments.gates import Gates, IndexedRng, ReadNumbers
from qmk.engines.segments.tableau import Tableau
from qmk.engines.segments.vector import VectorState
from qmk.exact.branching import BranchingPlan
from qmk.exact.checkpoint import Body
from qmk.exact.chunked import ChunkedExecution
from qmk.exact.population import Branch, Compiled, Population
from qmk.exact.rng import Rng
from qmk.exact.tableau import TableauBackend
from qmk.ir.bits import Bits
from qmk.ir.loss import refuse_loss_events
from qmk.ir.program import Gate, KrausNoise, Noise, Program
from qmk.ir.segment_costs import WIDEST
from qmk.ir.segments import KINDS, Kind, clifford_gates, epoch_kinds, plan, with_fences
from qmk.ir.steps import Observe, Run, Step, Steps
from qmk.qvm.op import Matrix
from qmk.sdk.engine import Plan, Samples, Unsupported

Inner = Tableau | VectorState | ChainState

_MOVES: dict[tuple[str, Kind], Any] = {
    ("tableau", "vector"): tableau.to_vector,
    ("tableau", "chain"): chain.of_tableau,
    ("vector", "tableau"): tableau.of_vector,
    ("vector", "chain"): chain.of_amplitudes,
    ("chain", "vector"): chain.to_amplitudes,
    ("chain", "tableau"): chain.to_tableau,
}
_MARKS: dict[str, bytes] = {"tableau": b"t", "vector": b"v", "chain": b"c"}


class MovingState:
    """A state of one kind or another (``exact.population.State``)."""

    __slots__ = ("inner",)

    def __init__(self, inner: Inner) -> None:
        self.inner = inner

    def become(self, kind: Kind) -> None:
        """Moves to another kind. Raises ``Unsupported`` where that kind does not hold this state, ``MemoryError`` where
        it has no room for it."""
        if self.inner.kind != kind:
            self.inner = _MOVES[self.inner.kind, kind](self.inner)

    def apply(self, gates: Gates) -> None:
        self.inner.apply(gates)

    def chance(self, qubit: int) -> float:
        return self.inner.chance(qubit)

    def project(self, qubit: int, outcome: int) -> None:
        self.inner.project(qubit, outcome)

    def weight(self, matrix: Matrix, qubits: tuple[int, ...]) -> float:
        raise Unsupported("engine segments has random Pauli errors only")

    def transform(self, matrix: Matrix, qubits: tuple[int, ...]) -> None:
        raise Unsupported("engine segments has random Pauli errors only")

    def copy(self) -> MovingState:
        return MovingState(self.inner.copy())

    def sample(self, qubits: list[int], shots: int, rng: Rng) -> Bits:
        raise AssertionError("a read-out goes by the numbers of its shots")

    def to_bytes(self) -> bytes:
        return _MARKS[self.inner.kind] + self.inner.to_bytes()

    def distance(self, other: MovingState) -> float:
        return self.inner.distance(other.inner)


@dataclass(frozen=True)
class MovingBackend:
    """``state_bytes``: of the largest state that the plan expects."""

    n_qubits: int
    state_bytes: int

    def compile(self, gates: tuple[Gate, ...]) -> Gates:
        return Gates(self.n_qubits, gates)

    def zero(self) -> MovingState:
        return MovingState(tableau.zero(self.n_qubits))

    def load(self, data: bytes) -> MovingState:
        mark, rest, n = data[:1], data[1:], self.n_qubits
        if mark == b"t":
            return MovingState(Tableau(TableauBackend(n).load(rest), n))
        if mark == b"v":
            return MovingState(vector.load_vector(rest, n))
        if mark == b"c":
            return MovingState(chain.load_chain(rest, n))
        raise ValueError("a state of an unknown kind")


class MovingPopulation(Population[MovingState]):
    """Branches that all change their kind at the start of an epoch, and whose random numbers go by branch point and
    shot."""

    def __init__(
        self,
        steps: Steps,
        compiled: Compiled[MovingState],
        branches: list[Branch[MovingState]],
        shots: int,
        rng: IndexedRng,
        epoch: int,
        kinds: tuple[Kind, ...],
    ) -> None:
        super().__init__(steps, compiled, branches, shots, rng, epoch)
        self._indexed = rng
        self._kinds = kinds
        self._point = sum(isinstance(step, Observe | Noise) for part in steps.segments[:epoch] for step in part)
        self._drawn: npt.NDArray[np.float64] | None = None
        self.lost = 0.0

    def advance(self) -> None:
        kind = self._kinds[self.epoch]
        try:
            for branch in self.branches:
                branch.state.become(kind)
        except Unsupported as refused:
            raise QmkError("UNSUPPORTED", f"at fence {self.epoch}: {refused}", engine="segments") from refused
        super().advance()
        self._note_loss()

    def read_out(self, bits: Bits) -> None:
        self._note_loss()
        super().read_out(bits)

    def _note_loss(self) -> None:
        self.lost = max([self.lost, *(branch.state.inner.infidelity for branch in self.branches)])

    def _step(self, step: Step) -> None:
        super()._step(step)
        if isinstance(step, Observe | Noise):
            self._point, self._drawn = self._point + 1, None

    def _draw(self, branch: Branch[MovingState]) -> npt.NDArray[np.float64]:
        if self._drawn is None:
            self._drawn = self._indexed.numbers("point", self._point, self.shots)
        return self._drawn[branch.shots]

    def _sample(self, branch: Branch[MovingState], qubits: list[int]) -> Bits:
        return branch.state.inner.read(ReadNumbers(self._indexed, self.shots, branch.shots))[:, qubits]


class MovingExecution(ChunkedExecution[Population[MovingState]]):
    """An execution that notes how much was cut off, in the chunks that it ran."""

    lost = 0.0

    def advance(self) -> bool:
        chunk = self.chunk
        more = super().advance()
        if isinstance(chunk, MovingPopulation):
            self.lost = max(self.lost, chunk.lost)
        return more

    def samples(self) -> Samples:
        assert isinstance(self.plan, SegmentsPlan), "no other makes one"
        return Samples(super().samples().bits, self.plan.notes(self.lost))


@dataclass(frozen=True)
class SegmentsPlan(BranchingPlan[MovingState]):
    """``kinds``: of each epoch. ``rows``: what is told of the segments in results."""

    kinds: tuple[Kind, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "kinds": self.kinds, "rows": self.rows}

    def rng(self, seed: int, done: int) -> IndexedRng:
        return IndexedRng(seed, done)

    def first(self, shots: int, rng: Rng) -> MovingPopulation:
        branch = Branch(self.backend.zero(), bytearray(self.n_cbits), np.arange(shots))
        return self._population([branch], shots, rng, 0)

    def load(self, body: Body, epoch: int, shots: int, rng: Rng) -> MovingPopulation:
        found = super().load(body, epoch, shots, rng)
        return self._population(found.branches, shots, rng, epoch)

    def _population(self, branches: list[Branch[MovingState]], shots: int, rng: Rng, epoch: int) -> MovingPopulation:
        assert isinstance(rng, IndexedRng), "it comes from the plan's own rng"
        return MovingPopulation(self.steps, self.circuits, branches, shots, rng, epoch, self.kinds)

    def execution(
        self, shots: int, seed: int, done: Bits | None = None, chunk: Population[MovingState] | None = None
    ) -> MovingExecution:
        return MovingExecution(self, shots, seed, done, chunk)

    def notes(self, lost: float) -> dict[str, Any]:
        moved = " to ".join(dict.fromkeys(self.kinds))
        return {"segments": list(self.rows), "simulator": moved, "infidelity_bound": lost}


class SegmentsEngine:
    """See ``DECLARATION``. Method "" divides a program where that is predicted to pay; the others stay with one kind,
    and give the same bits from the same seed."""

    version: str = qmk_native.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        refuse_loss_events(program, "segments")
        if any(isinstance(item, KrausNoise) for item in program.instructions):
            raise Unsupported("engine segments has random Pauli errors only")
        if method:
            return self.along(program, (_kind(method),), method)
        found = plan(program)
        if found is None:
            raise Unsupported("no division of the program into tableaus, vectors and chains has room for its state")
        fenced = with_fences(program, found)
        kinds = epoch_kinds(program, found)
        return self.along(
            fenced,
            kinds,
            widest=max((segment.width for segment in found.segments if segment.kind == "vector"), default=0),
        )

    def along(
        self, program: Program, kinds: tuple[Kind, ...], method: str = "", widest: int | None = None
    ) -> SegmentsPlan:
        """A plan whose epochs are of these kinds; one kind stands for all. ``widest``: qubits of the widest vector,
        None for all of the program. Raises ``Unsupported`` for a gate that is not Clifford in an epoch on a tableau."""
        made = SegmentsPlan(program, MovingBackend(program.n_qubits, 0), "segments")
        epochs = made.segments
        kinds = kinds * epochs if len(kinds) == 1 else kinds
        if len(kinds) != epochs:
            raise Unsupported(f"{len(kinds)} kinds for {epochs} epochs")
        rows = [_row(kind, segment) for kind, segment in zip(kinds, made.steps.segments, strict=True)]
        wide = program.n_qubits if widest is None else widest
        room = max(_state_bytes(kind, wide, program.n_qubits) for kind in kinds)
        backend = MovingBackend(program.n_qubits, room)
        version = f"{self.version} {'>'.join(kinds)}"
        return SegmentsPlan(program, backend, "segments", method, version, kinds, tuple(rows))


def _kind(method: str) -> Kind:
    for kind in KINDS:
        if kind == method:
            return kind
    raise Unsupported(f"engine segments has no method '{method}'; there are {', '.join(KINDS)}")


def _row(kind: Kind, steps: tuple[Step, ...]) -> dict[str, Any]:
    """What is told of an epoch. Raises ``Unsupported`` where it is not for its kind."""
    gates = [gate for step in steps if isinstance(step, Run) for gate in step.gates]
    if kind == "tableau":
        bad = next((gate for gate in gates if clifford_gates(gate) is None), None)
        if bad is not None:
            raise Unsupported(f"gate {bad.name} is not a Clifford gate, and its segment is to run on a tableau")
    touched = {qubit for gate in gates for qubit in gate.qubits}
    return {"kind": kind, "gates": len(gates), "qubits": len(touched)}


CHAIN_BYTES = 1 << 20
"""What a chain is reckoned with, whose bonds nobody knows before."""


def _state_bytes(kind: Kind, widest: int, n_qubits: int) -> int:
    if kind == "tableau":
        return TableauBackend(n_qubits).state_bytes
    return 16 << min(widest, WIDEST) if kind == "vector" else CHAIN_BYTES
