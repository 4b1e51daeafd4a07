"""Logical programs with T against a state vector: ``python -m benchmarks.qec.nonclifford [PROGRAMS]``.

Random Clifford+T programs of 2 to 20 qubits and 8 to 40 T, sampled by the frame simulator with active states and
compared with the amplitudes of a dense state in double precision: no outcome of probability 0, and the means of random
parities within 7 standard deviations (a false alarm in 1e-8 for all 200 programs).
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import numpy as np
import qmk_native

KINDS = {name: number for number, (name, _, _) in enumerate(qmk_native.KINDS)}
SHOTS, PARITIES = 20_000, 20
LARGE = 20
"""every tenth program has this many qubits"""
BAR = 7.0


def program(dice: random.Random, qubits: int, t_count: int) -> qmk_native.Circuit:
    """T gates between layers of random Cliffords, all qubits read at the end."""
    rows: list[Any] = []
    for _ in range(t_count):
        for _ in range(max(4, qubits // 2)):
            name = dice.choice(("h", "s", "cnot", "cz", "sx"))
            wide = 2 if name in ("cnot", "cz") else 1
            rows.append((KINDS[name], dice.sample(range(qubits), wide), [], -1, -1, -1))
        rows.append((KINDS[dice.choice(("t", "tdg"))], [dice.randrange(qubits)], [], -1, -1, -1))
    rows += [(KINDS["measure"], [q], [], -1, q, -1) for q in range(qubits)]
    return qmk_native.Circuit(qubits, qubits, rows, [], [], [("", list(range(qubits)), False)])


def worst(circuit: qmk_native.Circuit, seed: int) -> float:
    """The largest deviation of a parity in standard deviations; infinite where an impossible outcome came."""
    qubits = circuit.n_qubits
    state = np.frombuffer(qmk_native.DensePlan(circuit, "f64").state(), dtype=np.complex128)
    chances = np.abs(state) ** 2
    samples = qmk_native.FramePlan(circuit).run(SHOTS, seed)
    bits = np.frombuffer(samples.bits(), dtype=np.uint8).reshape(SHOTS, -1)[:, :qubits]
    places = bits.astype(np.int64) @ (1 << np.arange(qubits)[::-1])
    if chances[places].min() < 1e-14:
        return float("inf")
    dice = np.random.default_rng(seed)
    index = np.arange(chances.size)
    found = 0.0
    for mask in dice.integers(1, chances.size, PARITIES):
        signs = 1 - 2 * (np.bitwise_count(index & mask).astype(np.int64) & 1)
        mean = float(chances @ signs)
        drawn = float(np.mean(signs[places]))
        spread = max(np.sqrt(max(0.0, 1 - mean**2) / SHOTS), 1 / SHOTS)
        found = max(found, abs(drawn - mean) / spread)
    return found


def main(count: int) -> None:
    begin, deviations = time.process_time(), []
    for at in range(count):
        dice = random.Random(f"nonclifford {at}")
        qubits = LARGE if at % 10 == 0 else dice.randint(2, 12)
        deviations.append(worst(program(dice, qubits, dice.randint(8, 40)), at))
    missed = sum(deviation > BAR for deviation in deviations)
    print(
        f"{count} programs: {missed} off by more than {BAR:g} standard deviations (bar 0), most {max(deviations):.1f}"
    )
    print(f"{time.process_time() - begin:.0f} CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
