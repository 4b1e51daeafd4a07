"""CPU time beside Amazon Braket's local simulators, and of the conversion of its circuits.

``python -m benchmarks.frameworks.braket``: expectation values of layered circuits, after one run to warm up; parsing is
part of the work on both sides. Public circuits are run by ``benchmarks.frameworks.public``.
"""

from __future__ import annotations

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from braket.circuits import Circuit
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.ir.openqasm import Program

import qmk
from qmk.integrations.braket import Simulator
from qmk.integrations.target import Target

SHOTS = 1000
GATES = 100_000


def cpu_s(work: Any, times: int = 3) -> float:
    """The least of some runs, after one to warm up."""
    work()
    found: list[float] = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def many_gates() -> Circuit:
    """A circuit of 100,000 gates."""
    circuit = Circuit()
    for k in range(GATES // 2):
        circuit.rx(k % 5, 0.1 * k).cnot(k % 5, (k + 1) % 5)
    return circuit


def conversion() -> float:
    """Seconds to read a circuit of 100,000 gates."""
    circuit = many_gates()
    return cpu_s(lambda: qmk.Circuit.from_object(circuit))


def layered(qubits: int, layers: int, noisy: bool) -> str:
    """A circuit in Braket's text, with the expectation value of each qubit's Z."""
    lines = ["OPENQASM 3.0;", f"qubit[{qubits}] q;"]
    for layer in range(layers):
        lines += [f"rx({0.1 * (layer + k):.3f}) q[{k}];" for k in range(qubits)]
        lines += [f"cnot q[{k}], q[{k + 1}];" for k in range(layer % 2, qubits - 1, 2)]
        lines += [f"#pragma braket noise depolarizing(0.01) q[{k}]" for k in range(qubits)] if noisy else []
    return "\n".join([*lines, "#pragma braket result expectation z all"])


def ratio(name: str, source: str, peer: Any, shots: int) -> float | None:
    """Our time over the peer's; None where one of them refuses."""
    try:
        program = Program(source=source)
        ours = cpu_s(lambda: Simulator().run(program, shots=shots))
        theirs = cpu_s(lambda: peer.run(program, shots=shots))
    except Exception as refused:
        print(f"{name:40} left out: {str(refused)[:60]}")
        return None
    print(f"{name:40} {ours:9.4f} s {theirs:9.4f} s {ours / theirs:7.3f}")
    return ours / theirs


def prepare(task: str, side: str, path: Path) -> Callable[[], Any]:
    """The work of one side on a public circuit, after a small one to warm up: see ``benchmarks.frameworks.public``."""
    logging.disable(logging.CRITICAL)
    program = Program(source=qmk.Circuit.from_file(path).to("braket").to_ir("OPENQASM").source)
    tool = Simulator(Target(cache=False)) if side == "qmk" else StateVectorSimulator()
    tool.run(Program(source="OPENQASM 3.0;\nqubit[2] q;\nh q[0];\ncnot q[0], q[1];"), shots=SHOTS)
    return lambda: tool.run(program, shots=SHOTS)


def main() -> None:
    logging.disable(logging.CRITICAL)
    print(f"{GATES} gates of a circuit read in {conversion():.3f} s")
    found: list[float | None] = []
    for qubits, layers in ((4, 10), (10, 10), (16, 10)):
        found.append(ratio(f"pure, {qubits} qubits", layered(qubits, layers, False), StateVectorSimulator(), 0))
    for qubits in (3, 6, 8):
        found.append(ratio(f"noisy, {qubits} qubits", layered(qubits, 6, True), DensityMatrixSimulator(), 0))
    known = [each for each in found if each is not None]
    mean = math.exp(sum(map(math.log, known)) / len(known))
    print(f"{len(known)} of {len(found)}: geometric mean {mean:.3f}, worst {max(known):.3f}")


if __name__ == "__main__":
    main()
