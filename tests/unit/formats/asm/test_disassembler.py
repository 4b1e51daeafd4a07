"""The text of graphs: readable where it can be, lossless always."""

from __future__ import annotations

from qmk.formats.asm import assemble, disassemble
from qmk.qvm.graph import Graph, Guard, Node, Output

TELEPORT = """\
.version 0.1
.caps CAP_ALLOC

alloc: ALLOC_LQ n=3, profile="logical:surface_code(d=3)" -> q0, q1, q2 [CAP_ALLOC]
bell_h: APPLY_H q1
bell_cnot: APPLY_CNOT q1, q2
cnot_meas: APPLY_CNOT q0, q1
h_meas: APPLY_H q0
m0: MEASURE_Z q0 -> m0
m1: MEASURE_Z q1 -> m1
fence: FENCE_EPOCH
corr_x: APPLY_X q2 if m1==1
both: COND_PAULI q2, m0, m1, paulis="Z"
free: FREE_LQ q0, q1, q2
"""


def test_text_written_by_hand_comes_back_as_it_stands():
    assert disassemble(assemble(TELEPORT)) == TELEPORT


def test_what_use_does_not_say_is_declared():
    group = Guard("or", conditions=(Guard("eq", "m"),))
    graph = Graph(
        nodes=(
            Node("a b", "core.x", {}, ("if",), ("c",), ("e",), ("m",), ("odd", "CAP_LINK"), group),
            Node("n", "FROB", {"x": {"{": ["}", None]}, "theta": 1}, ("q",), metadata={"k": ";"}),
            Node("z", "core.barrier", {"tag": 5}),
        ),
        vqs=("q", "if", "spare"),
        events=("m", "n"),
        families=("core@1",),
        outputs=(Output("c", (None, "m"), True), Output("none", ())),
        shots=3,
        metadata={"a": {}, "note: x": "two\nlines"},
        inferred=True,
    )  # fmt: skip
    text = disassemble(graph)
    assert assemble(text) == graph
    assert text == (
        ".version 1.0\n.families core@1\n.inferred\n.vqs q, \"if\", spare\n.chs\n.events m, n\n.shots 3\n"
        ".metadata a = [:]\n.metadata \"note: x\" = \"two\\nlines\"\n.output c descending = 0, m\n.output none =\n\n"
        "\"a b\": APPLY_X \"if\", ch:c, ev:e -> m if any(m==1) [\"odd\", CAP_LINK]\n"
        "n: \"FROB\" q, x=[\"{{\": [\"}}\", null]], theta=1 @[k: \";\"]\n"
        "z: BAR_REGION tag=(5)\n"
    )  # fmt: skip


def test_the_empty_graph():
    assert assemble(disassemble(Graph())) == Graph()
