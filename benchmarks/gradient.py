"""A value and its gradient: 12 qubits, 100 angles, 200 Pauli terms, from parametrised OpenQASM 3.

Run as ``python -m benchmarks.gradient [--times N]``. Beside ``qmk`` PennyLane's lightning.qubit with adjoint
differentiation, as a QNode and below it, where one prepared tape is executed with its derivatives. CPU seconds of all
threads, one asked for; the least of N after a warm-up, the candidates in turn; values and gradients are compared.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.measure import Row, show

QUBITS, LAYERS, LAST, TERMS = 12, 4, 4, 200
BAR_S = 6e-3
PLAIN_BAR_S = 10e-3

Ask = Callable[[np.ndarray[Any, Any]], tuple[float, np.ndarray[Any, Any]]]


def gates() -> list[tuple[str, tuple[int, ...]]]:
    """Layers of RY, RZ and a chain of CX, and some RY; every rotation has an angle of its own."""
    layer = [("ry", (q,)) for q in range(QUBITS)] + [("rz", (q,)) for q in range(QUBITS)]
    chain = [("cx", (q, q + 1)) for q in range(QUBITS - 1)]
    return (layer + chain) * LAYERS + [("ry", (q,)) for q in range(LAST)]  # type: ignore[operator]


def text(array: bool) -> str:
    """The program, with an input for each angle or one array of them."""
    angles = sum(name != "cx" for name, _ in gates())
    inputs = [f"input array[float[64], {angles}] x;"] if array else [f"input float x{k};" for k in range(angles)]
    lines, at = [], 0
    for name, qubits in gates():
        operands = ", ".join(f"q[{q}]" for q in qubits)
        angle = "" if name == "cx" else f"(x[{at}])" if array else f"(x{at})"
        lines.append(f"{name}{angle} {operands};")
        at += name != "cx"
    return "\n".join(["OPENQASM 3.0;", 'include "stdgates.inc";', *inputs, f"qubit[{QUBITS}] q;", *lines])


def observable() -> dict[str, float]:
    """All Z and ZZ, and random strings of two to four letters."""
    rng = np.random.default_rng(3)
    terms: dict[str, float] = {}
    for a in range(QUBITS):
        for b in range(a, QUBITS):
            terms["".join("Z" if q in (a, b) else "I" for q in range(QUBITS))] = rng.normal()
    while len(terms) < TERMS:
        letters = ["I"] * QUBITS
        for q in rng.choice(QUBITS, rng.integers(2, 5), replace=False):
            letters[q] = "XYZ"[rng.integers(3)]
        terms.setdefault("".join(letters), rng.normal())
    return terms


def ours(array: bool) -> dict[str, Ask]:
    import qmk

    program, terms = text(array), observable()
    names = qmk.value_and_grad(program, terms).names

    def plain(point: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        params: dict[str, Any] = {"x": point.tolist()} if array else dict(zip(names, point.tolist(), strict=True))
        found = qmk.gradient(program, terms, params=params)
        return found.value, np.array(list(found.by.values()))

    kind = "one array input" if array else "100 inputs"
    return {f"qmk.value_and_grad, {kind}": qmk.value_and_grad(program, terms), f"qmk.gradient, {kind}": plain}


def lightnings() -> dict[str, Ask]:
    """lightning.qubit in double precision."""
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=QUBITS)
    letters = {"X": qml.PauliX, "Y": qml.PauliY, "Z": qml.PauliZ}
    terms = observable()
    strings = [qml.prod(*(letters[x](q) for q, x in enumerate(text) if x != "I")) for text in terms]
    hamiltonian = qml.Hamiltonian(list(terms.values()), strings)
    made = {"ry": qml.RY, "rz": qml.RZ}

    def operations(x: Any) -> list[Any]:
        angles = iter(x)
        return [
            qml.CNOT(wires=list(qubits)) if name == "cx" else made[name](next(angles), wires=qubits[0])
            for name, qubits in gates()
        ]

    @qml.qnode(device, diff_method="adjoint")
    def circuit(x: Any) -> Any:
        operations(x)
        return qml.expval(hamiltonian)

    slope = qml.grad(circuit)

    def node(point: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        found = slope(qml.numpy.array(point, requires_grad=True))
        return float(slope.forward), np.asarray(found)

    tape = qml.tape.QuantumScript(operations(np.zeros(100)), [qml.expval(hamiltonian)])
    config = qml.devices.ExecutionConfig(gradient_method="adjoint")
    program, config = device.preprocess(config)
    (prepared,), _ = program((tape,))

    def below(point: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        bound = prepared.bind_new_parameters(point, list(range(100)))
        bound.trainable_params = list(range(100))  # and not the coefficients
        values, slopes = device.execute_and_compute_derivatives((bound,), config)
        return float(values[0]), np.array(slopes[0])

    return {"lightning.qubit, QNode": node, "lightning.qubit, one prepared tape": below}


def measure(candidates: dict[str, Ask], times: int) -> tuple[dict[str, float], dict[str, float]]:
    """The least CPU seconds of each candidate, and how far its gradient is from that of the first."""
    point = np.random.default_rng(1).uniform(-1, 1, 100)
    least = dict.fromkeys(candidates, float("inf"))
    apart: dict[str, float] = {}
    wanted = next(iter(candidates.values()))(point)
    for name, ask in candidates.items():
        value, slopes = ask(point)
        apart[name] = max(abs(value - wanted[0]), float(np.abs(slopes - wanted[1]).max()))
    for turn in range(times):
        there = point + 0.01 * turn
        for name, ask in candidates.items():
            begin = time.process_time()
            ask(there)
            least[name] = min(least[name], time.process_time() - begin)
    return least, apart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    times = parser.parse_args().times
    candidates = {**ours(False), **ours(True), **lightnings()}
    least, apart = measure(candidates, times)
    peer = least["lightning.qubit, one prepared tape"]
    bars = {"qmk.value_and_grad, 100 inputs": BAR_S, "qmk.gradient, 100 inputs": PLAIN_BAR_S}
    rows: list[Row] = []
    for name, seconds in least.items():
        is_ours = name.startswith("qmk")
        rows.append(
            Row(
                name, seconds, bars.get(name), "lightning below its QNode" if is_ours else "", peer if is_ours else None
            )
        )
    show(f"value and gradient, {QUBITS} qubits, 100 angles, {TERMS} terms (CPU time)", rows)
    print(f"  values and gradients differ by at most {max(apart.values()):.1e}")


if __name__ == "__main__":
    main()
