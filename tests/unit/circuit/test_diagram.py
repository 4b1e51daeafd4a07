"""The circuit as text: golden drawings, and properties that hold for any program."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmk.circuit import diagram
from qmk.drawing.words import angle_text, guard_text
from qmk.qvm.graph import Graph, Guard, Node

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "diagrams"


def node(index: int, op: str, *vqs: str, **fields: object) -> Node:
    return Node(id=f"n{index}", op=op if "." in op else f"core.{op}", vqs=vqs, **fields)  # type: ignore[arg-type]


def graph(*nodes: Node) -> Graph:
    handles = tuple(dict.fromkeys(vq for item in nodes for vq in item.vqs))
    return Graph(nodes=nodes, vqs=handles)


def teleportation() -> Graph:
    return graph(
        node(0, "alloc", "msg", "a", "b"),
        node(1, "ry", "msg", args={"theta": math.pi / 4}),
        node(2, "h", "a"),
        node(3, "cnot", "a", "b"),
        node(4, "cnot", "msg", "a"),
        node(5, "h", "msg"),
        node(6, "mz", "msg", produces=("m0",)),
        node(7, "mz", "a", produces=("m1",)),
        node(8, "fence"),
        node(9, "x", "b", guard=Guard(event="m1")),
        node(10, "condpauli", "b", args={"paulis": "Z"}, inputs=("m0",)),
        node(11, "mz", "b", produces=("out",)),
        node(12, "free", "msg", "a", "b"),
    )


def every_shape() -> Graph:
    both = Guard(type="and", conditions=(Guard(event="e"), Guard(event="f", value=0)))
    return graph(
        node(0, "alloc", "a", "b", "c", args={"n": 3}),
        node(1, "cswap", "a", "b", "c"),
        node(2, "cp", "a", "c", args={"lam": 0.3}),
        node(3, "u", "b", args={"theta": math.pi, "phi": -math.pi / 2, "lam": 0.1}),
        node(4, "mod", "a", "b", "c", args={"gate": "sx", "controls": 2, "state": "10", "power": -1}),
        node(5, "mpauli", "a", "c", args={"paulis": "XZ"}, produces=("e",)),
        node(6, "mbell", "a", "b", produces=("f", "g")),
        node(7, "lut", inputs=("e", "f"), produces=("h",), args={"table": 6}),
        node(8, "barrier", "a", "b", args={"tag": "here"}),
        node(9, "reset", "c", guard=both),
        node(10, "free", "a"),
        node(11, "alloc", "a"),
        node(12, "magic.inject_t", "a"),
        node(13, "somebody.else", "b", "c"),
    )


@pytest.mark.parametrize(
    ("name", "program", "options"),
    [
        ("teleportation", teleportation(), {}),
        ("teleportation_narrow", teleportation(), {"width": 40}),
        ("every_shape", every_shape(), {"width": 120}),
        ("every_shape_ascii", every_shape(), {"width": 120, "ascii_only": True}),
    ],
)
def test_golden(name: str, program: Graph, options: dict[str, int]) -> None:
    drawn = "\n".join(diagram.lines(program, **options)) + "\n"  # type: ignore[arg-type]
    assert drawn == (GOLDEN / f"{name}.txt").read_text()


def test_a_condition_stands_right_of_the_measurement_it_reads() -> None:
    rows = diagram.lines(teleportation())
    measured = next(row.index("M→m1") for row in rows if "M→m1" in row)
    assert next(row.index("X[if m1]") for row in rows if "X[if m1]" in row) > measured


def test_long_programs_are_cut_with_a_note() -> None:
    program = graph(*(node(i, "h", "q") for i in range(50)))
    rows = diagram.lines(program, max_nodes=10)
    assert rows[0].count("H") == 10
    assert "40 more nodes" in rows[-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.pi, "π"),
        (-math.pi / 2, "-π/2"),
        (3 * math.pi / 4, "3π/4"),
        (2 * math.pi, "2π"),
        (0.3, "0.3"),
        (0.0, "0"),
        (1.23456789, "1.235"),
        ("theta", "theta"),
    ],
)
def test_angles(value: float, text: str) -> None:
    assert angle_text(value) == text


def test_guards() -> None:
    inner = Guard(type="or", conditions=(Guard(event="a"), Guard(event="b", value=0)))
    assert guard_text(Guard(type="and", conditions=(inner, Guard(event="c", value=2)))) == "(a | !b) & c=2"


GATES = st.sampled_from([("h", 1), ("cnot", 2), ("toffoli", 3), ("swap", 2), ("rz", 1)])


@given(st.lists(st.tuples(GATES, st.permutations(range(5))), max_size=40), st.integers(30, 120))
def test_any_circuit_shows_every_gate_within_the_width(
    picks: list[tuple[tuple[str, int], list[int]]], width: int
) -> None:
    names = [f"q{i}" for i in range(5)]
    nodes = [node(0, "alloc", *names)]
    for index, ((op, arity), order) in enumerate(picks, 1):
        args = {"theta": 0.5} if op == "rz" else {}
        nodes.append(node(index, op, *(names[i] for i in order[:arity]), args=args))
    rows = diagram.lines(graph(*nodes), width=width)
    assert all(len(row) <= width for row in rows)
    drawn = "".join(rows)
    ops = [op for (op, _), _ in picks]
    assert drawn.count("H") == ops.count("h")
    assert drawn.count("⊕") == ops.count("cnot") + ops.count("toffoli")
    assert drawn.count("×") == 2 * ops.count("swap")
    assert drawn.count("RZ(0.5)") == ops.count("rz")
    assert drawn.count("●") == ops.count("cnot") + 2 * ops.count("toffoli")
