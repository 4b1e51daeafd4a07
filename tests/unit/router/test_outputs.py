"""Routing of outputs: who is capable, why others are not, and that exact values come before sampled ones."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.engines import aer, native, reference, stabilizer
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Slot, Sweep
from qmk.router import Decision, choose
from qmk.router.features import features
from qmk.router.outputs import is_exact, with_outputs
from qmk.sdk.kit.builder import Builder, when

SHIPPED = {d.name: d for d in (reference.DECLARATION, stabilizer.DECLARATION, aer.DECLARATION, native.DECLARATION)}


def pick(graph: Graph, outputs: Outputs, engine: str | None = None, memory: int = 1 << 34) -> Decision:
    known = with_outputs(features(graph), graph, outputs)
    return choose(known, 1000, engine=engine, memory_bytes=memory, declarations=SHIPPED)


def line(n: int, layers: int, clifford: bool = False) -> Graph:
    b = Builder(n)
    for layer in range(layers):
        for q in range(n):
            b.op("h", q) if clifford else b.op("ry", q, theta=0.3 + q)
        for q in range(layer % 2, n - 1, 2):
            b.op("cnot", q, q + 1)
    return b.measure_all().graph()


def local(n: int, qubit: int) -> Outputs:
    return Outputs(expectations=(((f"{'I' * qubit}Z{'I' * (n - qubit - 1)}", 1.0),),), counts=False)


def test_a_local_observable_of_a_wide_program_is_exact() -> None:
    found = pick(line(60, 3), local(60, 30))
    assert is_exact(
        SHIPPED[found.engine].methods[found.method], with_outputs(features(line(60, 3)), line(60, 3), local(60, 30))
    )
    assert "exact values on 4 qubits" in found.cost.note


def test_a_clifford_program_of_hundreds_of_qubits_goes_to_stabilizers() -> None:
    n = 300
    graph = line(n, 40, clifford=True)
    whole = Outputs(expectations=((("Z" * n, 1.0),),), amplitudes=("0" * n,))
    assert pick(graph, whole).engine == "stabilizer"


def test_a_gradient_goes_where_it_is_cheap() -> None:
    outputs = Outputs(expectations=((("Z" * 10, 1.0),),), gradient=True, counts=False)
    assert pick(line(10, 6), outputs).engine == "native"


def test_a_state_that_is_not_there_is_a_gap_of_every_engine() -> None:
    graph = Builder(2).op("h", 0).op("mz", 0, produces=["e"]).op("x", 1, guard=when("e")).graph()
    with pytest.raises(QmkError) as refused:
        pick(graph, Outputs(state=True))
    assert refused.value.kind.name == "UNSUPPORTED"
    gaps = [gap for gap in refused.value.fields["gaps"] if gap.need == "outputs"]
    assert {gap.engine for gap in gaps} >= {"reference", "stabilizer", "native:dense64"}
    assert "no single state" in gaps[0].detail
    assert pick(graph, Outputs(expectations=((("ZZ", 1.0),),))).engine == "stabilizer", "shots do"


def test_a_method_without_states_names_the_output() -> None:
    with pytest.raises(QmkError, match="gives no state"):
        pick(line(3, 2), Outputs(state=True), "native:frame")
    with pytest.raises(QmkError, match="gives no amplitudes"):
        pick(line(3, 2), Outputs(amplitudes=("000",)), "aer:matrix_product_state")


def test_memory_counts_the_state() -> None:
    with pytest.raises(QmkError) as refused:
        pick(line(33, 40), Outputs(expectations=((("Z" * 33, 1.0),),), counts=False), "native:dense64", 1 << 30)
    assert refused.value.kind.name == "RESOURCE_EXHAUSTED"


def test_points_cost() -> None:
    graph = line(8, 3)
    sweep = Sweep(names=(), points=((),) * 500)
    one = pick(graph, Outputs(expectations=((("Z" * 8, 1.0),),), counts=False), "reference")
    many = pick(graph, Outputs(expectations=((("Z" * 8, 1.0),),), sweep=sweep, counts=False), "reference")
    assert many.cost.seconds > 100 * one.cost.seconds


def test_a_sweep_from_a_clifford_angle_is_not_left_to_stabilizers() -> None:
    graph = Builder(2).op("ry", 0, theta=0.0).op("cnot", 0, 1).measure_all().graph()
    slot = Slot(node=graph.nodes[1].id, arg="theta", terms=((0, 1.0),))
    sweep = Sweep(names=("theta",), slots=(slot,), points=((0.0,), (0.5,)))
    outputs = Outputs(expectations=((("ZI", 1.0),),), sweep=sweep, counts=False)
    found = pick(graph, outputs)
    assert found.engine != "stabilizer"
    gaps = [gap.need for row in found.candidates if row.engine == "stabilizer" for gap in row.gaps]
    assert gaps == ["gates"]
