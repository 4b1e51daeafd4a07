"""Feed-forward, repetition and bits that are computed, against OpenQASM text of the same program."""

from __future__ import annotations

import pytest

import qmk
from qmk.exact.simulator import exact_distribution
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, digest
from qmk.qvm.verify import verify
from qmk.request.program import to_graph

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def distribution(graph: Graph) -> dict[str, float]:
    assert verify(graph).error() is None
    return exact_distribution(lower(graph, ALL_GATES))


def assert_is(circuit: qmk.Circuit, text: str) -> None:
    """The circuit has the graph of the text."""
    assert digest(to_graph(HEAD + text)) == circuit.digest


def test_both_sides_of_a_branch() -> None:
    circuit = qmk.Circuit(2, 2).h(0).measure(0, 0)
    with circuit.if_(0):
        circuit.x(1).rz(0.1, 1)
    with circuit.else_():
        circuit.y(1)
    circuit.measure(1, 1)
    assert_is(
        circuit,
        "qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0];"
        "if (c[0]) { x q[1]; rz(0.1) q[1]; } else { y q[1]; } c[1] = measure q[1];",
    )
    assert distribution(circuit.graph) == pytest.approx({"10": 0.5, "11": 0.5})


def test_conditions_on_several_bits() -> None:
    circuit = qmk.Circuit(4, {"c": 3, "d": None}).h(range(3)).measure(range(3), "c")
    c, d = circuit.bits[:3], circuit.bits[3]
    with circuit.if_("c", 5):
        circuit.x(3)
    with circuit.if_(c[0] & ~c[1] | c[2]):
        circuit.z(3)
    with circuit.if_(c[0] ^ c[1], 0):
        circuit.y(3)
    with circuit.if_(c[:2].equals(2) & c[2]):
        circuit.h(3)
    with circuit.if_(c[1], 0):
        circuit.s(3)
    circuit.measure(3, d)
    assert_is(
        circuit,
        "qubit[4] q; bit[3] c; bit d; h q[0]; h q[1]; h q[2]; c[0] = measure q[0]; c[1] = measure q[1];"
        "c[2] = measure q[2]; if (c == 5) { x q[3]; } if ((c[0] & ~c[1]) | c[2]) { z q[3]; }"
        "if (!(c[0] ^ c[1])) { y q[3]; } if (c[0:1] == 2 && c[2]) { h q[3]; } if (!c[1]) { s q[3]; }"
        "d = measure q[3];",
    )


def test_branches_within_branches_that_write_bits() -> None:
    circuit = qmk.Circuit(3, {"c": 3}).h([0, 1]).measure(0, 0)
    with circuit.if_(0):
        circuit.measure(1, 1)
        with circuit.if_(1):
            circuit.x(2).measure(2, 2)
        with circuit.else_():
            circuit.measure(1, 2)
    with circuit.else_():
        circuit.x(1).measure(1, 1)
    with circuit.if_(circuit.bits[1] & circuit.bits[2]):
        circuit.reset(0, [1, 2])
    circuit.measure(range(3), "d")
    text = (
        "qubit[3] q; bit[3] c; bit[3] d; h q[0]; h q[1]; c[0] = measure q[0];"
        "if (c[0]) { c[1] = measure q[1]; if (c[1]) { x q[2]; c[2] = measure q[2]; } else { c[2] = measure q[1]; } }"
        "else { x q[1]; c[1] = measure q[1]; } if (c[1] & c[2]) { reset q[0]; reset q[1]; reset q[2]; } d = measure q;"
    )
    assert distribution(circuit.graph) == pytest.approx(distribution(to_graph(HEAD + text)))
    assert distribution(to_graph(circuit.to("qasm3"))) == pytest.approx(distribution(circuit.graph))


def test_a_side_that_is_never_taken_is_left_out() -> None:
    circuit = qmk.Circuit(2, 1)
    with circuit.if_(0):
        circuit.x(0)
        with circuit.if_(0, 0):
            circuit.x(1)
        with circuit.else_():
            circuit.y(1)
    with circuit.else_():
        circuit.z(0)
    circuit.h(0)
    assert_is(circuit, "qubit[2] q; bit[1] c; z q[0]; h q[0];")


def test_bits_are_computed() -> None:
    circuit = qmk.Circuit(2, 2).x(0).measure_all()
    a, b = circuit.bits
    circuit.assign("parity", a ^ b).assign("neither", ~(a | b)).assign(0, b).assign("one", 1)
    assert distribution(circuit.graph) == {"1 0 1 00": 1.0}
    again = to_graph(circuit.to("qasm3"))
    assert distribution(again) == {"1 0 1 00": 1.0}


def test_repetition() -> None:
    circuit = qmk.Circuit(2, 1)
    with circuit.repeat(3):
        circuit.h(0).measure(0, 0)
        with circuit.if_(0):
            circuit.x(0)
        with circuit.repeat(2):
            circuit.t(1)
    with circuit.repeat(0):
        circuit.x(1)
    assert_is(
        circuit,
        "qubit[2] q; bit[1] c; for int k in [1:3]"
        "{ h q[0]; c[0] = measure q[0]; if (c[0]) { x q[0]; } t q[1]; t q[1]; }",
    )


def test_else_belongs_to_the_branch_right_before() -> None:
    circuit = qmk.Circuit(1, 1)
    with circuit.repeat(1), circuit.if_(0):
        circuit.x(0)
    with pytest.raises(qmk.QmkError, match="else_ does not follow a branch"):
        circuit.else_()
    with circuit.if_(0):
        circuit.x(0)
    with circuit.else_():
        circuit.y(0)
    with pytest.raises(qmk.QmkError, match="else_ does not follow a branch"):
        circuit.else_()


def test_an_exception_ends_its_blocks() -> None:
    circuit = qmk.Circuit(1, 1)
    with pytest.raises(ZeroDivisionError), circuit.if_(0), circuit.repeat(2):
        circuit.x(1 // 0)
    assert circuit.h(0).graph.nodes


def test_a_block_is_entered_where_it_is_made() -> None:
    circuit = qmk.Circuit(1, 1)
    outer = circuit.if_(0)
    circuit.if_(0, 0)
    with pytest.raises(qmk.QmkError, match="was entered before"), outer:
        pass
    with pytest.raises(qmk.QmkError, match="2 blocks of the circuit not finished"):
        circuit.to("qasm3")


def test_teleportation() -> None:
    circuit = qmk.Circuit(3).ry(1.2, 0).h(1).cx(1, 2).cx(0, 1).h(0).measure(0, "phase").measure(1, "parity")
    with circuit.if_("parity"):
        circuit.x(2)
    with circuit.if_("phase"):
        circuit.z(2)
    circuit.ry(-1.2, 2).measure(2, "out")
    assert {key.split()[0] for key in distribution(circuit.graph)} == {"0"}
