"""Programs of evolutions and a final read-out, as matrix product states."""

from __future__ import annotations

import math
from importlib import metadata
from typing import Any

from qmk.base.errors import QmkError
from qmk.engines.tenpy import ACCURACY, DECLARATION, MAX_QUBITS, bond_cap, first_steps
from qmk.engines.tenpy.evolution import Evolution, chain, evolution
from qmk.engines.tenpy.interactions import Tails, compress
from qmk.engines.tenpy.state import State
from qmk.engines.tenpy.tdvp import Swept, evolve, ground, quick
from qmk.exact.evolved import EvolvedPlan
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.ir.program import Barrier, Gate, Logic, LossEvent, Measure, NoisyEvolution, Program
from qmk.sdk.engine import Unsupported

MOST_STEPS = 64.0
"""The most steps of a run, over those of the first run."""

COARSER = 3.0
"""The cutoff of the first run, over that of the others."""


SAFE = 2.0
"""The error of the later of two runs, over their distance: where errors fall in proportion to the step once would do,
and the rest is for what both leave out."""


class TenpyEngine:
    """See ``DECLARATION``."""

    def __init__(self) -> None:
        self.version: str = metadata.version("physics-tenpy")

    def prepare(self, program: Program, method: str) -> TenpyPlan:
        if method not in DECLARATION.methods:
            raise Unsupported(f"engine tenpy has no method '{method}'")
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} atoms: engine tenpy holds at most {MAX_QUBITS}")
        gates: list[Gate] = []
        reads: list[Measure | Logic] = []
        for item in program.instructions:
            if isinstance(item, Barrier):
                continue
            if isinstance(item, NoisyEvolution | LossEvent):
                raise Unsupported("noise, lost atoms, or three levels: engine tenpy follows one state of two levels")
            if getattr(item, "cond", None) is not None:
                raise Unsupported(f"{type(item).__name__.lower()} under a condition: engine tenpy has one state")
            if isinstance(item, Gate):
                _check(item, reads)
                gates.append(item)
            elif isinstance(item, Measure | Logic):
                reads.append(item)
            else:
                raise Unsupported(f"{type(item).__name__.lower()}: engine tenpy runs evolutions, then one read-out")
        return TenpyPlan(program.n_qubits, program.n_cbits, tuple(gates), tuple(reads), method)

    def observe(self, program: Program, method: str) -> State:
        return self.prepare(program, method).state()[0]


def _check(gate: Gate, reads: list[Measure | Logic]) -> None:
    if gate.name != "analog.rydberg":
        raise Unsupported(f"gate {gate.name}: engine tenpy runs evolutions of two levels alone")
    if any(isinstance(item, Measure) and item.qubit in gate.qubits for item in reads):
        raise Unsupported("an atom evolves after it was measured: engine tenpy runs evolutions, then one read-out")


class TenpyPlan(EvolvedPlan[Gate, State]):
    """Evolutions with the accuracy of a method."""

    def __init__(
        self, n_qubits: int, n_cbits: int, gates: tuple[Gate, ...], reads: tuple[Measure | Logic, ...], method: str
    ) -> None:
        super().__init__(n_qubits, n_cbits, gates, reads)
        self._method = method

    def __reduce__(self) -> tuple[Any, ...]:
        kind, args = super().__reduce__()
        return kind, (*args, self._method)

    def solve(self) -> tuple[State, dict[str, Any]]:
        """Raises RESOURCE_EXHAUSTED where the accuracy is not reached."""
        with quick():
            return _solve(self.parts, max(self.n_qubits, 2), self._method)

    def draw(self, state: State, shots: int, seed: int) -> Bits:
        return state.sample(shots, Rng(seed, "tenpy"))


def _solve(gates: tuple[Gate, ...], n: int, method: str) -> tuple[State, dict[str, Any]]:
    """Runs with more and more steps until two of them agree."""
    aim, cap = ACCURACY[method], bond_cap(n)
    site = chain(gates, n)
    parts = [evolution(gate, site) for gate in gates]
    whole = sum(part.duration for part in parts) or 1.0
    tails = [compress(part.pairs, aim.interaction / whole) for part in parts]
    factor, cutoff, last, error = 1.0, COARSER * aim.cutoff, None, 0.0
    while True:
        psi, told = _run(parts, tails, n, factor, cutoff, cap)
        if told.bond >= cap and cap < 2 ** (n // 2):
            raise _failure(f"the state is more entangled than bond dimension {cap}, for which {n} atoms have memory")
        if last is not None or not parts:
            error = 0.0 if last is None else SAFE * math.sqrt(max(0.0, 2 - 2 * abs(psi.overlap(last))))
            if error <= aim.distance:
                break
            if factor >= MOST_STEPS:
                raise _failure(f"the state's error is {error:.1e} after {told.steps} steps, {aim.distance:g} are asked")
        more = 2.0 if last is None else min(max(1.2 * (error / aim.distance) ** 0.5, 1.3), 4.0)
        factor, cutoff, last = factor * more, aim.cutoff, psi
    tensors = tuple(psi.get_B(k, form="B").transpose(["vL", "p", "vR"]).to_ndarray() for k in range(n))
    notes = {
        "solver": "tdvp",
        "state_error": error,
        "discarded_weight": told.discarded,
        "interaction_error": math.fsum(tail.left_out * part.duration for tail, part in zip(tails, parts, strict=True)),
        "cutoff": aim.cutoff,
        "bond_dimension": told.bond,
        "steps": told.steps,
    }
    return State(tensors, tuple(site)), notes


def _run(
    parts: list[Evolution], tails: list[Tails], n: int, factor: float, cutoff: float, cap: int
) -> tuple[Any, Swept]:
    psi, told = ground(n), Swept()
    for part, tail in zip(parts, tails, strict=True):
        evolve(psi, part, tail, math.ceil(factor * first_steps(part.winding)), cutoff, cap, told)
    return psi, told


def _failure(why: str) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"engine 'tenpy': {why}",
        engine="tenpy",
        help="make the evolution shorter, the array narrower, or the atoms fewer (engine rydberg is exact)",
    )
