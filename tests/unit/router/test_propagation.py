"""Routing to Pauli propagation and to matrix product states: tried where a state is wide or mixed, after exact ways
where something is left out."""

from __future__ import annotations

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.engines import aer, native, qulacs, reference
from qmk.ir.chains import CHAIN
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Slot, Sweep
from qmk.request.physical import physical
from qmk.router import Decision, choose
from qmk.router.features import features
from qmk.router.outputs import after_exact, with_outputs
from qmk.router.propagation import PROPAGATION
from qmk.sdk.kit.builder import Builder, when

SHIPPED = {d.name: d for d in (reference.DECLARATION, aer.DECLARATION, native.DECLARATION, qulacs.DECLARATION)}


def ring(n: int, layers: int, angle: float) -> Graph:
    b = Builder(n)
    for _ in range(layers):
        for q in range(n):
            b.op("rx", q, theta=angle)
        for q in range(n):
            b.op("cz", q, (q + 1) % n)
    return b.measure_all().graph()


def z0(n: int, **more: object) -> Outputs:
    return msgspec.structs.replace(Outputs(expectations=((("Z" + "I" * (n - 1), 1.0),),), counts=False), **more)


def pick(graph: Graph, outputs: Outputs, engine: str | None = None) -> Decision:
    known = with_outputs(features(graph), graph, outputs)
    return choose(known, 1000, engine=engine, memory_bytes=1 << 34, declarations=SHIPPED)


def test_a_wide_cone_of_few_strings_goes_to_propagation() -> None:
    found = pick(ring(60, 10, 0.02), z0(60, tolerance=1e-2))
    assert (found.engine, found.method) == ("native", "pauli")
    exact = pick(ring(60, 5, 0.3), z0(60))
    assert "exact" in exact.cost.note


def test_the_prediction_says_how_many_strings_and_whether_any_are_cut_off() -> None:
    graph = ring(60, 8, 0.4)
    known = with_outputs(features(graph), graph, z0(60)).native[PROPAGATION]
    rough = with_outputs(features(graph), graph, z0(60, tolerance=0.2)).native[PROPAGATION]
    assert "Pauli strings at once" in known.note
    assert rough.cut
    assert not known.cut


def test_a_narrow_program_is_not_tried() -> None:
    graph = ring(10, 4, 0.3)
    assert PROPAGATION not in with_outputs(features(graph), graph, z0(10)).native
    assert pick(graph, z0(10)).method != "pauli"


def test_what_is_exact_comes_before_what_leaves_something_out() -> None:
    graph = ring(18, 12, 0.7)
    known = with_outputs(features(graph), graph, z0(18, tolerance=1e-2))
    can = native.DECLARATION.methods
    assert after_exact(can["dense64"], known, 1.0) == 0
    assert after_exact(can["pauli"], known, 1.0) == 1
    assert after_exact(can["frame"], known, 1.0) == 2
    assert pick(graph, z0(18, tolerance=1e-2)).method != "pauli"


def test_a_noisy_program_too_wide_for_a_density_matrix_is_exact_by_propagation() -> None:
    b = Builder(30)
    for q in range(30):
        b.op("ry", q, theta=0.3)
    for q in range(29):
        b.op("cnot", q, q + 1)
    graph = physical(b.measure_all().graph(), "depolarizing=0.01", None, None)[0]
    found = pick(graph, z0(30))
    assert (found.engine, found.method) == ("native", "pauli")


@pytest.mark.parametrize("noise", ["amplitude_damping=0.01", "phase_damping=0.01"])
def test_any_channel_is_exact_by_propagation_where_the_program_is_wide(noise: str) -> None:
    graph = physical(ring(40, 3, 0.1), noise, None, None)[0]
    found = pick(graph, z0(40))
    assert (found.engine, found.method) == ("native", "pauli")
    assert 1 < with_outputs(features(graph), graph, z0(40)).native[PROPAGATION].memory_bytes < 1e7, "it was tried whole"


def test_gradients_and_sweeps_of_wide_programs_are_tried_at_their_first_point() -> None:
    graph = ring(60, 4, 0.0)  # which is Clifford as it stands
    turns = [node for node in graph.nodes if node.op == "core.rx"]
    slots = tuple(Slot(node.id, "theta", 0.0, ((0, 1.0),)) for node in turns)
    strings: list[str] = []
    for points, gradient in ((((0.3,),), False), (((0.3,),), True), ((), False)):
        asked = z0(60, sweep=Sweep(names=("a",), slots=slots, points=points), gradient=gradient)
        strings.append(with_outputs(features(graph), graph, asked).native[PROPAGATION].note)
        assert pick(graph, asked).method == "pauli"
    assert strings[0] == strings[1] != strings[2]


def test_measurements_on_which_nothing_depends_are_no_obstacle() -> None:
    b = Builder(40)
    for q in range(40):
        b.op("ry", q, theta=0.3)
    events = [b.measure(q) for q in range(0, 40, 2)]
    for q in range(39):
        b.op("cnot", q, q + 1)
    unread, asked = b.graph(), z0(40)
    assert (pick(unread, asked).engine, pick(unread, asked).method) == ("native", "pauli")
    acted_on = b.op("x", 0, guard=when(events[1])).graph()
    known = with_outputs(features(acted_on), acted_on, asked)
    assert known.observed is not None
    assert not known.observed.mixed


@pytest.mark.parametrize("more", [{"counts": True}, {"sampled": True}, {"state": True}])
def test_it_draws_no_shots_and_holds_no_state(more: dict[str, object]) -> None:
    with pytest.raises(QmkError, match=r"draws no shots|gives no state"):
        pick(ring(20, 2, 0.3), z0(20, **more), engine="native:pauli")
    with pytest.raises(QmkError, match="draws no shots"):
        choose(features(ring(4, 1, 0.3)), 10, engine="native:pauli", memory_bytes=1 << 30, declarations=SHIPPED)


def line(n: int, layers: int) -> Graph:
    b = Builder(n)
    for layer in range(layers):
        for q in range(n):
            b.op("ry", q, theta=0.7 + q)
        for q in range(layer % 2, n - 1, 2):
            b.op("cnot", q, q + 1)
    return b.measure_all().graph()


def test_a_wide_state_of_small_bonds_goes_to_a_matrix_product_state() -> None:
    outputs = Outputs(expectations=((("X" * 80, 1.0),),), counts=False)
    found = pick(line(80, 8), outputs)
    assert (found.engine, found.method) == ("native", "mps")
    assert "a bond of at most 2^" in found.cost.note
    assert not found.cost.may_fail


def test_a_state_that_soon_outgrows_a_matrix_product_state_is_one_that_may_fail() -> None:
    known = with_outputs(features(line(60, 60)), line(60, 60), z0(60)).native[CHAIN]
    assert known.may_fail
    assert known.upper_bound
    assert CHAIN not in with_outputs(features(line(10, 4)), line(10, 4), z0(10)).native
