"""Cirq through QMK: conversion and sweeps, against qsim and Cirq's own simulator.

    python -m benchmarks.frameworks.cirq

CPU time in one process, the best of a few runs. Qsim runs at its best fusion of those that are tried, on one thread;
QMK's cache is off. Public circuits are run by ``benchmarks.frameworks.public``.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cirq
import qsimcirq
import sympy

import qmk
from qmk.integrations.cirq import Sampler

GATES = 100_000
SHOTS = 1000
POINTS = 1000
FUSIONS = (2, 3, 4)
LONGEST_S = 20.0
"""A program that takes the first peer longer is measured once."""


def seconds(work: Callable[[], Any], times: int = 3) -> float:
    """CPU seconds of the fastest run."""
    best = math.inf
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
        if best > LONGEST_S / times:
            break
    return best


def many_gates(gates: int, qubits: int = 20) -> cirq.Circuit:
    """H, CX, RZ, CZ, T and RX at random."""
    choose, line = random.Random(1), cirq.LineQubit.range(qubits)
    operations: list[cirq.Operation] = []
    for _ in range(gates):
        a, b = choose.sample(line, 2)
        angle = choose.random()
        made = (cirq.H(a), cirq.CX(a, b), cirq.rz(angle)(a), cirq.CZ(a, b), cirq.T(a), cirq.rx(angle)(b))
        operations.append(made[choose.randrange(len(made))])
    return cirq.Circuit(operations)


def ansatz(qubits: int = 12, layers: int = 2) -> cirq.Circuit:
    """Layers of ZZ and RX with two parameters each, measured at the end."""
    line, operations = cirq.LineQubit.range(qubits), [cirq.H.on_each(*cirq.LineQubit.range(qubits))]
    for layer in range(layers):
        gamma, beta = sympy.symbols(f"g{layer} b{layer}")
        operations.append([cirq.ZZ(a, b) ** gamma for a, b in itertools.pairwise(line)])
        operations.append([cirq.rx(2 * beta)(qubit) for qubit in line])
    return cirq.Circuit(operations, cirq.measure(*line, key="m"))


def simulators() -> dict[str, Any]:
    """Qsim at each fusion, and Cirq's own."""
    found = {f"qsim-{fused}": qsimcirq.QSimSimulator({"f": fused, "t": 1}, seed=1) for fused in FUSIONS}
    return {**found, "cirq": cirq.Simulator(seed=1)}


def compare(name: str, ours: Callable[[], Any], theirs: dict[str, Callable[[], Any]]) -> float:
    """Prints a row, and gives the ratio to the fastest peer."""
    mine = seconds(ours)
    peers = {each: seconds(work) for each, work in theirs.items()}
    qsim = min(value for each, value in peers.items() if each.startswith("qsim"))
    best = min(peers.values())
    print(f"{name:44} {mine:9.4f} {qsim:9.4f} {peers['cirq']:9.4f} {mine / best:7.2f}", flush=True)
    return mine / best


def convert() -> None:
    circuit = many_gates(GATES)
    print(f"conversion of {GATES} gates: {seconds(lambda: qmk.Circuit.from_object(circuit)):.3f} s")
    ours = qmk.Circuit.from_object(circuit)
    print(f"writing of {GATES} gates: {seconds(lambda: ours.to('cirq'), 1):.3f} s")


def prepare(task: str, side: str, path: Path) -> Callable[[], Any]:
    """The work of one side on a public circuit, after a small one to warm up: see ``benchmarks.frameworks.public``."""
    program = qmk.Circuit.from_file(path).to("cirq")
    tool = Sampler(seed=1, cache=False) if side == "qmk" else simulators()[side]
    pair = cirq.LineQubit.range(2)
    tool.run(cirq.Circuit(cirq.H(pair[0]), cirq.CX(*pair), cirq.measure(*pair, key="m")), repetitions=SHOTS)
    return lambda: tool.run(program, repetitions=SHOTS)


def sweep() -> None:
    program = ansatz()
    names = sorted(cirq.parameter_names(program))
    choose = random.Random(2)
    points = [{name: choose.random() for name in names} for _ in range(POINTS)]
    theirs = {
        name: lambda each=each: each.run_sweep(program, points, repetitions=100) for name, each in simulators().items()
    }
    sampler = Sampler(seed=1, cache=False)
    compare(f"sweep, {POINTS} points", lambda: sampler.run_sweep(program, points, repetitions=100), theirs)


def main() -> None:
    convert()
    print(f"{'':44} {'QMK s':>9} {'qsim s':>9} {'Cirq s':>9} {'ratio':>7}")
    sweep()


if __name__ == "__main__":
    main()
