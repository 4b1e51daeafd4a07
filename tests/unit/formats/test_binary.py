"""The binary form: refusals by rule, bounds, and its size beside JSON."""

from __future__ import annotations

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.formats import binary, json_codec
from qmk.qvm.graph import Graph, Guard, Node


def ladder(count):
    """A program of ``count`` nodes on 50 qubits: two CNOTs, then a rotation."""
    nodes = [Node("a", "core.alloc", {"n": 50}, tuple(f"q{i}" for i in range(50)))]
    for i in range(1, count):
        pair = (f"q{i % 50}", f"q{(i + 1) % 50}")
        nodes.append(
            Node(f"n{i}", "core.rz", {"theta": 0.1 * i}, pair[:1])
            if i % 3 == 0
            else Node(f"n{i}", "core.cnot", {}, pair)
        )
    return Graph(nodes=tuple(nodes), vqs=nodes[0].vqs, caps=("CAP_ALLOC",))


def rule(data):
    with pytest.raises(QmkError) as caught:
        binary.decode(data)
    assert caught.value.kind.name == "INVALID_GRAPH"
    return caught.value.findings[0].rule


def body(**changes):
    """A valid binary of three nodes with some parts of its body replaced."""
    parts = msgspec.msgpack.decode(binary.encode(ladder(3))[5:])
    names = binary._Body.__struct_fields__
    for name, value in changes.items():
        parts[names.index(name)] = value
    return binary.MAGIC + b"\1" + msgspec.msgpack.encode(parts)


def test_a_graph_comes_back_and_takes_a_quarter_of_its_json():
    graph = ladder(10_000)
    data = binary.encode(graph)
    assert binary.decode(data) == graph
    assert len(data) / len(json_codec.encode(graph)) < 0.25
    assert len(data) / len(graph.nodes) < 13


def test_size_grows_linearly():
    small, large = len(binary.encode(ladder(1000))), len(binary.encode(ladder(10_000)))
    assert large / small < 11


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("QVMB-01", b""),
        ("QVMB-01", b"{}"),
        ("QVMB-02", b"QVMB"),
        ("QVMB-02", b"QVMB\x02"),
        ("QVMB-03", b"QVMB\x01"),
        ("QVMB-03", b"QVMB\x01\x90"),
        ("QVMB-03", body() + b"\0"),
        ("QVMB-03", body(version="2.0")),
        ("QVMB-03", body(ids=["a"])),
        ("QVMB-03", body(nodes=b"\x01\x09\x09\x09")),
        ("QVMB-03", body(nodes=b"\x03\x00\x00\x00")),
        ("QVMB-03", body(nodes=b"")),
        ("QVMB-03", body(operands=b"\x01\x00")),
        ("QVMB-03", body(operands=b"\x02\x00")),
        ("QVMB-03", body(vqs=b"\x01\xff")),
        ("QVMB-03", body(values=[])),
        ("QVMB-03", body(values=[float("nan")])),
        ("QVMB-03", body(values=[b"bytes"])),
        ("QVMB-03", body(values=[msgspec.msgpack.Ext(5, b"x")])),
        ("QVMB-03", body(values=[{1: 2}])),
        ("QVMB-03", body(metadata={"x": b""})),
        ("QVMB-03", body(notes=[{}])),
        ("QVMB-03", body(guards=[{"type": "xor"}])),
        ("QVMB-03", body(shapes=[[0, -1, 0, 0, 0, 0, [], False, False]])),
        ("QVMB-03", body(shapes=[[9999, 0, 0, 0, 0, 0, [], False, False]] * 9)),
        ("QVMB-03", body(shapes=[[0, 2**32 - 1, 0, 0, 0, 0, [], False, False]] * 9)),
    ],
)
def test_malformed_bytes_are_refused(expected, data):
    assert rule(data) == expected


def test_the_unchanged_body_is_accepted():
    assert binary.decode(body()) == ladder(3)


def test_deep_guards_are_refused_both_ways():
    guard = Guard("eq", "m", 1)
    for _ in range(LIMITS.guard_depth):
        guard = Guard("and", conditions=(guard,))
    graph = Graph(nodes=(Node("a", "core.x", {}, ("q",), guard=guard),))
    with pytest.raises(QmkError):
        binary.encode(graph)
    deep = {"type": "and", "conditions": [{"event": "m"}]}
    for _ in range(LIMITS.guard_depth):
        deep = {"type": "and", "conditions": [deep]}
    assert rule(body(guards=[deep])) == "QVMB-03"


@pytest.mark.parametrize("value", [float("inf"), 2**64, {"x": object()}, {1: 2}, "\ud800"])
def test_values_without_binary_form_are_refused(value):
    with pytest.raises(QmkError):
        binary.encode(Graph(nodes=(Node("a", "core.x", {"x": value}, ("q",)),)))


def test_more_nodes_than_the_limit_are_refused_before_they_are_made():
    count = LIMITS.nodes + 1
    data = body(ids=[""] * count, nodes=b"\x01" + bytes(count))
    with pytest.raises(QmkError) as caught:
        binary.decode(data)
    assert caught.value.kind.name == "QUOTA_EXCEEDED"
    assert caught.value.fields["quota"] == "nodes"
