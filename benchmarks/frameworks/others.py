"""How fast circuits of Stim and blocks of Yao are read and written, and results are saved and read.

    python -m benchmarks.frameworks.others [--gates N]

CPU seconds in one process, the best of five. A quarter each of H, S, CX and an error with a chance of many digits for
Stim, a third each of H, a rotation and CX for Yao, on 50 qubits; a result of 50 bits and as many shots as gates.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from typing import Any

import stim

import qmk
from benchmarks.building import best_s
from benchmarks.measure import Row, show
from qmk.request.program import to_graph

GATES = 100_000
QUBITS = 50
TARGET_S = 0.3
"""For 100,000 gates."""


def a_circuit(gates: int) -> stim.Circuit:
    rng = random.Random(1)
    rows: list[str] = []
    for _ in range(gates):
        a, b = rng.sample(range(QUBITS), 2)
        rows.append(rng.choice([f"H {a}", f"S {a}", f"CX {a} {b}", f"X_ERROR({rng.random() / 1000!r}) {a}"]))
    return stim.Circuit("\n".join([*rows, f"M {' '.join(map(str, range(QUBITS)))}"]))


def blocks(gates: int) -> str:
    rng, found = random.Random(1), list[Any]()
    for _ in range(gates):
        a, b = rng.sample(range(1, QUBITS + 1), 2)
        x: Any = {"block": "gate", "gate": "X"}
        rotation = {"block": "rot", "angle": rng.random(), "of": x}
        control = {"block": "control", "controls": [a], "at": [b], "of": x}
        found.append(rng.choice([control, *({"block": "put", "at": [a], "of": of} for of in (x, rotation))]))
    return json.dumps({"format": "yao-json", "version": 1, "n": QUBITS, "block": {"block": "chain", "blocks": found}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=GATES)
    gates: int = parser.parse_args().gates
    circuit, text = a_circuit(gates), blocks(gates)
    ours = qmk.Circuit.from_object(circuit)
    result = qmk.run(qmk.Circuit(QUBITS).h(range(QUBITS)).measure_all(), shots=gates, seed=1)
    saved = result.to_json()
    rows: dict[str, Callable[[], Any]] = {
        "stim.Circuit to a graph": lambda: to_graph(circuit),
        "stim.Circuit to a qmk.Circuit": lambda: qmk.Circuit.from_object(circuit),
        "stim.Circuit, run": lambda: qmk.run(circuit, shots=1),
        "qmk.Circuit to Stim": lambda: ours.to("stim"),
        "yao-json to a graph": lambda: to_graph(text),
        "result to JSON": result.to_json,
        "JSON to a result": lambda: qmk.Result.from_json(saved).bits(),
    }
    targets = {name: TARGET_S * gates / GATES for name in rows if "to a" in name}
    show(f"{gates} gates or shots", [Row(name, best_s(work), targets.get(name)) for name, work in rows.items()])


if __name__ == "__main__":
    main()
