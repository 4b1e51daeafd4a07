"""The kit's proofs of wide programs: they find small changes; and a checker of others agrees with the compiler."""

from __future__ import annotations

import random

import msgspec
import pytest

import qmk
from qmk.compiling.lowering import circuit_from
from qmk.compiling.qiskit_circuits import to_qiskit
from qmk.compiling.straight import rows_of
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph
from qmk.sdk.kit.wide_programs import UnfollowedError, difference, parities, wide_case


def changes(graph: Graph, count: int) -> list[Graph]:
    """The graph without one of its gates, for some gates."""
    gates = [at for at, node in enumerate(graph.nodes) if node.op not in ("core.alloc", "core.mz", "core.measure")]
    made: list[Graph] = []
    for at in random.Random(5).sample(gates, count):
        nodes = graph.nodes[:at] + graph.nodes[at + 1 :]
        made.append(msgspec.structs.replace(graph, nodes=nodes))
    return made


def test_a_tableau_tells_programs_apart_that_differ_by_a_gate() -> None:
    graph = wide_case(1).graph
    whole = lower(graph, ALL_GATES)
    assert difference(whole, whole) == ""
    differ = [difference(whole, lower(changed, ALL_GATES)) != "" for changed in changes(graph, 8)]
    # a gate that acts on a state of its own axis changes nothing
    assert sum(differ) >= 2


def test_parities_of_a_known_state() -> None:
    circuit = qmk.Circuit(3)
    circuit.h(0).cx(0, 1).cx(1, 2).x(2).measure_all()
    made = lower(circuit.to_graph(), ALL_GATES)
    assert sorted(len(row.split()) for row in parities(made)) == [2, 2]
    assert sum(row.startswith("-") for row in parities(made)) >= 1


def test_what_no_tableau_follows_is_named() -> None:
    circuit = qmk.Circuit(1)
    circuit.t(0).measure_all()
    with pytest.raises(UnfollowedError, match="is not a Clifford gate"):
        parities(lower(circuit.to_graph(), ALL_GATES))


@pytest.mark.conformance
def test_a_checker_of_others_agrees() -> None:
    qcec = pytest.importorskip("mqt.qcec", reason="pip install mqt.qcec")
    pytest.importorskip("qiskit", reason="pip install qiskit")
    rng = random.Random(3)
    for _ in range(5):
        circuit = qmk.Circuit(24)
        for _ in range(120):
            a, b = rng.sample(range(24), 2)
            circuit.cx(a, b).rz(rng.choice((0.25, 0.5, 1.0)) * 3.141592653589793, b).h(a)
        made = qmk.compile(circuit, "all:24", gates=("cz", "rz", "sx", "x"), level=2).program
        both = [circuit_from(graph, "test", whole=True).circuit for graph in (circuit.to_graph(), made)]
        one, other = (to_qiskit(each, rows_of(each) or ()) for each in both)
        found = qcec.verify(one, other, timeout=20.0)
        assert found.equivalence.name in ("equivalent", "equivalent_up_to_global_phase")
