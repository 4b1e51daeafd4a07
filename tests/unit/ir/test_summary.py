"""Resource summaries, counted by hand."""

from __future__ import annotations

import math

import pytest

from qmk.ir.summary import Summary, summarise
from qmk.qvm.graph import Graph, Guard, Node


def summary(*rows: tuple[object, ...]) -> Summary:
    """Rows (op, qubits, keywords): qubits as one text of names; ids are made up."""
    nodes: list[Node] = []
    for index, (op, qubits, *rest) in enumerate(rows):
        keywords = rest[0] if rest else {}
        nodes.append(Node(f"n{index}", str(op), vqs=tuple(str(qubits).split()), **keywords))  # type: ignore[arg-type]
    names = tuple(dict.fromkeys(name for node in nodes for name in node.vqs))
    return summarise(Graph(nodes=tuple(nodes), vqs=names))


def rz(qubits: str, theta: float) -> tuple[str, str, dict[str, object]]:
    return ("core.rz", qubits, {"args": {"theta": theta}})


def test_bell_pair():
    found = summary(
        ("core.alloc", "a b"),
        ("core.h", "a"),
        ("core.cnot", "a b"),
        ("core.mz", "a", {"produces": ("x",)}),
        ("core.mz", "b", {"produces": ("y",)}),
    )
    assert (found.qubits_live_max, found.depth, found.two_qubit, found.measurements) == (2, 3, 1, 2)
    assert (found.clifford_fraction, found.t_count, found.mid_circuit, found.feed_forward) == (1.0, 0, False, "none")
    assert (found.events, found.epochs, found.entangling_width, found.max_bond_log2) == (2, 1, 2, 1.0)
    assert found.ops == {"core.alloc": 1, "core.cnot": 1, "core.h": 1, "core.mz": 2}


def test_qubits_live_at_once_and_reuse():
    found = summary(
        ("core.alloc", "a b"), ("core.free", "a b"), ("core.alloc", "a"), ("core.h", "a"), ("core.free", "a")
    )
    assert (found.qubits_live_max, found.qubits_declared, found.has_reset) == (2, 2, True)


def test_depth_waits_for_events_and_for_fences():
    parallel = [("core.alloc", "a b"), ("core.h", "a"), ("core.h", "b")]
    assert summary(*parallel).depth == 1
    assert summary(parallel[0], parallel[1], ("core.fence", ""), parallel[2]).depth == 2
    assert summary(parallel[0], parallel[1], ("core.barrier", ""), parallel[2]).depth == 2
    assert summary(parallel[0], parallel[1], ("core.barrier", "a b"), parallel[2]).depth == 2
    assert summary(parallel[0], parallel[1], ("core.barrier", "b"), parallel[2]).depth == 1
    fed = summary(
        ("core.alloc", "a b"),
        ("core.mz", "a", {"produces": ("x",)}),
        ("core.x", "b", {"guard": Guard(event="x")}),
    )
    assert fed.depth == 2


@pytest.mark.parametrize(
    ("op", "keywords", "kind"),
    [
        ("core.x", {"guard": Guard(event="x")}, "pauli"),
        ("core.condpauli", {"inputs": ("x",), "args": {"paulis": "Z"}}, "pauli"),
        ("core.h", {"guard": Guard(event="x")}, "full"),
        ("core.x", {"guard": Guard(event="x", value=0)}, "pauli"),
        ("core.x", {"guard": Guard(event="x", value=2)}, "full"),
        ("core.x", {"guard": Guard(type="and", conditions=(Guard(event="x"),))}, "full"),
        ("core.condpauli", {"inputs": ("x",), "args": {"paulis": "Z"}, "guard": Guard(event="x")}, "full"),
        ("core.reset", {"guard": Guard(event="x")}, "full"),
    ],
)
def test_feed_forward(op: str, keywords: dict[str, object], kind: str):
    found = summary(("core.alloc", "a b"), ("core.mz", "a", {"produces": ("x",)}), (op, "b", keywords))
    assert (found.feed_forward, found.mid_circuit) == (kind, True)


