"""Features of a graph: what branches, what is reset in earnest, and a bound on bonds that is never below the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace

from qmk.ir.lower import lower
from qmk.ir.program import Gate
from qmk.ir.resolver import ALL_GATES
from qmk.ir.unitary import apply_gate
from qmk.qvm.graph import Graph, Node
from qmk.router.features import features
from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.random_programs import random_case


def test_counts() -> None:
    b = Builder(3).op("h", 0).op("toffoli", 0, 1, 2).op("rz", 1, theta=0.3).op("inject_t", 2, family="magic")
    b.op("teleport_cnot", 0, 1).op("condpauli", 0, inputs=(b.measure(1),), paulis="X").measure_all()
    facts = features(b.graph(), "abc")
    assert (facts.n_qubits, facts.n_measure, facts.n_events, facts.digest) == (3, 4, 4, "abc")
    assert facts.gates >= {"h", "toffoli", "rz", "t", "cnot", "x"}
    assert facts.n_non_clifford == 3
    assert (facts.mid_circuit, facts.has_reset, facts.feed_forward) == (True, True, "pauli")


def test_only_what_splits_histories_branches() -> None:
    b = Builder(3).op("h", 0).op("reset", 1)  # nothing has touched qubit 1: the reset does nothing
    first = b.measure(0)
    b.op("x", 1, guard=when(first))
    b.measure(2)  # final: neither its qubit nor its bit is used again
    b.op("reset", 0).op("h", 0)
    b.measure(0)
    b.measure(1)
    facts = features(b.graph())
    assert facts.n_branch == 2
    assert facts.has_reset


def test_reset_of_a_fresh_qubit_is_none() -> None:
    facts = features(Builder(2).op("reset", 0).op("h", 0).op("reset", 1).measure_all().graph())
    assert not facts.has_reset
    assert facts.n_branch == 0


def test_reuse_of_an_index_is_a_reset() -> None:
    b = Builder(1).op("h", 0).op("free", 0)
    b.alloc(1)
    b.measure("q1")
    assert features(b.graph()).has_reset


def true_bond_log2(gates: list[Gate], qubits: int) -> float:
    """The largest log2 of a Schmidt rank over all cuts and after every gate, from state vectors."""
    state = np.zeros((2,) * qubits, dtype=np.complex128)
    state[(0,) * qubits] = 1
    best = 0.0
    for gate in gates:
        state = apply_gate(state, gate)
        for cut in range(1, qubits):
            rank = np.linalg.matrix_rank(state.reshape(2**cut, -1), tol=1e-9)
            best = max(best, math.log2(rank))
    return best


def widened(graph: Graph, others: int) -> Graph:
    """The same with untouched qubits behind its own, and a T gate: only such programs have their bonds followed."""
    names = tuple(f"other{k}" for k in range(others))
    nodes = (Node("others", "core.alloc", vqs=names), Node("turn", "core.t", vqs=names[:1]))
    return replace(graph, nodes=(*graph.nodes, *nodes), vqs=(*graph.vqs, *names))


def bond_log2(graph: Graph) -> float:
    """The bound, as it is for programs too wide for a state vector."""
    return features(widened(graph, 40)).max_bond_log2


@pytest.mark.parametrize("seed", range(40))
def test_bond_bound_is_never_below_the_truth(seed: int) -> None:
    graph = random_case(seed, clifford=seed % 2 == 0, dynamic=False, qubits=6, nodes=4 + seed // 2).graph
    gates = [item for item in lower(graph, ALL_GATES).instructions if isinstance(item, Gate)]
    assert bond_log2(graph) >= true_bond_log2(gates, 6) - 1e-9


def test_a_fan_counts_once_and_a_chain_stays_flat() -> None:
    fan, chain, parity, swaps = (Builder(40) for _ in range(4))
    for q in range(1, 40):
        fan.op("cp", 0, q, lam=0.1 * q)
        chain.op("cnot", q - 1, q)
        parity.op("cnot", q - 1, 39)
    for q in range(20):
        swaps.op("swap", q, 39 - q)
    assert bond_log2(fan.graph()) == 1
    assert bond_log2(chain.graph()) == 1
    assert bond_log2(parity.graph()) == 1
    assert bond_log2(swaps.graph()) == 20


def test_changing_the_shared_basis_ends_the_fan() -> None:
    b = Builder(30).op("cnot", 0, 29).op("z", 0).op("cnot", 0, 28).op("h", 0).op("cnot", 0, 27)
    assert bond_log2(b.graph()) == 2  # two bases of one qubit
    b = Builder(30).op("cnot", 5, 29).op("h", 5).op("cnot", 5, 28).op("h", 5).op("cnot", 5, 27)
    assert bond_log2(b.graph()) == 3


def test_bound_is_given_up_when_it_costs_too_much() -> None:
    """More than 100,000 crossings of cuts: of all bounds the width is left."""
    fan = Builder(300)
    for q in range(1, 300):
        fan.op("cp", 0, q, lam=0.1 * q)
    assert features(fan.graph()).max_bond_log2 == 1
    for _ in range(400):
        fan.op("cp", 0, 299, lam=0.1)
    assert features(fan.measure_all().graph()).max_bond_log2 == 150


@pytest.mark.parametrize(("theta", "non_clifford"), [(1.1, 1), (math.pi / 2, 0), (0.0, 0)])
def test_a_measurement_at_an_angle_counts_as_what_it_is(theta: float, non_clifford: int) -> None:
    b = Builder(1)
    b.events.append("m")
    b.op("mangle", 0, theta=theta, produces=("m",))
    assert features(b.graph()).n_non_clifford == non_clifford
