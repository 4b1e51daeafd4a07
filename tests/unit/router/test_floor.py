"""No prediction is below what a machine can do at all, and none says that many shots cost what one does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmk import router
from qmk.router.floor import least_s
from qmk.sdk.engine import Features
from qmk.sdk.kit.builder import Builder

MEMORY_BYTES = 1 << 40


def features(qubits: int, ops: int, clifford: bool) -> Features:
    """Of a program of so many qubits that are all measured at its end."""
    return Features(
        n_qubits=qubits,
        n_ops=ops,
        n_two_qubit=ops // 2,
        n_non_clifford=0 if clifford else ops // 4,
        depth=max(1, ops // qubits),
        n_measure=qubits,
        mid_circuit=False,
        has_reset=False,
        feed_forward="none",
        has_logic=False,
        n_events=qubits,
        gates=frozenset({"h", "cnot"} if clifford else {"h", "cnot", "rx"}),
        entangling_width=qubits,
        max_bond_log2=qubits / 2,
    )


@settings(max_examples=60, deadline=None)
@given(
    qubits=st.integers(1, 1000),
    ops=st.integers(1, 1_000_000),
    shots=st.integers(0, 8).map(lambda power: 10**power),
    clifford=st.booleans(),
)
def test_no_prediction_is_below_the_floor_and_more_shots_are_never_quicker(
    qubits: int, ops: int, shots: int, clifford: bool
) -> None:
    known = features(qubits, ops, clifford)
    rows = router.explain(known, shots, memory_bytes=MEMORY_BYTES)
    more = {row.name: row.seconds for row in router.explain(known, 10 * shots, memory_bytes=MEMORY_BYTES)}
    for row in rows:
        if row.seconds is None:
            continue
        assert row.seconds >= least_s(known, shots), row.name
        later = more[row.name]
        assert later is None or later >= row.seconds * (1 - 1e-9), row.name


@pytest.mark.parametrize("shots", [10**7, 10**8])
def test_many_shots_of_a_bell_pair_go_to_a_sampler(shots: int) -> None:
    graph = Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph()
    from qmk.router.features import features as look

    found = router.choose(look(graph, native="auto"), shots, memory_bytes=MEMORY_BYTES)
    assert found.engine in ("native", "stabilizer")
