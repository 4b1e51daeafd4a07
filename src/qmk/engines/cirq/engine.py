"""Programs as Cirq's circuits of matrices, run by its simulators in double precision; the shots are drawn here."""

from __future__ import annotations

# Cirq has types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import cirq
import msgspec
import numpy as np

from qmk.engines.cirq import DECLARATION
from qmk.exact.readout import Amplitudes, Readout, VectorSampler, prepare, readout_of
from qmk.exact.rng import Rng
from qmk.ir.lazy import lazy
from qmk.ir.program import Gate, KrausNoise, Measure, Noise, PauliNoise, PauliNoise2, Program
from qmk.ir.unitary import matrix_of, split_controls
from qmk.qvm.matrices import X, Y, Z
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

_PAULIS = [np.eye(2), np.array(X), np.array(Y), np.array(Z)]


def operation_of(gate: Gate) -> cirq.Operation:
    """A gate as the matrix that it is, controls apart."""
    if gate.name != "mod":
        return _on(matrix_of(gate), gate.qubits)
    base, targets, controls, values = split_controls(gate)
    made = _on(base, targets)
    return made.controlled_by(*_lines(controls), control_values=list(map(int, values))) if controls else made


def channel_of(noise: Noise) -> cirq.Operation:
    """A channel by its Kraus operators. Raises Unsupported for one that is not on qubits."""
    if isinstance(noise, KrausNoise):
        operators = [np.array(each) for each in noise.operators]
    elif isinstance(noise, PauliNoise):
        operators = [np.sqrt(chance) * pauli for chance, pauli in zip(noise.chances, _PAULIS, strict=True)]
    elif isinstance(noise, PauliNoise2):
        pairs = [np.kron(a, b) for a in _PAULIS for b in _PAULIS]
        operators = [np.sqrt(chance) * pair for chance, pair in zip(noise.chances, pairs, strict=True)]
    else:
        raise Unsupported("a noisy evolution: cirq runs channels on qubits")
    return cirq.KrausChannel(operators).on(*_lines(noise.qubits))


def _on(matrix: Any, qubits: tuple[int, ...]) -> cirq.Operation:
    return cirq.MatrixGate(np.asarray(matrix, dtype=complex), unitary_check=False).on(*_lines(qubits))


def _lines(qubits: Any) -> list[cirq.LineQubit]:
    return [cirq.LineQubit(int(qubit)) for qubit in qubits]


def _amplitudes(readout: Readout) -> Amplitudes:
    """The final state; qubit 0 is the highest bit of an index."""
    circuit = cirq.Circuit(operation_of(gate) for gate in readout.gates if gate.name != "id")
    simulator = cirq.Simulator(dtype=np.complex128)
    result = simulator.simulate(circuit, qubit_order=cirq.LineQubit.range(max(readout.n_qubits, 1)))
    return np.ascontiguousarray(result.final_state_vector)


def maker(readout: Readout, _method: str) -> VectorSampler:
    return VectorSampler(readout, lambda: _amplitudes(readout), first_highest=True)


@dataclass(frozen=True)
class DensityPlan:
    """A program with channels. Pickles as the program."""

    program: Program

    @lazy
    def sampler(self) -> VectorSampler:
        """Draws from the diagonal of the density matrix."""
        clean = tuple(item for item in self.program.instructions if not isinstance(item, Noise))
        without = msgspec.structs.replace(self.program, instructions=clean)
        readout = readout_of(without, "cirq", DECLARATION.methods["density_matrix"])
        operations: list[cirq.Operation] = []
        gone: set[int] = set()
        for item in self.program.instructions:
            if isinstance(item, Measure):
                gone.add(item.qubit)
            elif isinstance(item, Noise) and gone.isdisjoint(item.qubits):
                operations.append(channel_of(item))
            elif isinstance(item, Noise) and not gone.issuperset(item.qubits):
                raise Unsupported("a channel on a qubit after its measurement and on another one")
            elif isinstance(item, Gate) and item.qubits and item.name != "id":
                operations.append(operation_of(item))
        return VectorSampler(readout, lambda: _chances(operations, readout.n_qubits), first_highest=True)

    def __getstate__(self) -> dict[str, Any]:
        return {"program": self.program}

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        readout = self.sampler.readout
        if shots and readout.qubits:
            bits[:, list(readout.cbits)] = self.sampler(shots, Rng(seed, "cirq", "density_matrix"))
        if progress is not None:
            progress(shots)
        return Samples(bits)


def _chances(operations: list[cirq.Operation], n_qubits: int) -> Amplitudes:
    """Amplitudes with the probabilities of the final density matrix."""
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    result = simulator.simulate(cirq.Circuit(operations), qubit_order=cirq.LineQubit.range(max(n_qubits, 1)))
    matrix: Any = result.final_density_matrix
    chances = np.clip(np.real(np.diagonal(matrix)), 0.0, None)
    return np.sqrt(chances).astype(np.complex128)


class CirqEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("cirq-core")

    def prepare(self, program: Program, method: str) -> Plan:
        if method != "density_matrix":
            return prepare(program, method, DECLARATION.methods, "cirq", maker)
        plan = DensityPlan(program)
        _ = plan.sampler  # what it cannot run is refused now
        return plan
