"""The branches of a set of shots, moved from fence to fence.

A branch is one history of outcomes: a quantum state, the classical bits so far, and the shots that share this history.
All branches take each step together; a measurement splits a branch by a seeded generator, with one number a shot where
both outcomes are possible and none where not. The order of branches and of numbers is fixed, so the generator's
position and the branches are all there is to a run. A backend supplies the states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from qmk.exact.checkpoint import Body, pack_owners, pack_rows
from qmk.exact.rng import Rng
from qmk.exact.simulator import TINY
from qmk.exact.uncompute import inverse_gates
from qmk.ir.bits import Bits, compute, compute_once, holds_once
from qmk.ir.program import Cond, Gate, KrausNoise, Logic, PauliNoise, PauliNoise2
from qmk.ir.steps import Observe, Run, Step, Steps
from qmk.qvm.op import Matrix

Shots = npt.NDArray[np.intp]


class State(Protocol):
    """A pure state of the program's qubits. ``gates`` are what the backend's ``compile`` made."""

    def apply(self, gates: Any, /) -> None: ...

    def chance(self, qubit: int, /) -> float:
        """Probability of outcome 1 of a Z measurement; noise below ``exact.TINY`` is dealt with by the caller."""
        ...

    def project(self, qubit: int, outcome: int, /) -> None:
        """What is left after that outcome, normalised."""
        ...

    def weight(self, matrix: Matrix, qubits: tuple[int, ...], /) -> float:
        """Squared norm of what ``matrix``, a Kraus operator, leaves. Only for engines that run general channels."""
        ...

    def transform(self, matrix: Matrix, qubits: tuple[int, ...], /) -> None:
        """What is left after that Kraus operator, normalised."""
        ...

    def copy(self) -> Self: ...

    def sample(self, qubits: list[int], shots: int, rng: Rng, /) -> Bits:
        """Outcomes of measuring all of ``qubits`` in Z, shape (shots, len(qubits)); the state may be used up. The
        number of random numbers depends only on the state, the qubits and the shots."""
        ...

    def to_bytes(self) -> bytes: ...

    def distance(self, other: Self, /) -> float:
        """0.0 for the same state; else how far apart, at most 2 (for amplitudes, the largest difference of one)."""
        ...


S = TypeVar("S", bound=State)
Made = TypeVar("Made", bound=State, covariant=True)


class Backend(Protocol[Made]):
    """Makes states of one program. It can be pickled."""

    @property
    def state_bytes(self) -> int:
        """Memory of one state; it decides how many shots are worked at once, so it may not vary."""
        ...

    def compile(self, gates: tuple[Gate, ...], /) -> Any:
        """Gates (their conditions aside) in the form that ``State.apply`` takes. Raises ``Unsupported``."""
        ...

    def zero(self) -> Made: ...

    def load(self, data: bytes, /) -> Made:
        """The inverse of ``State.to_bytes``. Raises ``ValueError`` for anything else, whatever the bytes."""
        ...


@dataclass(eq=False)
class Branch(Generic[S]):
    """``bits``: one byte a cbit. ``shots``: ascending numbers within the chunk."""

    state: S
    bits: bytearray
    shots: Shots


class Compiled(Generic[S]):
    """The circuits of a program's runs, forwards and backwards, and of single Paulis, made when first needed."""

    def __init__(self, backend: Backend[S]) -> None:
        self.backend = backend
        self._made: dict[tuple[int, bool], tuple[Run, Any]] = {}
        self._paulis: dict[tuple[str, int], Any] = {}

    def __call__(self, run: Run, backwards: bool = False) -> Any:
        key = (id(run), backwards)
        if key not in self._made:
            gates = inverse_gates(run.gates) if backwards else run.gates
            self._made[key] = (run, self.backend.compile(gates))  # the run is kept so that its id stays its own
        return self._made[key][1]

    def pauli(self, name: str, qubit: int) -> Any:
        """The circuit of a Pauli gate that no run of the program has."""
        key = (name, qubit)
        if key not in self._paulis:
            self._paulis[key] = self.backend.compile((Gate(name, (qubit,)),))
        return self._paulis[key]