def test_a_guard_on_a_two_bit_event_is_no_single_bit():
    found = summary(
        ("core.alloc", "a b c"),
        ("core.mbell", "a b", {"produces": ("x",)}),
        ("core.x", "c", {"guard": Guard(event="x")}),
    )
    assert found.feed_forward == "full"


def test_mid_circuit_is_use_after_measurement():
    measured = ("core.mz", "a", {"produces": ("x",)})
    assert summary(("core.alloc", "a"), measured, ("core.h", "a")).mid_circuit
    assert summary(("core.alloc", "a"), measured, ("core.reset", "a")).mid_circuit
    assert not summary(("core.alloc", "a b"), measured, ("core.h", "b")).mid_circuit


@pytest.mark.parametrize(
    ("row", "t_count", "rotations"),
    [
        (("core.t", "a"), 1, 0),
        (rz("a", math.pi / 4), 1, 0),
        (rz("a", -3 * math.pi / 4), 1, 0),
        (rz("a", math.pi / 2), 0, 0),
        (rz("a", 0.1), 0, 1),
        (("core.toffoli", "a b c"), 7, 0),
        (("core.ccz", "a b c"), 7, 0),
        (("core.cp", "a b", {"args": {"lam": math.pi / 2}}), 3, 0),
        (("core.cp", "a b", {"args": {"lam": math.pi}}), 0, 0),
        (("core.rzz", "a b", {"args": {"theta": math.pi / 4}}), 1, 0),
        (("core.u", "a", {"args": {"theta": 0.0, "phi": 0.2, "lam": math.pi / 4 - 0.2}}), 1, 0),
        (("core.u", "a", {"args": {"theta": math.pi, "phi": 0.2, "lam": 0.2}}), 0, 0),
        (("core.u", "a", {"args": {"theta": math.pi / 4, "phi": 0.0, "lam": 0.0}}), 1, 0),
        (("core.u", "a", {"args": {"theta": 0.3, "phi": 0.2, "lam": 0.1}}), 0, 1),
        (("core.mod", "a b", {"args": {"gate": "x", "controls": 1}}), 0, 0),
        (("core.mod", "a b", {"args": {"gate": "rz", "controls": 1, "params": {"theta": 0.1}}}), 0, 1),
        (("magic.inject_t", "a"), 1, 0),
    ],
)
def test_cost_beyond_clifford(row: tuple[object, ...], t_count: int, rotations: int):
    found = summary(("core.alloc", "a b c"), row)
    assert (found.t_count, found.rotations) == (t_count, rotations)
    assert found.non_clifford == (1 if t_count or rotations else 0)


def test_clifford_fraction():
    assert summary(("core.alloc", "a"), ("core.h", "a"), ("core.t", "a")).clifford_fraction == 0.5
    assert summary(("core.alloc", "a")).clifford_fraction == 1.0


def test_entangling_width_and_bonds():
    chain = [("core.alloc", "a b c d"), ("core.cnot", "a b"), ("core.cnot", "c d")]
    assert (summary(*chain).entangling_width, summary(*chain).max_bond_log2) == (2, 1.0)
    joined = [*chain, ("core.cz", "b c")]
    assert (summary(*joined).entangling_width, summary(*joined).max_bond_log2) == (4, 1.0)
    # Two ops cross the middle cut, and each side holds two qubits; a swap counts as two.
    assert summary(*joined, ("core.cz", "a d")).max_bond_log2 == 2.0
    assert summary(("core.alloc", "a b c d"), ("core.swap", "b c")).max_bond_log2 == 2.0
    assert summary(("core.alloc", "a b"), ("core.h", "a")).entangling_width == 1


def test_fences_make_epochs():
    assert summary(("core.alloc", "a"), ("core.fence", ""), ("core.fence", "")).epochs == 3


def test_to_dict_has_every_field():
    found = summary(("core.alloc", "a"))
    assert set(found.to_dict()) == set(Summary.__struct_fields__)
