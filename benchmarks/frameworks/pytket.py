"""pytket: conversion of 100,000 gates, and runs through ``QMKBackend`` beside pytket-qulacs where it is installed.

``python -m benchmarks.frameworks.pytket [FOLDER]``: FOLDER has OpenQASM 2 circuits; without it, random ones are run.
CPU seconds of this process; of pytket's own part of a conversion too.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytket import Circuit
from pytket.qasm import circuit_from_qasm

import qmk
from qmk.integrations.pytket import QMKBackend

GATES, QUBITS, LARGEST, SHOTS = 100_000, 10, 20, 1000


def cpu_s(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of a few runs."""
    found: list[float] = []
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def random_circuit(gates: int, qubits: int, seed: int) -> Any:
    rng, circuit = random.Random(seed), Circuit(qubits, qubits)
    for _ in range(gates):
        a, b = rng.sample(range(qubits), 2)
        kind = rng.random()
        if kind < 0.3:
            circuit.H(a)
        elif kind < 0.6:
            circuit.Rz(rng.random(), a)
        else:
            circuit.CX(a, b)
    return circuit


def conversion() -> None:
    circuit = random_circuit(GATES, QUBITS, 1)
    gc.disable()
    own = cpu_s(circuit.get_commands)
    gc.enable()
    ours = qmk.Circuit.from_object(circuit)
    reading = cpu_s(lambda: qmk.Circuit.from_object(circuit))
    print(f"read {GATES:,} gates: {reading:.3f} s, of which get_commands {own:.3f} s")
    print(f"write {GATES:,} gates: {cpu_s(lambda: ours.to('pytket')):.3f} s")


def runs(circuits: dict[str, Any]) -> None:
    try:
        from pytket.extensions.qulacs import QulacsBackend  # type: ignore[import-not-found]
    except ImportError:
        QulacsBackend = None
    ratios: list[float] = []
    for name, circuit in circuits.items():
        times = []
        for backend in (QMKBackend(), *([QulacsBackend()] if QulacsBackend else [])):
            compiled = backend.get_compiled_circuit(circuit, 0)
            backend.run_circuit(compiled, SHOTS)
            times.append(cpu_s(lambda b=backend, c=compiled: b.run_circuit(c, SHOTS)))
        ratios += [times[0] / times[1]] if len(times) > 1 else []
        print(f"{name:30} {'  '.join(f'{each * 1e3:9.2f} ms' for each in times)}")
    if ratios:
        print(f"ratio QMK / pytket-qulacs, geometric mean: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    conversion()
    circuits = {f"random {n} qubits": random_circuit(20 * n, n, n).measure_all() for n in (6, 10, 14, 18)}
    for path in sorted(folder.glob("*.qasm")) if folder else ():
        try:
            found = circuit_from_qasm(path)
        except Exception as error:  # what pytket's reader does not know
            print(f"{path.name}: pytket does not read it ({type(error).__name__})")
            continue
        if found.n_qubits <= LARGEST and found.n_gates <= 5000:
            circuits[path.stem] = found
    runs(circuits)


if __name__ == "__main__":
    main()