class Population(Generic[S]):
    """The branches of one chunk, standing at fence ``epoch`` (0: the start)."""

    def __init__(
        self, steps: Steps, compiled: Compiled[S], branches: list[Branch[S]], shots: int, rng: Rng, epoch: int
    ) -> None:
        self.steps = steps
        self.branches = branches
        self.shots = shots
        self.rng = rng
        self.epoch = epoch
        self._compiled = compiled

    def advance(self) -> None:
        """Run one segment, to the next fence or, from the last, to the final read-out."""
        for step in self.steps.segments[self.epoch]:
            self._step(step)
        self.epoch += 1

    def rewind(self, epoch: int) -> bool:
        """Undo the segments after fence ``epoch``. False, with nothing changed, when one of them cannot be undone."""
        if not 0 <= epoch <= self.epoch or not self.steps.reversible(epoch, self.epoch):
            return False
        for segment in reversed(self.steps.segments[epoch : self.epoch]):
            for step in reversed(segment):
                self._undo(step)
        self.epoch = epoch
        return True

    def read_out(self, bits: Bits) -> None:
        """Sample the final measurements of every branch into the rows of its shots. The states are used up."""
        measured = [item for item in self.steps.final if not isinstance(item, Logic)]
        qubits = [item.qubit for item in measured]
        for branch in self.branches:
            rows = np.tile(np.frombuffer(bytes(branch.bits), dtype=np.uint8), (len(branch.shots), 1))
            seen = self._sample(branch, qubits) if qubits else None
            place = 0
            for item in self.steps.final:
                if isinstance(item, Logic):
                    compute(item, rows)
                elif seen is not None:
                    rows[:, item.cbit] = seen[:, place]
                    place += 1
            bits[branch.shots] = rows

    @property
    def body_bytes(self) -> int:
        return len(self.branches) * self._compiled.backend.state_bytes

    def pack(self) -> Body:
        bits = np.frombuffer(b"".join(branch.bits for branch in self.branches), dtype=np.uint8)
        return Body(
            rng=self.rng.position(),
            states=[branch.state.to_bytes() for branch in self.branches],
            bits=pack_rows(bits.reshape(len(self.branches), -1)),
            owners=pack_owners(self.shots, [branch.shots for branch in self.branches]),
        )

    def distance(self, other: Population[S]) -> float:
        pairs = list(zip(self.branches, other.branches, strict=False))
        alike = len(self.branches) == len(other.branches)
        if not alike or any(a.bits != b.bits or not np.array_equal(a.shots, b.shots) for a, b in pairs):
            return 2.0
        return max(a.state.distance(b.state) for a, b in pairs)

    def _step(self, step: Step) -> None:
        match step:
            case Run():
                circuit = self._compiled(step)
                for branch in self._taking(step.cond):
                    branch.state.apply(circuit)
            case Logic():
                for branch in self._taking(step.cond):
                    branch.bits[step.cbit] = compute_once(step, branch.bits)
            case Observe():
                self.branches = [part for branch in self.branches for part in self._observe(branch, step)]
            case PauliNoise() | PauliNoise2():
                self.branches = [part for branch in self.branches for part in self._disturb(branch, step)]
            case KrausNoise():
                self.branches = [part for branch in self.branches for part in self._decohere(branch, step)]
            case _:
                pass

    def _undo(self, step: Step) -> None:
        if isinstance(step, Logic):
            for branch in self.branches:
                branch.bits[step.cbit] = 0
        elif isinstance(step, Run):
            circuit = self._compiled(step, backwards=True)
            for branch in self._taking(step.cond):
                branch.state.apply(circuit)

    def _taking(self, cond: Cond | None) -> list[Branch[S]]:
        """The branches in which a step under ``cond`` happens."""
        return self.branches if cond is None else [b for b in self.branches if holds_once(cond, b.bits)]

    def _observe(self, branch: Branch[S], step: Observe) -> list[Branch[S]]:
        if step.cond is not None and not holds_once(step.cond, branch.bits):
            return [branch]
        one = branch.state.chance(step.qubit)
        parts = self._split(branch, (1 - one, one))
        for outcome, part in parts:
            part.state.project(step.qubit, outcome)
            if step.cbit >= 0:
                part.bits[step.cbit] = outcome
            elif outcome:
                part.state.apply(self._compiled.pauli("x", step.qubit))
        return [part for _, part in parts]

    def _disturb(self, branch: Branch[S], noise: PauliNoise | PauliNoise2) -> list[Branch[S]]:
        parts = self._split(branch, noise.chances)
        for error, part in parts:
            for gate in noise.gates(error):
                part.state.apply(self._compiled.pauli(gate.name, gate.qubits[0]))
        return [part for _, part in parts]

    def _decohere(self, branch: Branch[S], noise: KrausNoise) -> list[Branch[S]]:
        """A Kraus operator in each shot, with the weight of what it leaves of the state."""
        state = branch.state
        parts = self._split(branch, tuple(state.weight(matrix, noise.on) for matrix in noise.operators))
        for chosen, part in parts:
            part.state.transform(noise.operators[chosen], noise.on)
        return [part for _, part in parts]

    def _split(self, branch: Branch[S], chances: tuple[float, ...]) -> list[tuple[int, Branch[S]]]:
        """Throw for every shot of ``branch``, unless one outcome is certain: (outcome, its part) in ascending order."""
        likely = [chance if chance >= TINY else 0.0 for chance in chances]
        possible = [outcome for outcome, chance in enumerate(likely) if chance]
        if len(possible) == 1:
            return [(possible[0], branch)]
        bounds = np.cumsum(likely[: possible[-1]])  # an outcome of chance 0 has an empty interval
        fell = np.searchsorted(bounds, self._draw(branch), side="right")
        parts = [(outcome, branch.shots[fell == outcome]) for outcome in np.unique(fell).tolist()]
        rest = [(outcome, Branch(branch.state.copy(), bytearray(branch.bits), shots)) for outcome, shots in parts[1:]]
        branch.shots = parts[0][1]
        return [(parts[0][0], branch), *rest]

    def _draw(self, branch: Branch[S]) -> npt.NDArray[np.float64]:
        """A number in [0, 1) for each shot of the branch, which decide what it splits into."""
        return self.rng.uniform(len(branch.shots))

    def _sample(self, branch: Branch[S], qubits: list[int]) -> Bits:
        """What the final measurements of the branch's shots give."""
        return branch.state.sample(qubits, len(branch.shots), self.rng)
