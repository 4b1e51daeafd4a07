"""One compiler in a process of its own: asked a line, it answers lines, and ends with its input.

A question is ``{"circuit": ..., "target": ..., "seeds": N, "cpu_s": S}``. Qiskit answers a line a seed, so that what a
time limit cuts short is kept. CPU seconds are those of compiling alone, warm, with one thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

from benchmarks.compiler.programs import circuit_of
from qmk.compiling.run import compile_circuit
from qmk.compiling.straight import rows_of
from qmk.compiling.target import goal_of

GATES = ("cz", "rz", "sx", "x")
WARM = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'

Figures = dict[str, Any]


def answers(compiler: str, circuit: Any, target: str, seeds: int, cpu_s: float) -> Iterator[Figures]:
    """The figures of each result; Qiskit gives one a seed, as many as begin within ``cpu_s``."""
    goal = goal_of(f"all:{circuit.n_qubits}" if target == "all" else target, GATES)
    if compiler.startswith("qmk"):
        yield _own(circuit, goal, int(compiler.removeprefix("qmk")))
        return
    rows = rows_of(circuit)
    if compiler == "pytket":
        from qmk.compiling.pytket_circuits import to_pytket

        yield _pytket(to_pytket(circuit, rows or []), goal)
        return
    from qmk.compiling.qiskit_circuits import to_qiskit

    there, spent = to_qiskit(circuit, rows or []), 0.0
    for seed in range(seeds):
        made = _qiskit(there, goal, seed)
        spent += made["cpu_s"]
        yield made
        if spent > cpu_s:
            return


def _own(circuit: Any, goal: Any, level: int) -> Figures:
    import qmk_native

    began = time.process_time()
    made = compile_circuit(circuit, msgspec.structs.replace(goal, level=level)).work.circuit
    took = time.process_time() - began
    pairs = None if goal.couplings is None else {frozenset(pair) for pair in goal.couplings}
    for row in made.rows()[0]:
        if len(row[1]) == 2 and pairs is not None and frozenset(row[1]) not in pairs:
            raise ValueError(f"a gate on {row[1]}, which are not coupled")
    found = qmk_native.circuit_metrics(made)
    return {"gates": found["two_qubit_gates"], "depth": found["two_qubit_depth"], "cpu_s": took}


def _qiskit(circuit: Any, goal: Any, seed: int) -> Figures:
    from qmk.compiling.qiskit_circuits import run_qiskit

    began = time.process_time()
    made, _ = run_qiskit(circuit, msgspec.structs.replace(goal, seed=seed), 3)
    took = time.process_time() - began
    depth = made.depth(lambda item: item.operation.num_qubits == 2)
    return {"gates": made.num_nonlocal_gates(), "depth": depth, "cpu_s": took}


def _pytket(circuit: Any, goal: Any) -> Figures:
    from qmk.compiling.pytket_circuits import run_pytket

    types: Any = import_module("pytket.circuit").OpType
    began = time.process_time()
    made, _ = run_pytket(circuit, goal)
    took = time.process_time() - began
    return {"gates": made.n_gates_of_type(types.CZ), "depth": made.depth_by_type(types.CZ), "cpu_s": took}


def main() -> None:
    import qmk_native

    compiler = sys.argv[1]
    list(answers(compiler, qmk_native.read_qasm(WARM.encode()), "line:3", 1, 1.0))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            circuit = circuit_of(asked["circuit"])
            for made in answers(compiler, circuit, asked["target"], asked["seeds"], asked["cpu_s"]):
                print(json.dumps(made), flush=True)
            print(json.dumps({"done": True}), flush=True)
        except Exception as error:
            print(json.dumps({"done": True, "error": f"{type(error).__name__}: {error}"[:200]}), flush=True)


if __name__ == "__main__":
    main()
