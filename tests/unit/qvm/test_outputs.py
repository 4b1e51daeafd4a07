"""Requests for values beyond counts: what is refused, with its place; causal cones; the end of a program."""

from __future__ import annotations

import math

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.ir.cone import Placed, cone_of, cones, kept_letters
from qmk.ir.final_readout import before_readout, gates_of
from qmk.qvm import outputs as asked
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs, Slot, Sweep
from qmk.sdk.kit.builder import Builder, when


def graph() -> Graph:
    return Builder(2).op("ry", 0, theta=0.3).op("cnot", 0, 1).measure_all().graph()


RY = next(node.id for node in graph().nodes if node.op == "core.ry")
WRONG: list[tuple[Outputs, str]] = [
    (Outputs(expectations=((("ZZZ", 1.0),),)), "outputs.expectations[0]"),
    (Outputs(expectations=((("ZZ", 1.0),), (("ZQ", 1.0),))), "outputs.expectations[1]"),
    (Outputs(expectations=((("ZZ", math.nan),),)), "outputs.expectations[0]"),
    (Outputs(expectations=((),)), "outputs.expectations[0]"),
    (Outputs(amplitudes=("00", "0")), "outputs.amplitudes[1]"),
    (Outputs(amplitudes=("02",)), "outputs.amplitudes[0]"),
    (Outputs(probabilities=((0, 2),)), "outputs.probabilities[0]"),
    (Outputs(probabilities=((0,), (1, 1))), "outputs.probabilities[1]"),
    (Outputs(gradient=True), "outputs.gradient"),
    (Outputs(sweep=Sweep(names=("a", "a"))), "outputs.sweep.names"),
    (Outputs(sweep=Sweep(names=("a",), slots=(Slot(node="nowhere", arg="theta"),))), "outputs.sweep.slots[0]"),
    (Outputs(sweep=Sweep(names=("a",), slots=(Slot(node=RY, arg="phi"),))), "outputs.sweep.slots[0]"),
    (Outputs(sweep=Sweep(names=("a",), slots=(Slot(node=RY, arg="theta", terms=((1, 1.0),)),))), "sweep.slots[0]"),
    (Outputs(sweep=Sweep(names=("a",), slots=(Slot(node=RY, arg="theta"),) * 2)), "outputs.sweep.slots[1]"),
    (Outputs(sweep=Sweep(names=("a",), points=((1.0,), (1.0, 2.0)))), "outputs.sweep.points[1]"),
    (Outputs(sweep=Sweep(names=("a",), points=((math.inf,),))), "outputs.sweep.points[0]"),
]


@pytest.mark.parametrize(("outputs", "place"), WRONG, ids=[f"{place}-{at}" for at, (_, place) in enumerate(WRONG)])
def test_what_is_wrong_is_named(outputs: Outputs, place: str) -> None:
    with pytest.raises(QmkError) as refused:
        asked.require(outputs, graph(), 10)
    assert refused.value.kind.name == "INVALID_PARAMS"
    assert place in refused.value.message
    assert refused.value.fields["help"]


@pytest.mark.parametrize(
    ("limit", "outputs", "qubits"),
    [
        ("observables", Outputs(expectations=((("Z", 1.0),),) * 10_001), 1),
        ("observable_terms", Outputs(expectations=((("Z", 1.0),) * 200_001,)), 1),
        ("sweep_points", Outputs(sweep=Sweep(names=("a",), points=((0.0,),) * 100_001)), 1),
        ("values_bytes", Outputs(state=True), 22),
        ("values_bytes", Outputs(probabilities=(tuple(range(20)),)), 20),
        ("values_bytes", Outputs(state=True, sweep=Sweep(points=((),) * 100)), 15),
    ],
)
def test_there_are_bounds(limit: str, outputs: Outputs, qubits: int) -> None:
    with pytest.raises(QmkError, match=limit) as refused:
        asked.require(outputs, Builder(qubits).graph(), 10)
    assert refused.value.kind.name == "QUOTA_EXCEEDED"


def test_a_number_that_means_two_qubits_is_refused() -> None:
    b = Builder(1)
    b.op("free", 0)
    b.alloc(1)
    with pytest.raises(QmkError, match="which of the two"):
        asked.require(Outputs(state=True), b.graph(), 10)


