"""Statements and directives of assembly: what they mean, and what the findings say."""

from __future__ import annotations

import math

import pytest

from qmk.base.errors import QmkError
from qmk.formats.asm import ASM_RULES, assemble
from qmk.qvm.graph import Guard, Output


def only(text, **kw):
    return assemble(text, **kw).nodes[-1]


def faults(text, **kw):
    with pytest.raises(QmkError) as caught:
        assemble(text, file="p.asm", **kw)
    return caught.value.findings


def eq(event, value=1):
    return Guard("eq", event, value)


def test_statement_with_everything():
    node = only('"my label": core.rz q0, theta=pi/2 if m==1 [CAP_LINK, CAP_MAGIC] @[why: "x", n: [1, [a: null]]]')
    assert node.id == "my label"
    assert (node.op, node.args, node.vqs) == ("core.rz", {"theta": math.pi / 2}, ("q0",))
    assert (node.guard, node.caps) == (eq("m"), ("CAP_LINK", "CAP_MAGIC"))
    assert node.metadata == {"why": "x", "n": [1, {"a": None}]}


def test_endings_come_in_any_order():
    one = only("MEASURE_Z q -> m if a==1 [CAP_MEASURE]")
    assert only("MEASURE_Z q [CAP_MEASURE] if a==1 -> m") == one


@pytest.mark.parametrize(
    ("text", "vqs", "chs", "inputs", "produces"),
    [
        ("ALLOC_LQ n=2 -> a, b", ("a", "b"), (), (), ()),
        ('ALLOC_LQ n=2, profile="logical:bb(d=3)", a, b [CAP_ALLOC]', ("a", "b"), (), (), ()),
        ("MEASURE_BELL a, b -> x, y", ("a", "b"), (), (), ("x", "y")),
        ("OPEN_CHAN a, b, fidelity=0.9 -> link", ("a", "b"), ("link",), (), ()),
        ("USE_CHAN link, semantic=teleport", (), ("link",), (), ()),
        ("core.lut a, b, table=6 -> c", (), (), ("a", "b"), ("c",)),
        ("COND_PAULI q, m, mask=X", ("q",), (), ("m",), ()),
        ("COND_PAULI ev:m, vq:q, mask=X", ("q",), (), ("m",), ()),
        ('"FROB" vq:q, ch:c, ev:m -> n', ("q",), ("c",), ("m",), ("n",)),
    ],
)
def test_signatures_give_the_kinds(text, vqs, chs, inputs, produces):
    node = only(text)
    assert (node.vqs, node.chs, node.inputs, node.produces) == (vqs, chs, inputs, produces)


def test_kinds_come_from_declarations_never_from_names():
    text = "ALLOC_LQ -> m0, ev1\nMEASURE_Z m0 -> q0\nMEASURE_Z m0 -> q1\nCOND_PAULI ev1, m0, q0, q1, mask=XX"
    assert only(text).vqs == ("ev1", "m0")
    assert only(text).inputs == ("q0", "q1")


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("m1==1", eq("m1")),
        ("a==1 and (b==0 or c==1)", Guard("and", conditions=(eq("a"), Guard("or", conditions=(eq("b", 0), eq("c")))))),
        ("a==1 && b==0 || c==3", Guard("or", conditions=(Guard("and", conditions=(eq("a"), eq("b", 0))), eq("c", 3)))),
        ("(a==1 and b==1) and c==1", Guard("and", conditions=(Guard("and", conditions=(eq("a"), eq("b"))), eq("c")))),
        ("all(a==1, b==1)", Guard("and", conditions=(eq("a"), eq("b")))),
        ("any(a==1)", Guard("or", conditions=(eq("a"),))),
        ('"if"==0', eq("if", 0)),
    ],
)  # fmt: skip
def test_guards(text, guard):
    assert only(f"APPLY_X q if {text}").guard == guard
    assert only(f"APPLY_X q [{text}]").guard == guard


