"""One peer of ``benchmarks.router.sweep``: prints its rows as one JSON line.

Every function gives (engine's name, what runs all points, seconds of what was prepared once).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Run = Callable[[], Any]
Way = tuple[str, Run, float]


def ansatz(qubits: int, layers: int) -> str:
    """OpenQASM 3 with one input an angle."""
    names = [f"t{k}" for k in range(2 * qubits * layers)]
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *(f"input float {name};" for name in names)]
    lines.append(f"qubit[{qubits}] q;")
    for layer in range(layers):
        for half, gate in enumerate(("ry", "rz")):
            lines += [f"{gate}({names[(2 * layer + half) * qubits + q]}) q[{q}];" for q in range(qubits)]
        lines += [f"cx q[{q}], q[{q + 1}];" for q in range(qubits - 1)]
    return "\n".join(lines)


def gates(qubits: int, layers: int) -> Iterator[tuple[str, int, int]]:
    """(gate, qubit, number of its angle or the other qubit)"""
    for layer in range(layers):
        for half, gate in enumerate(("ry", "rz")):
            for q in range(qubits):
                yield gate, q, (2 * layer + half) * qubits + q
        for q in range(qubits - 1):
            yield "cx", q, q + 1


def qmk(qubits: int, layers: int, points: Any) -> Iterator[Way]:
    import qmk_native

    import qmk

    text = ansatz(qubits, layers)
    observable = "Z" + "I" * (qubits - 1)
    columns = {f"t{k}": points[:, k] for k in range(points.shape[1])}
    yield "qmk.sweep (text to values, f64)", lambda: qmk.sweep(text, columns, observable).values[:, 0], 0.0
    circuit = qmk_native.read_qasm(text, inputs=dict.fromkeys(columns, 0.5))
    rows = points.tolist()
    for precision in ("f64", "f32"):
        plan = qmk_native.DensePlan(circuit, precision)
        yield f"qmk native core, {precision}", lambda plan=plan: _column(plan.sweep(rows, [observable])), 0.0
    start = time.perf_counter()
    graph, wanted = qmk.outputs(text, expect=observable, points=columns, counts=False)
    once = time.perf_counter() - start

    def job() -> Any:
        values = qmk.run(graph, outputs=wanted, engine="native").values
        assert values is not None
        return [point.expectations[0].value for point in values.points]

    yield "qmk.run (one job in this process)", job, once


def _column(rows: Any) -> Any:
    return [row[0] for row in rows]


def qulacs(qubits: int, layers: int, points: Any) -> Iterator[Way]:
    import qulacs as lib

    circuit = lib.ParametricQuantumCircuit(qubits)
    order: list[int] = []
    for gate, q, other in gates(qubits, layers):
        if gate == "cx":
            circuit.add_CNOT_gate(q, other)
        else:
            getattr(circuit, f"add_parametric_{gate.upper()}_gate")(q, 0.0)
            order.append(other)
    state, observable = lib.QuantumState(qubits), lib.Observable(qubits)
    observable.add_operator(1.0, "Z 0")

    def run() -> list[float]:
        out: list[float] = []
        for point in points:
            for k, at in enumerate(order):
                circuit.set_parameter(k, -point[at])  # qulacs turns the other way
            state.set_zero_state()
            circuit.update_quantum_state(state)
            out.append(observable.get_expectation_value(state))
        return out

    yield "qulacs, parametric gates", run, 0.0


def aer(qubits: int, layers: int, points: Any) -> Iterator[Way]:
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_aer import AerSimulator

    angles = ParameterVector("t", points.shape[1])
    circuit = QuantumCircuit(qubits)
    for gate, q, other in gates(qubits, layers):
        if gate == "cx":
            circuit.cx(q, other)
        else:
            getattr(circuit, gate)(angles[other], q)
    circuit.save_expectation_value(SparsePauliOp("I" * (qubits - 1) + "Z"), list(range(qubits)))
    simulator = AerSimulator(method="statevector", max_parallel_threads=1, runtime_parameter_bind_enable=True)
    binds = {angle: points[:, k].tolist() for k, angle in enumerate(angles)}

    def run() -> list[float]:
        result = simulator.run([circuit], parameter_binds=[binds], shots=1).result()
        return [result.data(k)["expectation_value"] for k in range(len(points))]

    yield "aer, run-time parameter binds", run, 0.0


def lightning(qubits: int, layers: int, points: Any) -> Iterator[Way]:
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=qubits)

    @qml.qnode(device)
    def node(angles: Any) -> Any:
        for gate, q, other in gates(qubits, layers):
            if gate == "cx":
                qml.CNOT(wires=[q, other])
            else:
                getattr(qml, gate.upper())(angles[other], wires=q)
        return qml.expval(qml.PauliZ(0))

    yield "lightning.qubit", lambda: [float(node(point)) for point in points], 0.0


def jax(qubits: int, layers: int, points: Any) -> Iterator[Way]:
    import jax as lib
    import jax.numpy as jnp

    def value(angles: Any) -> Any:
        state = jnp.zeros((2,) * qubits, dtype=jnp.complex64).at[(0,) * qubits].set(1)
        for gate, q, other in gates(qubits, layers):
            state = jnp.moveaxis(state, (q, other) if gate == "cx" else q, (0, 1) if gate == "cx" else 0)
            if gate == "cx":
                state = jnp.stack([state[0], state[1][::-1]])
                state = jnp.moveaxis(state, (0, 1), (q, other))
                continue
            half = angles[other] / 2
            if gate == "ry":
                c, s = jnp.cos(half), jnp.sin(half)
                state = jnp.stack([c * state[0] - s * state[1], s * state[0] + c * state[1]])
            else:
                turn = jnp.exp(-1j * half)
                state = jnp.stack([turn * state[0], jnp.conj(turn) * state[1]])
            state = jnp.moveaxis(state, 0, q)
        weights = jnp.abs(state.reshape(2, -1)) ** 2
        return weights[0].sum() - weights[1].sum()

    start = time.perf_counter()
    batch, table = lib.jit(lib.vmap(value)), jnp.asarray(points, dtype=jnp.float32)
    batch(table).block_until_ready()
    yield "jax, jit(vmap), f32", lambda: np.asarray(batch(table)), time.perf_counter() - start


def main() -> None:
    name, *size = sys.argv[1:]
    qubits, layers, count, rounds = map(int, size)
    points = np.random.default_rng(7).uniform(0, 2 * np.pi, (count, 2 * qubits * layers))
    ways = {"qmk": qmk, "qulacs": qulacs, "aer": aer, "lightning": lightning, "jax": jax}
    rows: list[dict[str, Any]] = []
    for engine, run, once_s in ways[name](qubits, layers, points):
        values, best = run(), float("inf")
        for _ in range(rounds):
            start = time.perf_counter()
            values = run()
            best = min(best, time.perf_counter() - start)
        row = {"engine": engine, "ms": 1e3 * best / count, "once_s": once_s}
        rows.append({**row, "values": [float(value) for value in values]})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
