"""CPU time beside Amazon Braket's local simulators, and of the conversion of its circuits.

``python -m benchmarks.frameworks.braket [FILES...]``: OpenQASM files of gates and measurements; those that one of both
refuses, or that are wider than 20 qubits, are left out and counted. Each simulator runs 1,000 shots of the same text,
after one run to warm up; parsing is part of the work on both sides.
"""

from __future__ import annotations

# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
import logging
import math
import sys
import time
from pathlib import Path
from typing import Any

from braket.circuits import Circuit
from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.ir.openqasm import Program

import qmk
from qmk.integrations.braket import Simulator

SHOTS = 1000
GATES = 100_000
WIDEST = 20


def cpu_s(work: Any, times: int = 3) -> float:
    """The least of some runs, after one to warm up."""
    work()
    found: list[float] = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def conversion() -> float:
    """Seconds to read a circuit of 100,000 gates."""
    circuit = Circuit()
    for k in range(GATES // 2):
        circuit.rx(k % 5, 0.1 * k).cnot(k % 5, (k + 1) % 5)
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


def main(paths: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    print(f"{GATES} gates of a circuit read in {conversion():.3f} s")
    found: list[float | None] = []
    for qubits, layers in ((4, 10), (10, 10), (16, 10)):
        found.append(ratio(f"pure, {qubits} qubits", layered(qubits, layers, False), StateVectorSimulator(), 0))
    for qubits in (3, 6, 8):
        found.append(ratio(f"noisy, {qubits} qubits", layered(qubits, 6, True), DensityMatrixSimulator(), 0))
    for path in map(Path, paths):
        circuit = qmk.Circuit.from_text(path.read_text())
        try:
            text = circuit.to("braket").to_ir("OPENQASM").source
        except qmk.QmkError as refused:
            print(f"{path.name:40} left out: {refused.message[:60]}")
            continue
        if circuit.n_qubits <= WIDEST:
            found.append(ratio(path.name, text, StateVectorSimulator(), SHOTS))
    known = [each for each in found if each is not None]
    mean = math.exp(sum(map(math.log, known)) / len(known))
    print(f"{len(known)} of {len(found)}: geometric mean {mean:.3f}, worst {max(known):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
