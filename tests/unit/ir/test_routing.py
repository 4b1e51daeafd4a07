"""Programs on coupled sites: placed without exchanges where they can be, exchanged where not, or refused."""

from __future__ import annotations

import random

import numpy as np
import pytest

from qmk.ir.program import Gate, Measure, Program, Unsupported
from qmk.ir.routing import route
from qmk.ir.unitary import apply_gate

GRID = [*((k, k + 1) for k in range(8) if k % 3 != 2), *((k, k + 3) for k in range(6))]


def program(gates: list[Gate], n: int) -> Program:
    return Program(n, n, (*gates, *(Measure(k, k) for k in range(n))), (), {})


def chances(routed: Program, n_cbits: int) -> np.ndarray:
    """Probabilities of the bits, bit 0 as the first axis."""
    state = np.zeros((2,) * routed.n_qubits, dtype=np.complex128)
    state[(0,) * routed.n_qubits] = 1
    at: dict[int, int] = {}
    for item in routed.instructions:
        if isinstance(item, Gate):
            state = apply_gate(state, item)
        elif isinstance(item, Measure):
            at[item.cbit] = item.qubit
    kept = [at[cbit] for cbit in range(n_cbits)]
    rest = tuple(axis for axis in range(routed.n_qubits) if axis not in kept)
    return np.moveaxis((abs(state) ** 2).sum(axis=rest), [sorted(kept).index(site) for site in kept], range(n_cbits))


@pytest.mark.parametrize("seed", range(8))
def test_exchanges_change_nothing(seed: int) -> None:
    rng = random.Random(seed)
    gates = []
    for _ in range(20):
        a, b = rng.sample(range(5), 2)
        gates += [Gate("ry", (a,), (rng.uniform(0, 3),)), Gate("rx", (b,), (rng.uniform(0, 3),)), Gate("cz", (a, b))]
    found = route(program(gates, 5), GRID, range(9))
    pairs = [
        set(item.qubits) for item in found.program.instructions if isinstance(item, Gate) and len(item.qubits) == 2
    ]
    assert all(pair in [set(edge) for edge in GRID] for pair in pairs)
    assert found.swaps == sum(isinstance(item, Gate) and item.name == "swap" for item in found.program.instructions) > 0
    ideal = route(program(gates, 5), [(a, b) for a in range(5) for b in range(a)], range(5))
    assert ideal.swaps == 0
    np.testing.assert_allclose(chances(found.program, 5), chances(ideal.program, 5), atol=1e-12)


def test_a_line_and_a_ring_need_no_exchange() -> None:
    line = [Gate("cz", (k, k + 1)) for k in range(8)]
    assert route(program(line, 9), GRID, range(9)).swaps == 0
    ring = [Gate("cz", (k, (k + 1) % 8)) for k in range(8)]
    assert route(program(ring, 8), GRID, range(9)).swaps == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(Unsupported, match="3 qubits: the device has 2 that can be used"):
        route(program([], 3), [(0, 1)], [0, 1])
    triangle = [Gate("cz", (0, 1)), Gate("cz", (1, 2)), Gate("cz", (0, 2))]
    with pytest.raises(Unsupported, match="at most 2 connected"):
        route(program(triangle, 3), [(0, 1), (2, 3)], range(4))
    with pytest.raises(Unsupported, match="a gate on 3 qubits"):
        route(program([Gate("toffoli", (0, 1, 2))], 3), GRID, range(9))
