"""Programs of one evolution of an open system and a final read-out, by QuTiP's solvers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, cast

import msgspec
import numpy as np
import qutip as _qutip  # pyright: ignore[reportMissingTypeStubs]

from qmk.engines.qutip import DECLARATION
from qmk.engines.qutip.solve import Problem, Solved, problem
from qmk.exact.density import DensityMatrix
from qmk.exact.rng import Rng
from qmk.exact.statevector import StateVector
from qmk.ir.bits import Bits, compute
from qmk.ir.evolutions import OPEN
from qmk.ir.program import Barrier, Gate, Logic, Measure, NoisyEvolution, Program
from qmk.models.dynamics import checks, matrices
from qmk.models.dynamics.matrices import Array
from qmk.qvm.families.dynamics import Model
from qmk.qvm.outputs import Estimate
from qmk.sdk.engine import Progress, Samples, Unsupported

qutip: Any = _qutip
KEPT = 4
"""Solutions that stay, so that counts and values of one job take one."""

KEPT_BYTES = 1 << 26
"""States of a solution that may stay."""


class _Parts(msgspec.Struct, frozen=True):
    """A program taken apart: the evolution with its qubits, and what is read."""

    model: Model
    problem: Problem
    qubits: tuple[int, ...]
    reads: tuple[Measure | Logic, ...]


class QutipEngine:
    """See ``DECLARATION``."""

    def __init__(self) -> None:
        self.version: str = qutip.__version__
        self._known: OrderedDict[bytes, Solved] = OrderedDict()

    def prepare(self, program: Program, method: str) -> QutipPlan:
        return QutipPlan(program.n_qubits, program.n_cbits, _take(program, method), method, self)

    def observe(self, program: Program, method: str) -> StateVector | DensityMatrix:
        """The final state on all qubits: those that are in no subsystem are in 0."""
        if method in DECLARATION.methods and "density" not in DECLARATION.methods[method].outputs:
            raise Unsupported(f"the state at the end: method {method} of engine qutip does not have it on qubits")
        found = _take(program, method)
        final = self.solution(found, method, 0, 0).final
        places = matrices.of_qubits(found.model.levels)
        n, m = program.n_qubits, len(found.qubits)
        others = [q for q in range(n) if q not in found.qubits]
        order = [(*found.qubits, *others).index(q) for q in range(n)]
        shape = (2,) * n
        if final.ndim == 1:
            vector = np.zeros(1 << m, dtype=np.complex128)
            vector[places] = final
            whole = cast("Array", np.kron(vector, np.eye(1, 1 << (n - m))[0])).reshape(shape)
            return StateVector(whole.transpose(order).reshape(-1), n)
        matrix = np.zeros((1 << m, 1 << m), dtype=np.complex128)
        matrix[np.ix_(places, places)] = final
        rest = np.zeros((1 << (n - m), 1 << (n - m)))
        rest[0, 0] = 1.0
        whole = cast("Array", np.kron(matrix, rest)).reshape(shape * 2)
        return DensityMatrix(whole.transpose([*order, *(n + k for k in order)]).reshape(1 << n, 1 << n), n)

    def trajectory(
        self, program: Program, method: str, shots: int, seed: int
    ) -> tuple[list[float], dict[str, list[Estimate]]]:
        """Values of the observables at the times, with standard errors where they are of ``shots`` trajectories."""
        parts = _take(program, method)
        found, model = self.solution(parts, method, shots, seed), parts.model
        rows = {name: zip(found.values[name], found.errors[name], strict=True) for name in model.observables}
        return list(model.times), {name: [Estimate(float(v), float(e)) for v, e in row] for name, row in rows.items()}

    def solution(self, parts: _Parts, method: str, shots: int, seed: int) -> Solved:
        """The solution, the last ones kept; of ``shots`` trajectories where the method draws them."""
        drawn = (shots, seed) if method == "mcsolve" else ()
        key = msgspec.msgpack.encode((parts.model, method, drawn))
        found = self._known.pop(key, None)
        if found is None:
            found = parts.problem(shots, seed)
        self._known[key] = found
        while len(self._known) > KEPT or sum(one.nbytes for one in self._known.values()) > KEPT_BYTES:
            self._known.popitem(last=False)
        return found


def _take(program: Program, method: str) -> _Parts:
    """The program's evolution and what is read. Raises ``Unsupported`` for everything else."""
    if method not in DECLARATION.methods:
        raise Unsupported(f"engine qutip has no method '{method}'")
    most = DECLARATION.methods[method].max_qubits or 0
    if program.n_qubits > most:
        raise Unsupported(f"{program.n_qubits} qubits: method {method} of engine qutip holds at most {most}")
    evolution: Gate | NoisyEvolution | None = None
    reads: list[Measure | Logic] = []
    for item in program.instructions:
        if isinstance(item, Barrier):
            continue
        if getattr(item, "cond", None) is not None:
            raise Unsupported(f"{type(item).__name__.lower()} under a condition: engine qutip has one evolution")
        if isinstance(item, Measure | Logic):
            reads.append(item)
        elif isinstance(item, Gate | NoisyEvolution) and item.name == OPEN and not (evolution or reads):
            evolution = item
        else:
            what = getattr(item, "name", type(item).__name__.lower())
            raise Unsupported(f"{what}: engine qutip runs one dynamics.evolve, and then one read-out")
    if evolution is None:
        raise Unsupported("a program without an evolution: engine qutip runs one dynamics.evolve")
    if isinstance(evolution, NoisyEvolution) and (method == "sesolve" or evolution.lost):
        raise Unsupported("collapse operators, or a mixed initial state: method sesolve follows one state")
    model = checks.model_of(evolution.args)
    why = next(checks.faults(model), "")
    if why:
        raise Unsupported(why)
    return _Parts(model, problem(model, method), evolution.qubits, tuple(reads))


class QutipPlan:
    """One evolution, and shots of its end. A trajectory each where the method draws them."""

    def __init__(self, n_qubits: int, n_cbits: int, parts: _Parts, method: str, engine: QutipEngine) -> None:
        self._n_qubits, self._n_cbits = n_qubits, n_cbits
        self._parts, self._method, self._engine = parts, method, engine

    def __reduce__(self) -> tuple[Any, ...]:
        parts = msgspec.structs.replace(self._parts, problem=None)
        return _plan, (self._n_qubits, self._n_cbits, parts, self._method)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        qubits = self._parts.qubits
        found = self._engine.solution(self._parts, self._method, shots, seed)
        drawn: Bits = np.zeros((shots, self._n_qubits), dtype=np.uint8)
        places = found.draw(shots, Rng(seed, "qutip"))
        for at, qubit in enumerate(qubits):
            drawn[:, qubit] = (places >> (len(qubits) - 1 - at)) & 1
        bits: Bits = np.zeros((shots, self._n_cbits), dtype=np.uint8)
        for item in self._parts.reads:
            if isinstance(item, Measure):
                bits[:, item.cbit] = drawn[:, item.qubit]
            else:
                compute(item, bits)
        if progress is not None:
            progress(shots)
        return Samples(bits, dict(found.notes))


def _plan(n_qubits: int, n_cbits: int, parts: _Parts, method: str) -> QutipPlan:
    whole = msgspec.structs.replace(parts, problem=problem(parts.model, method))
    return QutipPlan(n_qubits, n_cbits, whole, method, QutipEngine())