def test_labels_are_made_up_where_missing():
    graph = assemble("APPLY_H q\nn0: APPLY_X q\nAPPLY_Z q")
    assert [node.id for node in graph.nodes] == ["n0__2", "n0", "n2"]


def test_handles_are_collected_unless_declared():
    text = "MEASURE_Z b -> y\nMEASURE_Z a -> x\nAPPLY_X a if z==1"
    assert (assemble(text).vqs, assemble(text).events) == (("b", "a"), ("y", "x"))
    declared = assemble(".vqs a, b, spare\n.events x y\n" + text)
    assert (declared.vqs, declared.events) == (("a", "b", "spare"), ("x", "y"))
    assert not declared.inferred


def test_directives():
    graph = assemble(
        ".version 1.0\n.families core@1 magic@2\n.caps CAP_ALLOC, CAP_MAGIC\n.caps CAP_ALLOC CAP_LINK\n.shots 10**3\n"
        '.metadata title = "a; b"\n.metadata tags: [x, 2]\n.inferred\n.output c descending = m1, 0, m0\n.output "" =\n'
    )
    assert (graph.version, graph.families, graph.shots) == ("1.0", ("core@1", "magic@2"), 1000)
    assert graph.caps == ("CAP_ALLOC", "CAP_MAGIC", "CAP_LINK")
    assert graph.metadata == {"title": "a; b", "tags": ["x", 2]}
    assert graph.outputs == (Output("c", ("m1", None, "m0"), True), Output("", ()))
    assert graph.inferred
    assert assemble(".output none").outputs == ()
    assert assemble("").outputs is None


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("tag=plain words", "plain words"), ("tag=5", "5"), ('tag="5"', "5"), ("tag='it\\'s'", "it's"), ("tag=(5)", 5),
        ('tag="a\\u0041\\n{{}}"', "aA\n{}"), ("odd=[1, 2.0, [], [:]]", [1, 2.0, [], {}]), ("odd=word", "word"),
        ("odd=[k: [1], \"a b\": null]", {"k": [1], "a b": None}), ("odd=-1", -1), ("odd=true", True),
        ("odd=[1,2][0]", 1),
    ],
)  # fmt: skip
def test_argument_values(value, result):
    got = next(iter(only(f"BAR_REGION {value}").args.values()))
    assert got == result
    assert type(got) is type(result)


def test_named_variables_and_texts_serve_as_angles():
    assert only(".set a = pi\nAPPLY_RX q, theta=a/2").args == {"theta": math.pi / 2}
    assert only('APPLY_RX q, angle="pi/4"').args == {"theta": math.pi / 4}
    assert only("MEASURE_ANGLE q, angle=1 -> m").args == {"theta": 1.0}


