"""OpenQASM 2 by Qiskit's compiled reader, as a list of plain operations, for peers without a reader of their own."""

from __future__ import annotations

import math
from typing import Any

from qiskit import QuantumCircuit, qasm2

Operation = tuple[str, tuple[float, ...], tuple[int, ...], tuple[int, ...]]
"""name, angles, qubits, cbits"""


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


def operations(circuit: QuantumCircuit) -> list[Operation]:
    """Raises ``Refused`` where an operation depends on a measurement."""
    qubit = {bit: k for k, bit in enumerate(circuit.qubits)}
    cbit = {bit: k for k, bit in enumerate(circuit.clbits)}
    out: list[Operation] = []
    for item in circuit.data:
        operation = item.operation
        if getattr(operation, "condition", None) is not None or operation.name in ("if_else", "while_loop", "for_loop"):
            raise Refused("operations depend on measurements")
        angles = tuple(float(x) for x in operation.params)
        out.append((operation.name, angles, tuple(qubit[b] for b in item.qubits), tuple(cbit[b] for b in item.clbits)))
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
    """Counts of an array of shape (shots, qubits), column = qubit; keys have cbit 0 first."""
    counts: dict[str, int] = {}
    columns = [read.get(c, -1) for c in range(n_cbits)]
    for row in rows:
        key = "".join("0" if q < 0 else "1" if row[q] else "0" for q in columns)
        counts[key] = counts.get(key, 0) + 1
    return counts


def reversed_keys(counts: dict[str, int]) -> dict[str, int]:
    """Qiskit prints the last cbit first, with a space between registers."""
    return {key.replace(" ", "")[::-1]: number for key, number in counts.items()}
