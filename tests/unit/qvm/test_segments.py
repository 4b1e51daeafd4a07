"""Reversible segments and their inverses."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.ir.inverse import inverse_node, inverse_nodes
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.segments import Segment, segments

H = Node("h", "core.h", vqs=("a",))
T = Node("t", "core.t", vqs=("a",))
CX = Node("c", "core.cnot", vqs=("a", "b"))
BAR = Node("b", "core.barrier")
ALLOC = Node("n", "core.alloc", vqs=("a", "b"))
MZ = Node("m", "core.mz", vqs=("a",), produces=("e",))
IF = Node("x", "core.x", vqs=("b",), guard=Guard(event="e"))


def found(*nodes: Node) -> list[Segment]:
    return segments(Graph(nodes=nodes))


def test_maximal_runs_between_irreversible_ops():
    assert found(ALLOC, H, CX, MZ, T, H) == [Segment(1, 3, 2, False), Segment(4, 6, 2, False)]


def test_barriers_inside_belong_to_the_run_and_at_its_ends_do_not():
    assert found(ALLOC, BAR, H, BAR, CX, BAR, MZ) == [Segment(2, 5, 2, False)]
    assert found(BAR, BAR) == []


@pytest.mark.parametrize("op", ["core.reset", "core.mx", "core.fence", "core.free", "core.teleport_cnot", "policy.set"])
def test_everything_else_ends_a_run(op: str):
    assert len(found(H, Node("i", op, vqs=("a",)), H)) == 2


def test_a_guarded_gate_makes_its_run_conditional():
    assert found(ALLOC, MZ, IF, H) == [Segment(2, 4, 2, True)]


def test_inverse_reverses_and_undoes():
    rz = Node("r", "core.rz", {"theta": 0.5}, ("a",))
    u = Node("u", "core.u", {"theta": 1.0, "phi": 2.0, "lam": 3.0}, ("a",))
    mod = Node("o", "core.mod", {"gate": "x", "controls": 1}, ("a", "b"))
    undone = inverse_nodes((H, T, rz, u, mod))
    assert [(node.id, node.op) for node in undone] == [
        ("o_inv", "core.mod"),
        ("u_inv", "core.u"),
        ("r_inv", "core.rz"),
        ("t_inv", "core.tdg"),
        ("h_inv", "core.h"),
    ]
    assert undone[0].args == {"gate": "x", "controls": 1, "power": -1.0}
    assert undone[1].args == {"theta": -1.0, "phi": -3.0, "lam": -2.0}
    assert undone[2].args == {"theta": -0.5}
    assert inverse_nodes(undone, "")[3].args == u.args


def test_a_guard_stays_on_the_inverse():
    assert inverse_node(IF).guard == IF.guard


@pytest.mark.parametrize("node", [MZ, ALLOC, Node("q", "core.nonsense")])
def test_what_cannot_be_undone_is_refused_by_name(node: Node):
    with pytest.raises(QmkError) as caught:
        inverse_node(node)
    assert caught.value.kind.name == "UNSUPPORTED"
    assert caught.value.fields == {"node": node.id, "op": node.op}