FAULTS = [
    ("ASM-001", "a: ", 1, 3, "opcode is missing"),
    ("ASM-001", "1a: APPLY_H q", 1, 1, "not a label"),
    ("ASM-001", "a: APPLY_CNOT q0 q1", 1, 18, "commas"),
    ("ASM-001", "a: APPLY_H q, ", 1, 14, "operand is missing"),
    ("ASM-001", 'a: BAR_REGION tag="x', 1, 19, "not closed"),
    ("ASM-001", "a: MEASURE_Z q -> m -> n", 1, 23, "one '->'"),
    ("ASM-002", "\n .forr i in 0..1", 2, 2, "write '.for'"),
    ("ASM-003", ".for i in 0..1\nAPPLY_H q", 1, 1, ".endfor"),
    ("ASM-003", ".endif", 1, 1, "closes nothing"),
    ("ASM-003", ".if 1\n.else\n.else\n.endif", 3, 1, "after '.else'"),
    ("ASM-004", "a: APLY_H q", 1, 4, "did you mean 'APPLY_H'"),
    ("ASM-004", "a: h q", 1, 4, "did you mean 'APPLY_H'"),
    ("ASM-005", "a: APPLY_RX q, theta=2*thta", 1, 24, "not defined"),
    ("ASM-005", "a: APPLY_H q{i}", 1, 14, "'i' is not defined"),
    ("ASM-005", ".set x = 1 +", 1, 13, "ends where"),
    ("ASM-006", "a: APPLY_H q{", 1, 13, "not closed"),
    ("ASM-006", "a: APPLY_H q}", 1, 13, "closes nothing"),
    ("ASM-006", ".set i = 1\nAPPLY_H q{i:z}", 2, 13, "not a format"),
    ("ASM-007", "a: APPLY_H q\na: APPLY_X q", 2, 1, "taken by line 1"),
    ("ASM-007", ".for i in 0..1\na: APPLY_H q\n.endfor", 2, 1, "earlier round"),
    ("ASM-008", '.include "x"', 1, 10, "no folder"),
    ("ASM-009", "BELL(q0)", 1, 1, "no macro 'BELL'"),
    ("ASM-009", ".macro A(x)\n.endmacro\nA(1, 2)", 3, 1, "takes 1 arguments, not 2"),
    ("ASM-009", ".macro A()\nA()\n.endmacro\nA()", 2, 1, "nest deeper"),
    ("ASM-009", ".macro A()\n.endmacro\nl: A()", 3, 1, "no label"),
    ("ASM-010", ".param n", 1, 1, "has no default"),
    ("ASM-011", "a: APPLY_X q if m0", 1, 17, "write `m0==1`"),
    ("ASM-011", "a: APPLY_X q if m0!=1", 1, 19, "not '!='"),
    ("ASM-011", "a: APPLY_X q if not m0==1", 1, 20, "m0==0"),
    ("ASM-011", "a: APPLY_X q if m0==1 and", 1, 26, "event is missing"),
    ("ASM-012", "a: APPLY_X q [m0]", 1, 15, "if m0==1"),
    ("ASM-013", ".version 7.1", 1, 10, "0.1 nor 1.0"),
    ("ASM-013", ".shots 0", 1, 8, "at least 1"),
    ("ASM-013", ".output c", 1, 10, "'=' is missing"),
    ("ASM-013", ".for i = 0..1\n.endfor", 1, 8, ".for i in"),
    ("ASM-014", "a: APPLY_RX q, theta=1, angle=2", 1, 1, "given twice"),
    ("ASM-014", "a: APPLY_RX q, theta=", 1, 22, "no value"),
    ("ASM-014", "a: APPLY_RX q, theta='x'", 1, 1, "theta"),
    ("ASM-014", "a: BAR_REGION odd=[a: 1] 2", 1, 19, "after the value"),
]


@pytest.mark.parametrize(("rule", "text", "line", "column", "part"), FAULTS)
def test_fault(rule, text, line, column, part):
    row = faults(text)[0]
    assert (row.rule, row.file, row.line) == (rule, "p.asm", line)
    assert row.column == column or rule == "ASM-014"
    assert part in row.message + " " + row.help


def test_every_rule_is_met_by_a_test():
    assert {row[0] for row in FAULTS} == set(ASM_RULES)


def test_all_faults_of_a_program_come_in_one_answer():
    text = ".version 3.0\na: FROB q\nb: APPLY_H q{x}\n.set y = 1/0\nc: APPLY_X q if m\nb: APPLY_H q\n.endfor\n"
    found = faults(text)
    assert sorted((row.line, row.rule) for row in found) == [
        (1, "ASM-013"), (2, "ASM-004"), (3, "ASM-005"), (4, "ASM-005"), (5, "ASM-011"), (7, "ASM-003"),
    ]  # fmt: skip
    assert all(row.place().startswith("p.asm:") for row in found)


def test_a_fault_in_a_loop_is_told_once_and_shows_the_statement():
    found = faults(".for i in 0..99\nx{i}: APPLY_CNOT q0 q{i}\n.endfor")
    assert len({(row.line, row.column) for row in found}) == 1
    assert "in `x0: APPLY_CNOT q0 q0`" in found[0].message
