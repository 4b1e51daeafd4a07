"""Inverses of nodes: they reverse a run of gates, keep its guards, and refuse what cannot be undone."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.ir.inverse import inverse_node, inverse_nodes
from qmk.qvm.graph import Guard, Node

H = Node("h", "core.h", vqs=("a",))
T = Node("t", "core.t", vqs=("a",))
ALLOC = Node("n", "core.alloc", vqs=("a", "b"))
MZ = Node("m", "core.mz", vqs=("a",), produces=("e",))
IF = Node("x", "core.x", vqs=("b",), guard=Guard(event="e"))


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
