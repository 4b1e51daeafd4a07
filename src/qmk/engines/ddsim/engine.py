"""DDSIM's circuits, built without OpenQASM and sampled without measurements of its own.

ddsim 2.7 takes the index of the classical bit that a qubit is measured into for that of a qubit, and fails where a
program has more bits than qubits ("changePermutation ... injective mapping"); measurements between gates make it start
again for every shot. Here a circuit is gates only: ddsim then samples all qubits of the final state, and the columns
that the program reads are taken from that.
"""

from __future__ import annotations

import functools
from importlib import metadata
from typing import Any

import numpy as np

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.engines.ddsim import DECLARATION, DIAGRAM_BYTES
from qmk.exact.readout import Readout, prepare
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.ir.names import names
from qmk.ir.program import Gate, Program
from qmk.ir.resolver import angle_names
from qmk.ir.synthesis import mod_steps, zyz
from qmk.ir.unitary import split_controls
from qmk.qvm.families import OPS
from qmk.sdk import extension
from qmk.sdk.engine import Plan
from qmk.worker.process import memory_at_most

_NAMES = names("ddsim")
_X, _Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])


@functools.cache
def library() -> Any:
    """The simulator; ``mqt.ddsim`` itself would import Qiskit."""
    import mqt.core.dd  # pyright: ignore[reportMissingImports, reportUnusedImport]  # registers the types that the simulator takes
    import mqt.core.ir  # pyright: ignore[reportMissingImports, reportUnusedImport]  # noqa: F401

    return extension.load("mqt.ddsim.pyddsim", extension.folder_of("mqt.ddsim"))


def build(readout: Readout) -> Any:
    from mqt.core.ir import QuantumComputation  # pyright: ignore[reportMissingImports]

    circuit = QuantumComputation(max(readout.n_qubits, 1))
    for gate in readout.gates:
        _add(circuit, gate)
    return circuit


def _add(circuit: Any, gate: Gate) -> None:
    """Ddsim takes angles first, then controls, then targets."""
    qubits = gate.qubits
    match gate.name:
        case "id":
            return
        case "toffoli" | "ccz":
            getattr(circuit, _NAMES[gate.name])(set(qubits[:-1]), qubits[-1])
        case "mod":
            _apply_controlled(circuit, gate)
        case name:
            getattr(circuit, _NAMES[name])(*gate.params, *qubits)


def _apply_controlled(circuit: Any, gate: Gate) -> None:
    """Any number of controls on one qubit natively, anything else in exact steps."""
    base, targets, controls, values = split_controls(gate)
    if base.shape != (2, 2) or not controls:
        for step in mod_steps(gate.args, len(gate.qubits)):
            params = tuple(float(step.args[name]) for name in angle_names(step.op) or ())
            _add(circuit, Gate(OPS[step.op].short, tuple(gate.qubits[k] for k in step.operands), params))
        return
    flips = [control for control, value in zip(controls, values, strict=True) if not value]
    for qubit in flips:
        circuit.x(qubit)
    if np.array_equal(base, _X):
        circuit.mcx(set(controls), targets[0])
    elif np.array_equal(base, _Z):
        circuit.mcz(set(controls), targets[0])
    else:
        alpha, beta, gamma, delta = zyz(tuple(tuple(complex(x) for x in row) for row in base))
        circuit.mcu(gamma, beta, delta, set(controls), targets[0])
        circuit.mcp(alpha - (beta + delta) / 2, set(controls[:-1]), controls[-1])
    for qubit in flips:
        circuit.x(qubit)


class DiagramSampler:
    """Ddsim gives counts; which shot had which outcome is thrown here."""

    def __init__(self, readout: Readout) -> None:
        self.readout = readout
        self.circuit = build(readout)

    def __call__(self, shots: int, rng: Rng) -> Bits:
        seed = int(rng.words(1)[0] >> np.uint64(33))
        counts: dict[str, int] = {}
        try:
            with memory_at_most(DIAGRAM_BYTES):
                counts = library().CircuitSimulator(self.circuit, seed=seed).simulate(shots)
        except MemoryError:
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"the decision diagram of this state takes more than {bytes_text(DIAGRAM_BYTES)}",
                engine="ddsim",
                available_bytes=DIAGRAM_BYTES,
            ) from None
        words = sorted(counts)
        rows = np.frombuffer("".join(words).encode(), dtype=np.uint8).reshape(len(words), -1) - ord("0")
        columns = rows[:, [rows.shape[1] - 1 - qubit for qubit in self.readout.qubits]]
        repeated = np.repeat(columns, [counts[word] for word in words], axis=0)
        return repeated[np.argsort(rng.words(shots), kind="stable")]


def maker(readout: Readout, _method: str) -> DiagramSampler:
    return DiagramSampler(readout)


class DdsimEngine:
    def __init__(self) -> None:
        library()
        self.version: str = metadata.version("mqt.ddsim")

    def prepare(self, program: Program, method: str) -> Plan:
        return prepare(program, method, DECLARATION.methods, "ddsim", maker)
