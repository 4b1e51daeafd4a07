"""Circuits as IonQ's format ``ionq.circuit.v1`` has them: gates of its set ``qis``. IonQ and others take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

if TYPE_CHECKING:  # declarations need the names of gates and must not load numpy
    from qmk.exact.readout import Readout
    from qmk.ir.program import Gate

GATES: dict[str, str] = {
    **{name: name for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "cnot", "swap")},
    "sdg": "si",
    "tdg": "ti",
    "sx": "v",
    "sxdg": "vi",
    "rxx": "xx",
    "ryy": "yy",
    "rzz": "zz",
}
"""IonQ's names of our gates; angles are the same, in radians."""

Numbers = dict[Annotated[int, Meta(ge=0)], Annotated[float, Meta(ge=0, le=1e15)]]
"""Of each outcome how often, or how probable."""


def circuit_of(readout: Readout) -> dict[str, Any]:
    """A circuit; what is read of it is said nowhere, as all qubits are."""
    gates = [instruction(gate) for gate in readout.gates if gate.name != "id"]
    return {"qubits": max(readout.n_qubits, 1), "gateset": "qis", "circuit": gates}


def instruction(gate: Gate) -> dict[str, Any]:
    """A gate as IonQ writes it."""
    found: dict[str, Any] = {"gate": GATES[gate.name]}
    if gate.name == "cnot":
        found |= {"control": gate.qubits[0], "target": gate.qubits[1]}
    elif len(gate.qubits) == 1:
        found["target"] = gate.qubits[0]
    else:
        found["targets"] = list(gate.qubits)
    return found | ({"rotation": gate.params[0]} if gate.params else {})