def test_a_request_survives_the_wire_and_has_a_digest() -> None:
    outputs = Outputs(expectations=((("ZZ", 0.5),),), sweep=Sweep(names=("a",), points=((1.0,),)))
    again = msgspec.json.decode(msgspec.json.encode(outputs), type=Outputs)
    assert again == outputs
    assert asked.digest(again) == asked.digest(outputs) != asked.digest(Outputs())
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"expectation": []}', type=Outputs)


def test_a_bound_graph_has_the_angles_of_the_point() -> None:
    sweep = Sweep(names=("a", "b"), slots=(Slot(node=RY, arg="theta", constant=0.5, terms=((0, 2.0), (1, -1.0))),))
    found = asked.bound(graph(), sweep, (1.0, 0.25))
    assert next(node.args["theta"] for node in found.nodes if node.id == RY) == 2.25
    assert asked.all_angles(graph()).names == (f"{RY}.theta",)


def test_the_read_out_is_what_nothing_depends_on() -> None:
    b = Builder(2).op("h", 0).op("mz", 0, produces=["early"]).op("x", 1, guard=when("early"))
    b.op("mz", 1, produces=["late"]).op("lut", table=1, inputs=["late"], produces=["not"])
    left = [node.op for node in before_readout(b.graph()).nodes]
    assert left == ["core.alloc", "core.h", "core.mz", "core.x"]
    assert gates_of(before_readout(b.graph())) is None
    assert gates_of(before_readout(graph())) == [("core.ry", (0,)), ("core.cnot", (0, 1))]


def test_cones() -> None:
    line = [Placed("core.iswap", pair) for pair in ((0, 1), (2, 3), (1, 2), (4, 5))]
    assert cone_of(line, {1: "Z"}) == ({0, 1, 2, 3}, [0, 1, 2])
    assert cone_of(line, {5: "X"}) == ({4, 5}, [3])
    found = cones(line, [{5: "Z"}, {1: "Z"}, {3: "X"}], 16)
    assert [(cone.qubits, cone.gates, cone.members) for cone in found] == [
        ((0, 1, 2, 3), (0, 1, 2), (1, 2)),
        ((4, 5), (3,), (0,)),
    ]
    assert len(cones(line, [{5: "Z"}, {1: "Z"}, {3: "X"}], 6)) == 1, "six qubits cost less than looking"
    dense = [Placed("core.iswap", (a, b)) for a in range(4) for b in range(4) if a != b]
    (everything,) = cones(dense, [{q: "Z"} for q in range(4)], 4)
    assert everything.qubits == (0, 1, 2, 3)


def test_gates_that_commute_with_the_letters_are_outside() -> None:
    chain = [Placed("core.h", (0,)), *(Placed("core.cp", (q, q + 1)) for q in range(9)), Placed("core.rz", (4,))]
    assert cone_of(chain, {4: "Z", 5: "Z"}) == ({4, 5}, [])
    assert cone_of(chain, {4: "X"})[0] == set(range(6))
    cnot = [Placed("core.cnot", (0, 1))]
    assert [bool(cone_of(cnot, support)[1]) for support in ({0: "Z"}, {1: "X"}, {0: "Z", 1: "X"})] == [False] * 3
    assert [bool(cone_of(cnot, support)[1]) for support in ({0: "X"}, {1: "Z"}, {0: "Z", 1: "Z"})] == [True] * 3


@pytest.mark.parametrize(
    ("op", "letters"),
    [
        ("h", ("",)), ("x", ("X",)), ("t", ("Z",)), ("ry", ("Y",)), ("u", ("",)), ("cnot", ("Z", "X")),
        ("cy", ("Z", "Y")), ("crx", ("Z", "X")), ("rzz", ("Z", "Z")), ("rxx", ("X", "X")), ("swap", ("", "")),
        ("toffoli", ("Z", "Z", "X")), ("cswap", ("Z", "", "")), ("ch", ("Z", "")), ("id", ("XYZ",)),
    ],
)  # fmt: skip
def test_letters_that_a_gate_keeps(op: str, letters: tuple[str, ...]) -> None:
    assert kept_letters(f"core.{op}", len(letters)) == letters
