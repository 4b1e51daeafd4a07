"""OpenQASM 2 by Qiskit's compiled reader, as a list of plain operations, for peers without a reader of their own."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from qiskit import QuantumCircuit, qasm2

Operation = tuple[str, tuple[float, ...], tuple[int, ...], tuple[int, ...]]
"""name, angles, qubits, cbits"""
FEEDBACK = "feedback:"
"""before the name of a Pauli that is applied when its one cbit is 1"""


class Refused(Exception):
    """The peer cannot take this circuit."""


def load(text: str) -> QuantumCircuit:
    if "OPENQASM 3" in text[:400]:
        from qiskit import qasm3

        return qasm3.loads(text)
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def unrolled(circuit: QuantumCircuit, known: frozenset[str]) -> QuantumCircuit:
    """``circuit`` with what is not ``known`` taken apart; unchanged, at no cost, when all is known."""
    for _ in range(8):
        unknown = {name for name in circuit.count_ops() if name not in known}
        if not unknown:
            return circuit
        circuit = circuit.decompose(sorted(unknown))
    raise Refused(f"operations {', '.join(sorted(unknown))}")


def operations(circuit: QuantumCircuit, feedback: bool = False) -> list[Operation]:
    """Raises ``Refused`` where an operation depends on a measurement; with ``feedback`` only where that is more than
    Paulis under one bit."""
    qubit = {bit: k for k, bit in enumerate(circuit.qubits)}
    cbit = {bit: k for k, bit in enumerate(circuit.clbits)}
    out: list[Operation] = []
    for item in circuit.data:
        operation = item.operation
        qubits = tuple(qubit[b] for b in item.qubits)
        if feedback and operation.name == "if_else":
            out.extend(_paulis(operation, qubits, cbit))
            continue
        if operation.name in ("if_else", "while_loop", "for_loop", "switch_case"):
            raise Refused("operations depend on measurements")
        angles = tuple(float(x) for x in operation.params)
        out.append((operation.name, angles, qubits, tuple(cbit[b] for b in item.clbits)))
    return out


def _paulis(operation: Any, qubits: tuple[int, ...], cbit: dict[Any, int]) -> list[Operation]:
    """An ``if`` as Paulis under one bit: of a register of one bit, or of a single bit."""
    condition = operation.condition
    if not isinstance(condition, tuple) or operation.blocks[1:] != ():
        raise Refused("a condition that is more than one bit")
    under, value = condition
    bits = [under] if under in cbit else list(under)
    if len(bits) != 1:
        raise Refused("a condition on several bits")
    out: list[Operation] = []
    block = operation.blocks[0]
    for item in block.data:
        name = item.operation.name
        if name not in ("x", "y", "z", "id", "barrier"):
            raise Refused(f"gate {name} under a condition")
        if name in ("x", "y", "z"):
            where = tuple(qubits[block.find_bit(bit).index] for bit in item.qubits)
            if not value:  # applied when the bit is 0: always, and again when it is 1
                out.append((name, (), where, ()))
            out.append((FEEDBACK + name, (), where, (cbit[bits[0]],)))
    return out


def final_measurements(items: list[Operation]) -> tuple[list[Operation], dict[int, int]]:
    """The gates, and which qubit each cbit reads at the end. Raises ``Refused`` when a qubit goes on after its
    measurement or is reset."""
    gates: list[Operation] = []
    read: dict[int, int] = {}
    seen: set[int] = set()
    for name, angles, qubits, cbits in items:
        if name == "barrier":
            continue
        if name == "measure":
            read[cbits[0]] = qubits[0]
            seen.add(qubits[0])
        elif name == "reset" or seen.intersection(qubits):
            raise Refused("a qubit is used after it was measured, or reset")
        else:
            gates.append((name, angles, qubits, cbits))
    return gates, read


def quarter_turns(angle: float) -> int | None:
    """``angle`` in units of pi/2, when it is a whole number of them."""
    turns = angle / (math.pi / 2)
    return round(turns) % 4 if abs(turns - round(turns)) < 1e-9 else None


def from_rows(rows: Any, read: dict[int, int], n_cbits: int) -> dict[str, int]:
    """Counts of an array of shape (shots, qubits), column = qubit; keys have cbit 0 first. Counted without a loop over
    shots in Python."""
    import numpy as np

    rows = np.asarray(rows)
    text = np.full((len(rows), n_cbits), ord("0"), dtype=np.uint8)
    for cbit, column in read.items():
        text[:, cbit] += rows[:, column].astype(np.uint8)
    keys = text.view(f"S{n_cbits}").ravel().tolist() if n_cbits else [b""] * len(rows)
    return {key.decode(): count for key, count in Counter(keys).items()}


def reversed_keys(counts: dict[str, int]) -> dict[str, int]:
    """Qiskit prints the last cbit first, with a space between registers."""
    return {key.replace(" ", "")[::-1]: number for key, number in counts.items()}
