"""How long 100,000 gates of each framework's object take to become a circuit, in one run.

    python -m benchmarks.frameworks.conversion [--only NAME,...] [--times N]

CPU seconds of one process, the least of N, beside what the framework itself takes to give its gates one after another
where that is a good part of it. Yao's blocks are JSON, and become a graph.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable
from typing import Any

import qmk
from benchmarks.building import build_qiskit
from benchmarks.frameworks import braket, cirq, others, pennylane, pyquil, pytket
from benchmarks.measure import Row, show
from qmk.request.program import to_graph

GATES, TARGET_S = others.GATES, others.TARGET_S
Work = Callable[[], object]


def seconds(work: Work, times: int) -> float:
    """CPU seconds of the fastest run, the garbage of each collected before the next."""
    found: list[float] = []
    for _ in range(times):
        gc.collect()
        begin = time.process_time()
        made = work()
        found.append(time.process_time() - begin)
        del made
    return min(found)


def of_qoqo() -> Any:
    from qoqo import Circuit, operations

    rng, circuit = random.Random(1), Circuit()
    for _ in range(GATES):
        a, b = rng.sample(range(10), 2)
        kinds = (operations.Hadamard(a), operations.RotateZ(a, rng.random()), operations.CNOT(a, b))
        circuit += rng.choice(kinds)
    return circuit


def of_pyquil() -> Any:
    return pyquil.Program("\n".join(pyquil.random_lines(GATES, pyquil.QUBITS, 1)))


PROGRAMS: dict[str, tuple[Callable[[], Any], Callable[[Any], object] | None]] = {
    "qiskit": (lambda: build_qiskit(GATES), None),
    "cirq": (lambda: cirq.many_gates(GATES), None),
    "pennylane": (pennylane.a_tape, None),
    "braket": (braket.many_gates, None),
    "pytket": (lambda: pytket.random_circuit(GATES, pytket.QUBITS, 1), lambda circuit: circuit.get_commands()),
    "pyquil": (of_pyquil, lambda program: program.out()),
    "stim": (lambda: others.a_circuit(GATES), None),
    "qoqo": (of_qoqo, None),
    "yao-json": (lambda: others.blocks(GATES), None),
}
"""What makes each program, and how its framework gives its gates."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names")
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name, (make, give) in PROGRAMS.items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        program = make()
        read = to_graph if isinstance(program, str) else qmk.Circuit.from_object
        own = seconds(lambda g=give, p=program: g(p), arguments.times) if give is not None else None
        took = seconds(lambda r=read, p=program: r(p), arguments.times)
        rows.append(Row(name, took, TARGET_S, "its own" if own else "", own))
    show(f"{GATES} gates to a circuit (CPU time)", rows)


if __name__ == "__main__":
    main()
