"""Result types at ``shots=0``: what a job has to give for them, and their values from what it gave.

``results`` are those of a graph's metadata (``frontends.braket.reader``), with targets that are places of its qubits.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np

from qmk.base.errors import QmkError
from qmk.exact.density import reduce
from qmk.gateway.braket.observables import PAULIS, size_of, strings, whole
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Observable, Outputs, Point

Results = list[dict[str, Any]]
TOMOGRAPHY = 5
"""Most qubits of a mixed state's density matrix that is made of expectation values."""


def require(results: Results, shots: int, n: int) -> None:
    """Raises ValueError where the results do not fit the shots, as Braket's simulators do."""
    kinds = {result["type"] for result in results}
    if not shots and not results:
        raise ValueError("Result types must be specified in the IR when shots=0")
    if not shots and "sample" in kinds:
        raise ValueError("sample can only be specified when shots>0")
    if shots and kinds & {"statevector", "amplitude", "densitymatrix", "adjoint_gradient"}:
        raise ValueError("statevector, amplitude, densitymatrix and adjoint_gradient are not available when shots>0")
    for state in (state for result in results for state in result.get("states", ())):
        if len(state) != n:
            raise ValueError(
                f"Length of state {state} for result type amplitude must be equivalent to number of qubits {n} in "
                "circuit"
            )


def is_mixed(graph: Graph) -> bool:
    """Whether noise or a reset makes the state that a graph ends in a mixed one."""
    return any(node.op.startswith("noise.") or node.op == "core.reset" for node in graph.nodes)


def phase_of(graph: Graph) -> float:
    """The global phase of a graph in radians that QMK's states leave out."""
    plain = [node for node in graph.nodes if node.guard is None]
    written = sum(float(node.args["gamma"]) for node in plain if node.op == "core.gphase")
    return written - math.pi / 4 * sum(node.op == "core.ecr" for node in plain)


def each(result: dict[str, Any], n: int) -> list[tuple[list[Any], list[int]]]:
    """The observables of a result with their targets: one, or one a qubit where no target is named."""
    factors = result["observable"]
    if "targets" in result:
        return [(factors, result["targets"])]
    if size_of(factors[0]) != 1 or len(factors) > 1:
        raise ValueError("an observable on all qubits is one of a single qubit")
    return [(factors, [place]) for place in range(n)]


class Asked:
    """``outputs`` of the job, and ``values`` of the results from its point."""

    def __init__(self, results: Results, n: int, mixed: bool) -> None:
        self.results, self.n, self.mixed = results, n, mixed
        self._observables: dict[Observable, int] = {}
        self._groups: dict[tuple[int, ...], int] = {}
        self._states: dict[str, int] = {}
        self._whole = False
        for result in results:
            self._value(result, None)
        self.outputs = Outputs(
            expectations=tuple(self._observables),
            probabilities=tuple(self._groups),
            amplitudes=tuple(self._states),
            state=self._whole,
            counts=False,
        )

    def values(self, point: Point, phase: float) -> list[Any]:
        """In the shapes of Braket's result types; ``phase`` is that of the graph."""
        self._factor = complex(math.cos(phase), math.sin(phase))
        return [self._value(result, point) for result in self.results]

    def _value(self, result: dict[str, Any], point: Point | None) -> Any:
        match result["type"]:
            case "statevector":
                return self._state(point)
            case "amplitude":
                return {state: self._amplitude(state, point) for state in result["states"]}
            case "probability":
                group = tuple(result.get("targets", range(self.n)))
                place = self._groups.setdefault(group, len(self._groups))
                return None if point is None else np.array([found.value for found in point.probabilities[place]])
            case "densitymatrix":
                return self._density(tuple(result.get("targets", range(self.n))), point)
            case kind:
                found = [self._moment(kind, *one, point) for one in each(result, self.n)]
                return found[0] if "targets" in result else found

    def _moment(self, kind: str, factors: list[Any], targets: list[int], point: Point | None) -> float:
        mean = self._mean(strings(factors, targets, self.n), point)
        if kind == "expectation":
            return mean
        return self._mean(strings(factors, targets, self.n, squared=True), point) - mean**2

    def _mean(self, observable: Observable, point: Point | None) -> float:
        place = self._observables.setdefault(observable, len(self._observables))
        return 0.0 if point is None else point.expectations[place].value

    def _amplitude(self, state: str, point: Point | None) -> complex:
        place = self._states.setdefault(state, len(self._states))
        return 0j if point is None else complex(*point.amplitudes[place]) * self._factor

    def _state(self, point: Point | None) -> Any:
        self._whole = True
        return None if point is None else np.frombuffer(point.state, dtype="<c16") * self._factor

    def _density(self, targets: tuple[int, ...], point: Point | None) -> Any:
        if not self.mixed:
            state = self._state(point)
            if state is None:
                return None
            rest = [k for k in range(self.n) if k not in targets]
            parts = state.reshape((2,) * self.n).transpose((*targets, *rest)).reshape(1 << len(targets), -1)
            return parts @ parts.conj().T
        if len(targets) > TOMOGRAPHY:
            raise QmkError(
                "UNSUPPORTED",
                f"the density matrix of {len(targets)} qubits of a mixed state; at most {TOMOGRAPHY} on a daemon",
                field="program",
                help="name fewer qubits, or compute it in this process",
            )
        found = np.zeros((1 << len(targets),) * 2, dtype=complex)
        for letters in itertools.product(PAULIS, repeat=len(targets)):
            text = ["I"] * self.n
            for target, letter in zip(targets, letters, strict=True):
                text[target] = letter
            matrix = functools.reduce(np.kron, (PAULIS[letter] for letter in letters))
            found += self._mean((("".join(text), 1.0),), point) * matrix / len(matrix)
        return found


def from_density(results: Results, n: int, rho: Any) -> list[Any]:
    """The values of results from the density matrix of all qubits."""
    return [_from_density(result, n, rho) for result in results]


def _from_density(result: dict[str, Any], n: int, rho: Any) -> Any:
    kind = result["type"]
    if kind in ("statevector", "amplitude", "adjoint_gradient"):
        raise QmkError(
            "UNSUPPORTED", f"a program with noise or resets has no {kind}", field="program",
            help="ask for the density matrix, probabilities or expectation values",
        )  # fmt: skip
    if kind in ("densitymatrix", "probability"):
        own = reduce(rho, tuple(result["targets"])) if "targets" in result else rho
        return own if kind == "densitymatrix" else own.diagonal().real.copy()
    found: list[float] = []
    for factors, targets in each(result, n):
        own, matrix = reduce(rho, tuple(targets)), whole(factors)
        mean = float(np.trace(own @ matrix).real)
        found.append(mean if kind == "expectation" else float(np.trace(own @ matrix @ matrix).real) - mean**2)
    return found[0] if "targets" in result else found
