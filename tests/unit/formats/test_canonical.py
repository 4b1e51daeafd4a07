"""Canonical bytes are RFC 8785's, and a digest belongs to a program, whatever its spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rfc8785

from qmk.formats import binary, json_codec
from qmk.formats.asm import assemble, disassemble
from qmk.qvm.graph import Graph, Guard, Node, Output, canonical_bytes, digest

GOLDEN = Path(__file__).parents[2] / "golden" / "qvm01"
CASES = json.loads((GOLDEN / "physics.json").read_text())["cases"]
PEERS = [json.loads(line) for line in (GOLDEN / "peer-graphs.jsonl").read_text().splitlines()]
GRAPHS = [case["graph"] for case in CASES] + [case["graph"] for case in PEERS if case["should"]["accept"]]


@pytest.mark.parametrize("value", GRAPHS)
def test_bytes_equal_rfc_8785_and_all_spellings_have_one_digest(value):
    graph, _ = json_codec.decode(json.dumps(value).encode())
    data = canonical_bytes(graph)
    assert data == rfc8785.dumps(json.loads(data))
    spellings = [
        json_codec.decode(json_codec.encode(graph, "0.1"))[0],
        json_codec.decode(json_codec.encode(graph, "1.0", indent=4))[0],
        assemble(disassemble(graph)),
        binary.decode(binary.encode(graph)),
    ]
    assert {digest(one) for one in spellings} == {digest(graph)}


def test_awkward_values_equal_rfc_8785():
    args = {"é\\": {"😀": 2**60, "\ue000": -0.0}, "z": "\x7f\u2028\x1f/é", "f": [1e-7, 1e21, 0.1], "n": None}
    guard = Guard("and", conditions=(Guard("eq", "m", 1), Guard("eq", "n", 0)))
    graph = Graph(nodes=(Node("a", "core.rz", args, ("q",), guard=guard),), outputs=(Output("c", ("m", None), True),))
    data = canonical_bytes(graph)
    assert data == rfc8785.dumps(json.loads(data))


def test_synonyms_and_expressions_do_not_change_the_digest():
    def program(op, **args):
        node = {"id": "a", "op": op, "vqs": ["q"], "args": args}
        return json_codec.decode(json.dumps({"version": "0.1", "program": {"nodes": [node]}}).encode())[0]

    one = program("APPLY_RX", theta=0.5)
    assert digest(program("core.rx", angle="1/2")) == digest(one)
    assert digest(program("APPLY_RX", theta=0.5000000000000001)) != digest(one)
    assert digest(program("APPLY_RY", theta=0.5)) != digest(one)


def test_metadata_shots_and_version_are_not_covered_and_outputs_are():
    graph = Graph(nodes=(Node("a", "core.mz", {}, ("q",), produces=("m",)),), vqs=("q",), events=("m",))
    same = Graph(version="0.1", nodes=graph.nodes, vqs=("q",), events=("m",), shots=5, metadata={"a": 1})
    assert digest(same) == digest(graph)
    assert digest(Graph(nodes=graph.nodes, vqs=("q",), events=("m",), outputs=())) != digest(graph)
