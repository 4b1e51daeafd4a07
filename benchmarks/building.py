"""How fast a circuit is built in Python: gates one by one, then its graph.

    python -m benchmarks.building [--gates N]

A quarter each of H, CX, RZ and RZZ on 20 qubits. CPU time, the best of five; Qiskit and Cirq, where they are installed,
build the same gates by their own methods in the same run.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Row, show

QUBITS = 20
ROUNDS = 5
TARGET_S = 0.2
"""For 100,000 gates."""


def build(gates: int) -> Any:
    """The gates as a ``qmk.Circuit``."""
    import qmk

    circuit = qmk.Circuit(QUBITS)
    for k in range(gates // 4):
        a = k % (QUBITS - 1)
        circuit.h(a)
        circuit.cx(a, a + 1)
        circuit.rz(0.1 * a, a)
        circuit.rzz(0.3, a, a + 1)
    return circuit


def build_qiskit(gates: int) -> Any:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(QUBITS)
    for k in range(gates // 4):
        a = k % (QUBITS - 1)
        circuit.h(a)
        circuit.cx(a, a + 1)
        circuit.rz(0.1 * a, a)
        circuit.rzz(0.3, a, a + 1)
    return circuit


def build_cirq(gates: int) -> Any:
    import cirq

    qubits, ops = cirq.LineQubit.range(QUBITS), []
    for k in range(gates // 4):
        a, b = qubits[k % (QUBITS - 1)], qubits[k % (QUBITS - 1) + 1]
        ops += [cirq.H(a), cirq.CNOT(a, b), cirq.rz(0.1 * a.x)(a), cirq.ZZPowGate(exponent=0.1)(a, b)]
    return cirq.Circuit(ops)


PEERS: dict[str, Callable[[int], Any]] = {"Qiskit": build_qiskit, "Cirq": build_cirq}


def best_s(work: Callable[[], Any]) -> float:
    """CPU seconds of the fastest of some runs."""
    work()
    taken: list[float] = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast a circuit is built.")
    parser.add_argument("--gates", type=int, default=100_000)
    gates = parser.parse_args().gates
    target = TARGET_S * gates / 100_000
    mine = best_s(functools.partial(build, gates))
    rows = [Row(f"{gates} gates, one by one", mine, target)]
    for name, peer in PEERS.items():
        try:
            peer(4)
        except ImportError:
            continue
        theirs = best_s(functools.partial(peer, gates))
        rows.append(Row(f"beside {name}", mine, target, name, theirs))
    circuit = build(gates)
    rows.append(Row("their graph", best_s(lambda: circuit.copy().h(0).graph)))
    show("Building a circuit", rows)


if __name__ == "__main__":
    main()
