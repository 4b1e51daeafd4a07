"""Qiskit's transpiler on circuits of the native core. Qiskit is imported when it is first needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.compiling.straight import Rows, rows_of, with_ops

if TYPE_CHECKING:
    from qmk_native import Circuit

    from qmk.sdk.passes import Work

_METHODS = {"cnot": "cx", "toffoli": "ccx"}
"""Gates that Qiskit calls something else."""


def transpile(work: Work, level: int = 3) -> Work | None:
    """What Qiskit's transpiler makes of a straight circuit at this level; None for any other."""
    rows = rows_of(work.circuit)
    if rows is None:
        return None
    made, last = run_qiskit(to_qiskit(work.circuit, rows), work.goal, level)
    return msgspec.structs.replace(
        work, circuit=from_qiskit(made, work.circuit), last=tuple(last[at] for at in work.last)
    )


def run_qiskit(circuit: Any, goal: Any, level: int) -> tuple[Any, list[int]]:
    """The transpiled circuit, and where each qubit is at the end."""
    qiskit: Any = import_module("qiskit")
    pairs = None if goal.couplings is None else [[*pair] for a, b in goal.couplings for pair in ((a, b), (b, a))]
    basis = [_METHODS.get(name, name) for name in goal.gates]
    options = {"optimization_level": level, "seed_transpiler": goal.seed}
    made = qiskit.transpile(circuit, basis_gates=basis, coupling_map=pairs, **options)
    last = list(range(circuit.num_qubits)) if made.layout is None else made.layout.final_index_layout()
    return made, last


def to_qiskit(circuit: Circuit, rows: Rows) -> Any:
    """The ``QuantumCircuit`` of a straight circuit."""
    library: Any = import_module("qiskit.circuit.library")
    made: Any = import_module("qiskit").QuantumCircuit(circuit.n_qubits, circuit.n_cbits)
    for name, qubits, params, cbit in rows:
        if name == "measure":
            made.measure(qubits[0], cbit)
        elif name == "iswapdg":
            made.append(library.iSwapGate().inverse(), qubits)
        else:
            getattr(made, _METHODS.get(name, name))(*params, *qubits)
    return made


def from_qiskit(made: Any, like: Circuit) -> Circuit:
    """A ``QuantumCircuit`` of gates and measurements, with the registers of ``like``."""
    names = {there: here for here, there in _METHODS.items()}
    index = {bit: at for at, bit in enumerate(made.qubits)}
    ops: list[tuple[str, list[int], list[float], int]] = []
    for item in made.data:
        name = item.operation.name
        cbit = made.find_bit(item.clbits[0]).index if name == "measure" else -1
        if name != "barrier":
            angles = [] if name == "measure" else [float(angle) for angle in item.operation.params]
            ops.append((names.get(name, name), [index[bit] for bit in item.qubits], angles, cbit))
    return with_ops(ops, made.num_qubits, like)
