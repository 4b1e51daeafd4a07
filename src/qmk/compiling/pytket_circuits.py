"""The optimiser of pytket on circuits of the native core. pytket is imported when it is first needed."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.compiling.straight import Rows, rows_of, with_ops

if TYPE_CHECKING:
    from qmk_native import Circuit

    from qmk.sdk.passes import Goal, Work

_TYPES = {
    "id": "noop",
    "x": "X",
    "y": "Y",
    "z": "Z",
    "h": "H",
    "s": "S",
    "sdg": "Sdg",
    "sx": "SX",
    "sxdg": "SXdg",
    "t": "T",
    "tdg": "Tdg",
    "rx": "Rx",
    "ry": "Ry",
    "rz": "Rz",
    "p": "U1",
    "u": "U3",
    "cnot": "CX",
    "cy": "CY",
    "cz": "CZ",
    "ch": "CH",
    "swap": "SWAP",
    "cp": "CU1",
    "crx": "CRx",
    "cry": "CRy",
    "crz": "CRz",
    "rxx": "XXPhase",
    "ryy": "YYPhase",
    "rzz": "ZZPhase",
    "toffoli": "CCX",
    "cswap": "CSWAP",
}
"""Names of pytket's types."""


def optimise(work: Work) -> Work | None:
    """What pytket makes of a straight circuit, placed and routed where the goal has couplings; None for any other, and
    there for one that measures nothing."""
    rows = rows_of(work.circuit)
    if rows is None or any(row[0] in ("iswap", "iswapdg") for row in rows):
        return None
    if work.goal.couplings is not None and not any(row[0] == "measure" for row in rows):
        return None
    there, last = run_pytket(to_pytket(work.circuit, rows), work.goal)
    sites = there.n_qubits if work.goal.couplings is None else work.goal.sites
    made = from_pytket(there, sites, work.circuit)
    # its maps may miss where a measured qubit is
    read = {cbit: qubits[0] for name, qubits, _, cbit in rows_of(made) or () if name == "measure"}
    last |= {qubits[0]: read[cbit] for name, qubits, _, cbit in rows if name == "measure" and cbit in read}
    return msgspec.structs.replace(work, circuit=made, last=tuple(last[at] for at in work.last))


def run_pytket(circuit: Any, goal: Goal) -> tuple[Any, dict[int, int]]:
    """The circuit after full peephole optimisation, routing where the goal has couplings, and in the goal's two-qubit
    gate (CZ or CX) and TK1; and where each qubit is at the end."""
    types: Any = import_module("pytket.circuit").OpType
    passes: Any = import_module("pytket.passes")
    unit = import_module("pytket.predicates").CompilationUnit(circuit)
    steps: list[Any] = [passes.FullPeepholeOptimise()]
    if goal.couplings is not None:
        device = import_module("pytket.architecture").Architecture(list(goal.couplings))
        steps += [passes.DefaultMappingPass(device)]
        steps += [passes.KAKDecomposition(allow_swaps=False), passes.CliffordSimp(False), passes.SynthesiseTket()]
    two = types.CZ if "cz" in goal.gates else types.CX
    for step in (*steps, passes.AutoRebase({two, types.TK1}), passes.RemoveRedundancies()):
        step.apply(unit)
    # commands name a wire by the qubit that it begins as, the maps by the one that it ends as
    wire = {end: begin.index[0] for begin, end in unit.circuit.implicit_qubit_permutation().items()}
    ends = {before.index[0]: wire[after] for before, after in unit.final_map.items() if after in wire}
    return unit.circuit, ends


def to_pytket(circuit: Circuit, rows: Rows) -> Any:
    """The ``pytket.Circuit`` of a straight circuit; its angles are in half turns."""
    types: Any = import_module("pytket.circuit").OpType
    made: Any = import_module("pytket").Circuit(circuit.n_qubits, circuit.n_cbits)
    for name, qubits, params, cbit in rows:
        if name == "measure":
            made.Measure(qubits[0], cbit)
        elif name == "ccz":
            made.H(qubits[2]).add_gate(types.CCX, qubits).H(qubits[2])
        elif name != "id":
            made.add_gate(getattr(types, _TYPES[name]), [angle / math.pi for angle in params], qubits)
    return made


def from_pytket(made: Any, n_qubits: int, like: Circuit) -> Circuit:
    """A ``pytket.Circuit`` of CX or CZ, TK1 and measurements, with the registers of ``like``."""
    names = {there: here for here, there in _TYPES.items()}
    ops: list[tuple[str, list[int], list[float], int]] = []
    for command in made.get_commands():
        kind = command.op.type.name
        qubits = [qubit.index[0] for qubit in command.qubits]
        if kind == "Measure":
            ops.append(("measure", qubits, [], command.bits[0].index[0]))
        elif kind == "TK1":
            # Rz(a) Rx(b) Rz(c) in half turns
            a, b, c = (float(angle) * math.pi for angle in command.op.params)
            ops += [("rz", qubits, [c], -1), ("rx", qubits, [b], -1), ("rz", qubits, [a], -1)]
        else:
            ops.append((names[kind], qubits, [float(angle) * math.pi for angle in command.op.params], -1))
    return with_ops(ops, n_qubits, like)
