"""pyQuil: conversion of 100,000 gates, and runs through ``QMKQAM`` beside pyQuil's own PyQVM and numpy simulator.

``python -m benchmarks.frameworks.pyquil``: CPU seconds of this process.
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")

from pyquil import Program  # noqa: E402
from pyquil.pyqvm import PyQVM  # noqa: E402
from pyquil.simulation import NumpyWavefunctionSimulator  # noqa: E402

import qmk  # noqa: E402
from qmk.integrations.pyquil import QMKQAM  # noqa: E402

GATES, QUBITS = 100_000, 10


def cpu_s(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of a few runs."""
    found: list[float] = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def random_lines(gates: int, qubits: int, seed: int) -> list[str]:
    rng, lines = random.Random(seed), list[str]()
    for _ in range(gates):
        a, b = rng.sample(range(qubits), 2)
        kind = rng.random()
        lines.append(f"H {a}" if kind < 0.3 else f"RZ({rng.random()!r}) {a}" if kind < 0.6 else f"CNOT {a} {b}")
    return lines


def main() -> None:
    program: Any = Program("\n".join(random_lines(GATES, QUBITS, 1)))
    circuit = qmk.Circuit.from_object(program)
    print(f"read {GATES:,} gates: {cpu_s(lambda: qmk.Circuit.from_object(program)):.3f} s")
    print(f"write {GATES:,} gates: {cpu_s(lambda: circuit.to('pyquil')):.3f} s")
    for n in (4, 8, 12, 16):
        gates = random_lines(20 * n, n, n)
        bare: Any = Program("\n".join(gates))
        measured = [f"DECLARE ro BIT[{n}]", *gates, *(f"MEASURE {k} ro[{k}]" for k in range(n))]
        whole: Any = Program("\n".join(measured)).wrap_in_numshots_loop(20)
        ours = cpu_s(lambda p=whole: QMKQAM(seed=1).run(p).get_register_map())
        theirs = cpu_s(lambda p=whole, k=n: PyQVM(n_qubits=k, seed=1).run(p).get_register_map(), 1)
        state = cpu_s(lambda p=bare: qmk.state(p))
        numpy = cpu_s(lambda p=bare, k=n: NumpyWavefunctionSimulator(k).do_program(p))
        print(
            f"{n:2} qubits, {len(gates)} gates: 20 shots {ours * 1e3:.2f} ms, PyQVM {theirs * 1e3:.2f} ms; "
            f"state {state * 1e3:.2f} ms, numpy {numpy * 1e3:.2f} ms"
        )


if __name__ == "__main__":
    main()
