"""The programs that ``qmk calibrate`` runs: random layers, sized so that each rate of some engine decides one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from qmk.qvm.graph import Graph
from qmk.sdk.kit.builder import Builder, when


class Size(NamedTuple):
    """``dynamic``: some qubits are measured on the way, reset, and decide a gate."""

    n_qubits: int
    n_ops: int
    shots: int
    clifford: bool = False
    dynamic: bool = False


SIZES = (
    Size(2, 8, 1, clifford=True),
    Size(2, 8, 20_000, clifford=True),
    Size(4, 600, 1),
    Size(4, 12, 50_000),
    Size(6, 60, 200, dynamic=True),
    Size(9, 120, 200),
    Size(12, 150, 200),
    Size(15, 150, 200),
    Size(17, 150, 200),
    Size(20, 80, 200),
    Size(23, 30, 200),
    Size(30, 1500, 1, clifford=True),
    Size(60, 3000, 2000, clifford=True),
    Size(400, 4000, 100, clifford=True),
    Size(12, 200, 200, clifford=True, dynamic=True),
)


@lru_cache(maxsize=64)
def program(size: Size, variant: int) -> Graph:
    """Layers of one-qubit gates and CNOTs between neighbours, the same but for their angles in every variant."""
    builder = Builder(size.n_qubits)
    n, events = size.n_qubits, 0
    for k in range(size.n_ops):
        qubit = (k * 7 + k // n) % n
        if k % 3 == 2:
            builder.op("cnot", qubit, (qubit + 1) % n)
        elif size.dynamic and k % 20 == 10:
            event = builder.measure(qubit, event=f"d{events}")
            builder.op("reset", qubit)
            builder.op("x", (qubit + 1) % n, guard=when(event))
            events += 1
        elif size.clifford:
            builder.op(("h", "s", "sx")[(k + variant) % 3], qubit)
        elif k % 3:
            builder.op("rz", qubit, theta=0.3 + 0.01 * variant + math.fmod(0.37 * k, 1.0))
        else:
            builder.op("ry", qubit, theta=0.2 + 0.01 * variant + math.fmod(0.61 * k, 1.0))
    builder.measure_all()
    builder.op("free", *range(n))
    return builder.graph()
