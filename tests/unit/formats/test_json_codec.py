"""Reading and writing QVM JSON: leniency of 0.1, every rule once, and what each version can say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.formats import json_codec
from qmk.formats.json_rules import JSON_RULES
from qmk.qvm.graph import Graph, Guard, Node, Output, digest
from qmk.qvm.verify import verify

GOLDEN = Path(__file__).parents[2] / "golden" / "qvm01"
PEERS = [json.loads(line) for line in (GOLDEN / "peer-graphs.jsonl").read_text().splitlines()]
PHYSICS = json.loads((GOLDEN / "physics.json").read_text())["cases"]
WARNINGS = {
    "missing top-level version": "QVM-J13",
    "missing top-level resources": "QVM-J14",
    "missing top-level caps": "QVM-J15",
}


def document(*nodes, **more):
    base = {"version": "1.0", "program": {"nodes": list(nodes)}, "resources": {}, "caps": []}
    return {**base, **more}


def read(value):
    return json_codec.decode(json.dumps(value).encode())


def rules(value):
    with pytest.raises(QmkError) as caught:
        json_codec.decode(value if isinstance(value, bytes) else json.dumps(value).encode())
    assert caught.value.kind.name == "INVALID_GRAPH"
    return [row.rule for row in caught.value.findings if row.severity == "error"]


def one(**node):
    return read(document({"id": "a", **node}))[0].nodes[0]


@pytest.mark.parametrize("case", PEERS, ids=lambda case: case["id"])
def test_peer_graph(case):
    """Documents that can be read give the graph, with exactly the warnings asked for; the others say what is wrong."""
    classes = {name for name, _ in case["should"]["errors"]}
    shape = classes == {"invalid_graph"} and case["graph"].get("program") != {"nodes": []}
    if shape:
        assert set(rules(case["graph"])) <= {"QVM-J03", "QVM-J04"}
        return
    graph, warnings = read(case["graph"])
    wanted = {WARNINGS[text] for text in case["should"]["warnings"] if text in WARNINGS}
    if case["should"]["accept"] or wanted:
        assert {row.rule for row in warnings} == wanted
    assert json_codec.decode(json_codec.encode(graph, "0.1"))[0] == graph
    assert digest(json_codec.decode(json_codec.encode(graph, "1.0"))[0]) == digest(graph)


@pytest.mark.parametrize("case", PHYSICS, ids=lambda case: case["name"])
def test_every_physics_program_reads(case):
    graph, warnings = read(case["graph"])
    assert set(case["event_order"]) <= set(graph.events)
    assert {row.rule for row in warnings} <= {"QVM-J17"}


def test_an_event_that_only_a_node_names_is_added_in_order_of_production():
    nodes = [{"id": f"m{i}", "op": "MEASURE_Z", "vqs": ["q"], "produces": [f"e{i}"]} for i in (2, 0, 1)]
    old = {"version": "0.1", "program": {"nodes": nodes}, "resources": {"vqs": ["q"]}, "caps": []}
    graph, warnings = read(old)
    assert graph.events == ("e2", "e0", "e1")
    assert [row.rule for row in warnings] == ["QVM-J17"] * 3
    assert read({**old, "version": "1.0"})[0].events == ()


def test_a_list_of_events_that_lacks_one_is_not_completed():
    nodes = [{"id": f"m{i}", "op": "MEASURE_Z", "vqs": ["q"], "produces": [f"e{i}"]} for i in (0, 1)]
    old = {"version": "0.1", "program": {"nodes": nodes}, "resources": {"vqs": ["q"], "events": ["e1"]}, "caps": []}
    graph, warnings = read(old)
    assert graph.events == ("e1",)
    assert not warnings
    assert "QVM-E01" in [row.rule for row in verify(graph).errors]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("gaurd", "guard"), ("Guard", "guard"), ("input", "inputs"), ("produced", "produces"), ("arg", "args")],
)
def test_a_misspelt_key_of_a_01_node_is_an_error_that_names_the_key(wrong, meant):
    with pytest.raises(QmkError) as caught:
        read(document({"id": "a", "op": "APPLY_X", "vqs": ["q"], wrong: {}}, version="0.1"))
    (row,) = [row for row in caught.value.findings if row.rule == "QVM-J05"]
    assert row.help == f"did you mean '{meant}'?"


@pytest.mark.parametrize("version", ["0.1", "1.0"])
@pytest.mark.parametrize(("wrong", "meant"), [("resource", "resources"), ("cap", "caps"), ("Caps", "caps")])
def test_a_misspelt_key_at_the_top_is_an_error(version, wrong, meant):
    program = document({"id": "a", "op": "APPLY_X", "vqs": ["q"]}, **{"version": version, wrong: []})
    graph, _ = read({**{key: part for key, part in program.items() if key != wrong}, "source": "mine", "tag": 1})
    assert graph.metadata == {"source": "mine", "tag": 1}
    del program[meant]
    with pytest.raises(QmkError, match=wrong) as caught:
        read(program)
    assert caught.value.findings[0].help == f"did you mean '{meant}'?"


def test_keys_of_10_do_nothing_in_01_and_it_is_said():
    old = document({"id": "a", "op": "APPLY_X", "vqs": ["q"]}, version="0.1", shots=5, outputs=[], description="mine")
    graph, warnings = read(old)
    assert graph.shots is None
    assert [row.rule for row in warnings if row.rule == "QVM-J21"] == ["QVM-J21"] * 2


@pytest.mark.parametrize("pauli", ["X", "Y", "Z", "I"])
def test_cond_pauli_under_a_guard_alone_is_the_pauli_under_its_guard(pauli):
    node = {"id": "a", "op": "COND_PAULI", "args": {"mask": pauli}, "vqs": ["q"], "guard": {"event": "m", "equals": 1}}
    made = one(**{name: value for name, value in node.items() if name != "id"})
    assert (made.op, made.args, made.guard) == (
        f"core.{'id' if pauli == 'I' else pauli.lower()}",
        {},
        Guard("eq", "m", 1),
    )
    again = one(**{name: value for name, value in node.items() if name != "id"}, inputs=["m"])
    assert again.op == "core.condpauli"


@pytest.mark.parametrize(
    ("op", "args", "normal"),
    [
        ("APPLY_RX", {"angle": "pi/2"}, {"theta": math.pi / 2}),
        ("core.rz", {"theta": 1}, {"theta": 1.0}),
        ("APPLY_P", {"lambda": "-pi"}, {"lam": -math.pi}),
        ("APPLY_P", {"theta": 0.5}, {"lam": 0.5}),
        ("MEASURE_ANGLE", {"angle": 0.25}, {"theta": 0.25}),
        ("COND_PAULI", {"mask": "X"}, {"paulis": "X"}),
        ("COND_PAULI", {"pauli": "Z"}, {"paulis": "Z"}),
        ("ALLOC_LQ", {"n": "1+1", "profile": "logical:Surface(d=3)"}, {"n": 2, "profile": "logical:Surface(d=3)"}),
        ("ALLOC_LQ", {"n": 2.0}, {"n": 2}),
        ("ALLOC_LQ", {"n": 2.5}, {"n": 2.5}),
        ("OPEN_CHAN", {"opts": {"fidelity": "9/10", "type": "bell_pair"}}, {"fidelity": 0.9, "type": "bell_pair"}),
        ("core.mod", {"gate": "rz", "params": {"angle": "pi"}}, {"gate": "rz", "params": {"theta": math.pi}}),
        ("SET_POLICY", {"deadline_epochs": 3}, {"deadline": 3}),
        ("core.rx", {"theta": [1]}, {"theta": [1]}),
        ("FROB", {"x": {"y": [1, None]}}, {"x": {"y": [1, None]}}),
    ],
)
def test_arguments_are_normal(op, args, normal):
    node = one(op=op, args=args)
    assert node.args == normal
    assert [type(value) for value in node.args.values()] == [type(value) for value in normal.values()]


@pytest.mark.parametrize(
    ("raw", "guard"),
    [
        ({"event": "m", "equals": 1}, Guard("eq", "m", 1)),
        ({"event": "m", "value": 0}, Guard("eq", "m", 0)),
        ({"type": "eq", "event": "m", "equals": 3}, Guard("eq", "m", 3)),
        (None, None),
        (
            {
                "type": "and",
                "conditions": [{"event": "a", "equals": 1}, {"type": "or", "conditions": [{"event": "b", "value": 0}]}],
            },
            Guard("and", conditions=(Guard("eq", "a", 1), Guard("or", conditions=(Guard("eq", "b", 0),)))),
        ),
    ],
)  # fmt: skip
def test_guards_have_one_form(raw, guard):
    assert one(op="core.x", guard=raw).guard == guard


def deep(levels):
    return {"event": "m", "equals": 1} if levels == 1 else {"type": "and", "conditions": [deep(levels - 1)]}


NODE = {"id": "a", "op": "core.x"}
BROKEN = [
    ("QVM-J01", b"{,}"),
    ("QVM-J01", b""),
    ("QVM-J01", b'{"a": NaN}'),
    ("QVM-J01", b'{"a": 1} x'),
    ("QVM-J02", b'{"a": "\xff"}'),
    ("QVM-J02", b'{"a": "\\ud800"}'),
    ("QVM-J03", []),
    ("QVM-J03", document(NODE, caps="CAP_ALLOC")),
    ("QVM-J03", document({**NODE, "vqs": ["q", 1]})),
    ("QVM-J03", document({**NODE, "vqs": "q"})),
    ("QVM-J03", document(NODE, version=1.0)),
    ("QVM-J03", document(NODE, shots="3")),
    ("QVM-J03", document(NODE, outputs=[{"name": "c", "bits": [0]}])),
    ("QVM-J04", {"version": "1.0"}),
    ("QVM-J04", document({"op": "core.x"})),
    ("QVM-J04", document({"id": "a"})),
    ("QVM-J05", document({**NODE, "guards": {"event": "m", "equals": 1}})),
    ("QVM-J05", document(NODE, resources={"qubits": []})),
    ("QVM-J05", document({**NODE, "guard": {"event": "m", "equals": 1, "mask": 1}})),
    ("QVM-J06", b'{"version": "1.0", "version": "0.1", "program": {"nodes": []}}'),
    ("QVM-J06", b'{"program": {"nodes": [{"id": "a", "op": "core.x", "vqs": ["q"], "vqs": ["r"]}]}}'),
    (
        "QVM-J06",
        b'{"program": {"nodes": [{"id": "a", "op": "core.rx", "args": {"theta": 1, "theta": 2}}]}, "x": "\\""}',
    ),
    ("QVM-J07", document(NODE, version="9.9")),
    ("QVM-J08", document({**NODE, "guard": deep(20)})),
    ("QVM-J08", b"[" * 100_000),
    ("QVM-J08", document({**NODE, "metadata": {"x": json.loads("[" * 40 + "]" * 40)}})),
    ("QVM-J09", b'{"x": 1e999}'),
    ("QVM-J09", document({**NODE, "args": {"x": 2**64}})),
    ("QVM-J09", document(NODE, shots=0)),
    ("QVM-J10", document({"id": "a", "op": "core.rx", "args": {"theta": "pi//"}})),
    ("QVM-J10", document({"id": "a", "op": "core.rx", "args": {"theta": "'a'"}})),
    ("QVM-J10", document({"id": "a", "op": "core.rx", "args": {"theta": "__import__('os')"}})),
    ("QVM-J11", document({"id": "a", "op": "core.rx", "args": {"theta": 1, "angle": 1}})),
    ("QVM-J11", document({**NODE, "guard": {"event": "m", "equals": 1, "value": 1}})),
    ("QVM-J12", document({**NODE, "guard": {"event": "m"}})),
    ("QVM-J12", document({**NODE, "guard": {"event": "m", "equals": True}})),
    ("QVM-J12", document({**NODE, "guard": []})),
    ("QVM-J12", document({**NODE, "guard": {"type": "xor", "conditions": []}})),
]


@pytest.mark.parametrize(("rule", "value"), BROKEN)
def test_rule(rule, value):
    assert rule in rules(value)


def test_every_rule_is_met_by_a_test():
    met = {rule for rule, _ in BROKEN} | {"QVM-J13", "QVM-J14", "QVM-J15", "QVM-J16", "QVM-J17", "QVM-J21"}
    assert set(JSON_RULES) - met == {"QVM-J18", "QVM-J19", "QVM-J20"}, "these three have tests of their own"


def test_all_findings_come_in_one_answer_with_paths_and_nodes():
    bad = document({"id": "a", "op": "core.rx", "args": {"theta": "x"}, "foo": 1}, {"id": 2}, resources=[], shots=-1)
    with pytest.raises(QmkError) as caught:
        read(bad)
    found = caught.value.findings
    assert {row.rule for row in found} == {"QVM-J10", "QVM-J05", "QVM-J03", "QVM-J04", "QVM-J09"}
    assert any("program.nodes[1].id must be a text, not a number" in row.message for row in found)
    assert all(row.help for row in found)
    assert {row.node for row in found if row.rule in ("QVM-J05", "QVM-J10")} == {"a"}


def test_a_syntax_error_has_line_and_column():
    with pytest.raises(QmkError) as caught:
        json_codec.decode(b'{\n  "version": "1.0",\n  "program": ]\n}')
    assert (caught.value.findings[0].line, caught.value.findings[0].column) == (3, 14)


def test_a_byte_order_mark_is_skipped():
    assert json_codec.decode(b"\xef\xbb\xbf" + json.dumps(document(NODE)).encode())[0].nodes[0].op == "core.x"


def test_texts_that_look_like_keys_are_no_duplicates():
    value = document({**NODE, "metadata": {"a": ":", "b": 'x":', "c": '" :'}}, note=":x", more='\\":')
    assert read(value)[0].metadata == {"note": ":x", "more": '\\":'}


def test_unknown_keys_of_an_old_node_are_kept_with_a_warning():
    old = {"program": {"nodes": [{**NODE, "color": "red", "metadata": {"x": 1}}]}, "resources": {}, "caps": []}
    graph, warnings = read({**old, "version": "0.1"})
    assert graph.nodes[0].metadata == {"color": "red", "x": 1}
    assert [(row.rule, row.node, row.severity) for row in warnings] == [("QVM-J16", "a", "warning")]


def test_extra_top_level_keys_are_metadata_and_come_back():
    graph = read(document(NODE, description="d", metadata={"a": [1]}))[0]
    assert graph.metadata == {"description": "d", "metadata": {"a": [1]}}
    assert json.loads(json_codec.encode(graph))["metadata"] == {"a": [1]}


FULL = Graph(
    nodes=(Node("a", "core.sx", {}, ("q",)), Node("b", "core.condpauli", {"paulis": "XZ"}, ("q", "r"), inputs=("m",))),
    outputs=(Output("c", ("m", None), True),),
    shots=7,
)


def test_old_json_refuses_what_it_cannot_say_naming_each():
    with pytest.raises(QmkError) as caught:
        json_codec.encode(FULL, "0.1")
    found = caught.value.findings
    assert {row.rule for row in found} == {"QVM-J18"}
    assert [row.node for row in found] == ["", "", "a", "b"]


def test_old_json_is_written_in_its_own_spelling():
    nodes = (
        Node("a", "core.mangle", {"theta": 0.5}, ("q",), produces=("m",)),
        Node("b", "core.condpauli", {"paulis": "X"}, ("q",), inputs=("m",), guard=Guard("eq", "m", 1)),
        Node("c", "channel.open", {"fidelity": 0.9}, ("q", "r"), ("l",)),
    )
    raw = json.loads(json_codec.encode(Graph(nodes=nodes), "0.1"))["program"]["nodes"]
    assert [row["op"] for row in raw] == ["MEASURE_ANGLE", "COND_PAULI", "OPEN_CHAN"]
    assert [row["args"] for row in raw] == [{"angle": 0.5}, {"mask": "X"}, {"opts": {"fidelity": 0.9}}]
    assert raw[1]["guard"] == {"event": "m", "equals": 1}


def test_metadata_cannot_pose_as_keys_of_the_format():
    with pytest.raises(QmkError) as caught:
        json_codec.encode(Graph(metadata={"shots": 5}))
    assert caught.value.findings[0].rule == "QVM-J19"
    assert read({**json.loads(json_codec.encode(Graph(metadata={"shots": 5}), "0.1"))})[0].metadata == {
        "unread": {"shots": 5}
    }


def test_fast_and_slow_path_agree():
    """A key in another type sends the document down the slow path; what it repairs equals what the fast one reads."""
    value = {**document({**NODE, "vqs": ["q"], "args": {"x": 1}}, version="0.1"), "x": [1]}
    slow = json.loads(json.dumps(value))
    slow["program"]["nodes"][0]["odd"] = 1
    fast_graph, slow_graph = read(value)[0], read(slow)[0]
    assert slow_graph.nodes[0].metadata == {"odd": 1}
    assert fast_graph.nodes[0].vqs == slow_graph.nodes[0].vqs
    assert fast_graph.metadata == slow_graph.metadata
