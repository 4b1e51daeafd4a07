"""Programs of gates and a final read-out as OpenQASM 3, in a provider's own names of gates."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.exact.readout import Readout


def write(readout: Readout, names: Mapping[str, str], head: str) -> str:
    """The program after ``head``. Qubits are ``q``; measured qubit k of the read-out goes into bit k of ``b``. A gate
    that ``names`` calls "" is left out."""
    lines = [
        head,
        f"qubit[{max(readout.n_qubits, 1)}] q;",
        *([f"bit[{len(readout.cbits)}] b;"] if readout.cbits else []),
    ]
    for gate in readout.gates:
        if name := names[gate.name]:
            angles = f"({', '.join(map(repr, gate.params))})" if gate.params else ""
            lines.append(f"{name}{angles} {', '.join(f'q[{qubit}]' for qubit in gate.qubits)};")
    lines += [f"b[{k}] = measure q[{qubit}];" for k, qubit in enumerate(readout.qubits)]
    return "\n".join(lines) + "\n"
