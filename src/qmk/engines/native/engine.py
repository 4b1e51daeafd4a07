"""Programs on the native core: converted once, routed once for each number of shots, run without Python in the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import qmk_native
from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.engines.native import DECLARATION
from qmk.engines.native.loss import PatternPlan, TableauPlan
from qmk.engines.native.strings import ChainObserver, PauliObserver
from qmk.ir.lazy import lazy
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, LossEvent, Program, Register
from qmk.qvm.graph import Graph
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported
from qmk.worker import native, parts


class NativeEngine:
    """See ``DECLARATION``. Method "auto" takes whichever method is predicted to be fastest."""

    version: str = qmk_native.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        if method not in DECLARATION.methods:
            raise Unsupported(f"no method '{method}'; there are {', '.join(DECLARATION.methods)}")
        if "counts" not in DECLARATION.methods[method].outputs:
            raise Unsupported(f"method {method} draws no shots: it gives expectation values")
        lossy = "loss" in DECLARATION.methods[method].noise and any(
            isinstance(x, LossEvent) for x in program.instructions
        )
        if method == "tableau" or lossy:
            return self._losing(program, method)
        try:
            every = (Register("", tuple(range(program.n_cbits))),)  # events show what registers may not
            circuit = circuit_of(replace(program, post=(), registers=every))
        except QmkError as refused:
            raise Unsupported(refused.message) from refused
        return NativePlan(circuit, method)

    def prepare_graph(self, graph: Graph, method: str, packed: bytes) -> tuple[native.Prepared, dict[str, Any]] | None:
        """A plan of a graph as the core reads it, and notes; None for what ``prepare`` has to take (lost atoms) or to
        refuse."""
        return None if method in ("tableau", "pauli") else native.prepare_graph(graph, method, packed)

    def _losing(self, program: Program, method: str) -> Plan:
        try:
            most = DECLARATION.methods[method].max_qubits
            if most is not None and program.n_qubits > most:
                raise Unsupported(f"{program.n_qubits} qubits: method {method} holds at most {most}")
            if method == "tableau":
                return TableauPlan(program, prepare_lossless)
            circuit_of(replace(program, post=()), [])
        except (QmkError, ValueError) as refused:
            raise Unsupported(str(refused)) from refused
        return PatternPlan(program, method, prepare_lossless)

    def observe(self, program: Program, method: str) -> NativeObserver | PauliObserver | ChainObserver:
        try:
            return {"pauli": PauliObserver, "mps": ChainObserver}.get(method, NativeObserver)(program)
        except QmkError as refused:
            raise Unsupported(refused.message) from refused


def prepare_lossless(program: Program, method: str) -> Plan:
    """A plan of a program without losses."""
    return NativeEngine().prepare(program, method)


class NativeObserver:
    """The final state in double precision, as the dense simulator has it."""

    def __init__(self, program: Program) -> None:
        self._circuit = circuit_of(program)
        names = [item.name for item in program.instructions if isinstance(item, Gate) for _ in item.params]
        self._n_angles = len(names)
        # A circuit leaves global phases out, and no value depends on their angles.
        self._places = [at for at, name in enumerate(names) if name != "gphase"]

    @lazy
    def _plan(self) -> qmk_native.DensePlan:
        return qmk_native.DensePlan(self._circuit, "f64", native.MEMORY_BYTES)

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return (parts.look_at(self._circuit, native.MEMORY_BYTES) or self._plan).expectation(paulis)

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        return np.frombuffer(self._plan.state(), dtype=np.complex128)

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        return self._plan.amplitudes(bitstrings)

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        return self._plan.probabilities(qubits)

    def gradient(self, observable: Sequence[tuple[str, float]], /) -> tuple[float, list[float]]:
        value, of_circuit = self._plan.gradient(observable)
        slopes = [0.0] * self._n_angles
        for at, slope in zip(self._places, of_circuit, strict=True):
            slopes[at] = slope
        return value, slopes

    def sweep(self, angles: Sequence[Sequence[float]], paulis: Sequence[str], /) -> list[list[float]]:
        rows = self._plan.sweep([[point[at] for at in self._places] for point in angles], paulis)
        return cast("list[list[float]]", rows)


class NativePlan:
    """A circuit whose bits are wanted, not only its counts."""

    def __init__(self, circuit: qmk_native.Circuit, method: str) -> None:
        self._prepared = native.Prepared(circuit, method)
        self._method = method

    def __reduce__(self) -> tuple[Any, ...]:
        circuit = self._prepared.circuit
        return _plan_of, ((circuit.n_qubits, circuit.n_cbits, *circuit.rows(), circuit.registers), self._method)

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        """Raises MemoryError when the state outgrows its bound."""

        def bits_of(samples: qmk_native.Samples) -> np.ndarray[Any, np.dtype[np.uint8]]:
            bits = np.frombuffer(samples.bits(), dtype=np.uint8).reshape(samples.shots, -1)
            return bits[:, : self._prepared.circuit.n_cbits]

        def show(shots_done: int, samples: qmk_native.Samples | None = None) -> bool:
            return bool(progress and progress(shots_done, None if samples is None else bits_of(samples)))

        drawn = self._prepared.draw(shots, seed, show if progress is not None else None)
        if progress is not None:
            progress(shots)
        return Samples(bits_of(drawn.samples), drawn.notes)


def _plan_of(circuit: tuple[Any, ...], method: str) -> NativePlan:
    return NativePlan(qmk_native.Circuit(*circuit), method)
