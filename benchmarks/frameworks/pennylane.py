"""PennyLane on ``qmk`` beside lightning.qubit, and its tapes as circuits.

Run as ``python -m benchmarks.frameworks.pennylane [--times N]``. A step of a variational eigensolver through a QNode,
value and gradient by adjoint differentiation, at several sizes; a value alone; and 100,000 gates read from a tape. CPU
seconds of all threads, one asked for; the least of N after a warm-up, the candidates in turn; values and gradients are
compared.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pennylane

import qmk
from benchmarks.gradient import gates, observable
from benchmarks.measure import Row, show
from qmk.integrations.pennylane import QmkDevice

qml: Any = pennylane
LETTERS = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}
READ_BAR_S = 0.3


def vqe() -> tuple[int, int, Callable[[Any], None], Any]:
    """12 qubits, 100 angles, 200 terms: ``benchmarks.gradient``."""
    terms = observable()

    def ansatz(x: Any) -> None:
        angles = iter(x)
        for name, qubits in gates():
            if name == "cx":
                qml.CNOT(list(qubits))
            else:
                {"ry": qml.RY, "rz": qml.RZ}[name](next(angles), wires=qubits[0])

    strings = [qml.prod(*(LETTERS[x](q) for q, x in enumerate(text) if x != "I")) for text in terms]
    return 12, 100, ansatz, qml.Hamiltonian(list(terms.values()), strings)


def layers(n: int, depth: int, chain: bool = True) -> tuple[int, int, Callable[[Any], None], Any]:
    """RY and CZ in layers, and a transverse-field Ising chain."""

    def ansatz(x: Any) -> None:
        for layer in range(depth):
            for k in range(n):
                qml.RY(x[layer * n + k], k)
            for k in range(n - 1):
                qml.CZ([k, k + 1])

    terms = [qml.Z(k) @ qml.Z(k + 1) for k in range(n - 1)] + [qml.X(k) for k in range(n)]
    return n, n * depth, ansatz, qml.Hamiltonian([-1.0] * len(terms), terms)


def molecule() -> tuple[int, int, Callable[[Any], None], Any]:
    """H4 in a line, 8 qubits: all single and double excitations."""
    symbols, places = ["H"] * 4, np.array([[0.0, 0.0, 1.4 * k] for k in range(4)])
    hamiltonian, n = qml.qchem.molecular_hamiltonian(symbols, places)
    singles, doubles = qml.qchem.excitations(4, n)
    state = qml.qchem.hf_state(4, n)

    def ansatz(x: Any) -> None:
        qml.BasisState(state, wires=range(n))
        for angle, wires in zip(x, [*singles, *doubles], strict=True):
            (qml.SingleExcitation if len(wires) == 2 else qml.DoubleExcitation)(angle, wires=wires)

    return n, len(singles) + len(doubles), ansatz, hamiltonian


CASES: dict[str, Callable[[], Any]] = {
    "4 qubits, 8 angles, Ising": lambda: layers(4, 2),
    "H4, 8 qubits, excitations": molecule,
    "12 qubits, 100 angles, 200 terms": vqe,
    "16 qubits, 64 angles, Ising": lambda: layers(16, 4),
    "20 qubits, 60 angles, Ising": lambda: layers(20, 3),
}


def least(asks: dict[str, Callable[[Any], Any]], point: Any, times: int) -> dict[str, float]:
    found = dict.fromkeys(asks, float("inf"))
    for name in asks:
        asks[name](point)
    for turn in range(times):
        for name, ask in asks.items():
            begin = time.process_time()
            ask(point + 0.01 * turn)
            found[name] = min(found[name], time.process_time() - begin)
    return found


def measure(name: str, times: int) -> list[Row]:
    n, size, ansatz, hamiltonian = CASES[name]()

    def circuit(x: Any) -> Any:
        ansatz(x)
        return qml.expval(hamiltonian)

    steps: dict[str, Callable[[Any], Any]] = {}
    values: dict[str, Callable[[Any], Any]] = {}
    for label, device in (("qmk", QmkDevice(wires=n)), ("lightning", qml.device("lightning.qubit", wires=n))):
        node = qml.QNode(circuit, device, diff_method="adjoint")
        slopes = qml.grad(node)
        steps[label] = lambda x, f=slopes: np.asarray(f(qml.numpy.array(x, requires_grad=True)))
        values[label] = lambda x, f=node: float(f(x))
    point = np.random.default_rng(1).uniform(-1, 1, size)
    assert np.allclose(steps["qmk"](point), steps["lightning"](point), atol=1e-9)
    assert abs(values["qmk"](point) - values["lightning"](point)) < 1e-9
    rows: list[Row] = []
    for what, asks in (("gradient", steps), ("value", values)):
        seconds = least(asks, point, times)
        rows.append(Row(f"{what}, {name}", seconds["qmk"], None, "lightning.qubit", seconds["lightning"]))
    return rows


def prepare(task: str, side: str, path: Path) -> Callable[[], Any]:
    """A step of an eigensolver on a public circuit, whose angles are the parameters: the mean Z and the ZZ of
    neighbours, and the derivative by each angle; the first of a device, or one after it, at other angles. See
    ``benchmarks.frameworks.public``."""
    tape = _tape(qmk.Circuit.from_file(path).to("pennylane"))
    wires = range(max(tape.wires, default=0) + 1)
    terms = [qml.Z(k) for k in wires] + [qml.Z(k) @ qml.Z(k + 1) for k in wires[:-1]]
    hamiltonian = qml.Hamiltonian([1 / len(wires)] * len(wires) + [1.0] * (len(wires) - 1), terms)
    point = [float(angle) for angle in tape.get_parameters()]
    everything, steps = range(len(point)), itertools.count()

    def circuit(*angles: Any) -> Any:
        for operator in tape.bind_new_parameters(angles, everything).operations:
            qml.apply(operator)
        return qml.expval(hamiltonian)

    def node() -> Any:
        device = QmkDevice(wires=len(wires)) if side == "qmk" else qml.device("lightning.qubit", wires=len(wires))
        return qml.QNode(circuit, device, diff_method="adjoint")

    kept = node() if task == "pennylane-step" else None

    def step() -> tuple[float, float]:
        used, moved = kept or node(), 0.01 * next(steps) if kept else 0.0
        if not point:
            return float(used()), 0.0
        slopes = qml.grad(used, argnums=list(everything))
        slopes(*(angle + moved for angle in point))
        return float(slopes.forward), 0.0

    if kept:
        step()
    return step


def _tape(tape: Any) -> Any:
    """The gates of a circuit before its final measurements."""
    tape = tape() if callable(tape) else tape
    gates = [each for each in tape.operations if not isinstance(each, qml.measurements.MeasurementProcess)]
    (mapped,), _ = qml.map_wires(qml.tape.QuantumScript(gates), {wire: k for k, wire in enumerate(tape.wires)})
    return mapped


def a_tape() -> Any:
    """100,000 gates."""
    rng = np.random.default_rng(2)
    operators: list[Any] = []
    for k in range(25_000):
        a, b = rng.choice(20, 2, replace=False).tolist()
        operators += [qml.RX(0.1 * k, a), qml.Hadamard(b), qml.CNOT([a, b]), qml.RZ(0.3, b)]
    return qml.tape.QuantumScript(operators, [qml.counts()])


def reading() -> Row:
    tape = a_tape()
    begin = time.process_time()
    qmk.Circuit.from_object(tape)
    return Row("100,000 gates of a tape as a circuit", time.process_time() - begin, READ_BAR_S, "", None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7)
    times = parser.parse_args().times
    rows = [row for name in CASES for row in measure(name, times)]
    show("a QNode on qmk and on lightning.qubit (CPU time)", rows)
    ratios = [row.seconds / row.peer_s for row in rows if row.peer_s]
    print(f"  geometric mean {np.exp(np.mean(np.log(ratios))):.2f} of lightning.qubit")
    show("reading", [reading()])


if __name__ == "__main__":
    main()
