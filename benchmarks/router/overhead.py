"""``python -m benchmarks.router.overhead``: what choosing an engine costs, against bars: 0.5 ms for 1,000 gates, 50 ms
for 100,000.

Programs of Clifford gates and rotations on 20 qubits, and on 1,000, measured at the end. For each, in CPU time, the
least of some repeats: the features of the packed graph as the kernel has it, the features with a prediction of the
native core, one choice, their sum as a short job pays it, and the sum of a long one (a prediction, and two choices).
``plan`` is what ``qmk.sample`` pays instead, most of which prepares the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import qmk_native

from qmk import router
from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph, pack
from qmk.router.features import Look, features
from qmk.sdk.engine import Features
from qmk.sdk.kit.builder import Builder

BARS_MS = {1_000: 0.5, 100_000: 50.0}
MEMORY_BYTES = 8 << 30
SHOTS = 1000


def program(qubits: int, gates: int, clifford: bool) -> Graph:
    dice = Random(qubits + gates)
    b = Builder(qubits)
    for _ in range(gates):
        kind = dice.random()
        if kind < 0.3:
            b.op(dice.choice(("h", "s", "x")), dice.randrange(qubits))
        elif kind < 0.6 or clifford:
            b.op("cnot", *dice.sample(range(qubits), 2))
        else:
            b.op(dice.choice(("rz", "rx")), dice.randrange(qubits), theta=dice.uniform(-3, 3))
    return b.measure_all().graph()


def least_ms(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return 1e3 * min(times)


def choose(known: Features) -> None:
    try:
        router.choose(known, SHOTS, memory_bytes=MEMORY_BYTES)
    except QmkError:
        return  # that nothing can run it is an answer, and costs as much


def _both(graph: Graph, packed: bytes) -> None:
    look = Look(graph, packed)
    look.features()
    look.features("auto")


def row(qubits: int, gates: int, clifford: bool) -> str:
    graph = program(qubits, gates, clifford)
    packed = pack(graph)
    repeats = 20 if gates <= 1000 else 3
    plain = least_ms(lambda: features(graph, packed=packed), repeats)
    predicted = least_ms(lambda: _both(graph, packed), repeats)
    known = features(graph, packed=packed)
    once = least_ms(lambda: choose(known), 20)
    total = plain + once
    long = predicted + 2 * once
    bar = BARS_MS[gates]
    circuit = qmk_native.read_qvm(packed)
    try:
        plan = least_ms(lambda: qmk_native.Plan(circuit, SHOTS), min(repeats, 3))
        prepared = f"{plan:>9.2f}"
    except MemoryError:
        prepared = f"{'none':>9}"
    kind = "Clifford" if clifford else "rotations"
    held = "held" if total <= bar else "missed"
    return (
        f"{qubits:>6} {gates:>8} {kind:<10}{plain:>9.3f}{predicted:>10.3f}{once:>9.3f}{total:>9.3f} "
        f"{bar:>6.1f} {held:<8}{long:>9.3f}{prepared}"
    )


def main() -> None:
    print("CPU ms")
    print(f"{'qubits':>6} {'gates':>8} {'':<10}{'features':>9}{'predict':>10}{'choose':>9}{'total':>9} "
          f"{'bar':>6} {'':<8}{'long':>9}{'plan':>9}")  # fmt: skip
    for qubits in (20, 1000):
        for gates in BARS_MS:
            for clifford in (True, False):
                print(row(qubits, gates, clifford), flush=True)


if __name__ == "__main__":
    main()
