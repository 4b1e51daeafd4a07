"""Variables, loops, conditionals, macros, includes, interpolation, and the bounds on all of them."""

from __future__ import annotations

import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.formats.asm import assemble


def ids(text, **kw):
    return [node.id for node in assemble(text, **kw).nodes]


def qubits(text, **kw):
    return [",".join(node.vqs) for node in assemble(text, **kw).nodes]


def faults(text, **kw):
    with pytest.raises(QmkError) as caught:
        assemble(text, file="p.asm", **kw)
    return caught.value.findings


def test_ranges_are_inclusive_and_may_be_empty():
    assert ids(".for i in 0..2\nh{i}: APPLY_H q\n.endfor") == ["h0", "h1", "h2"]
    assert ids(".for i in 1..0\nh{i}: APPLY_H q\n.endfor") == []
    assert ids(".set n = 3\n.for i in n-1..n\nh{i}: APPLY_H q\n.endfor") == ["h2", "h3"]


def test_a_fraction_as_bound_is_rounded_down():
    """Public libraries write `n / 2` for the number of swaps."""
    for n, rounds in ((1, 0), (2, 1), (3, 1), (4, 2)):
        assert len(ids(f".set s = {n} / 2\n.for i in 0..s-1\nh{{i}}: APPLY_H q\n.endfor")) == rounds


def test_loops_run_over_lists_and_texts():
    assert qubits('.set qs = ["a", "b"]\n.for q in qs\nAPPLY_H {q}\n.endfor') == ["a", "b"]
    assert qubits(".for c in '101'\nAPPLY_H q{c}\n.endfor") == ["q1", "q0", "q1"]


def test_loop_variables_end_with_the_loop_and_outer_ones_return():
    text = ".set i = 9\n.for i in 0..1\n.for j in 0..0\nAPPLY_H a{i}{j}\n.endfor\n.endfor\nAPPLY_H b{i}"
    assert qubits(text) == ["a00", "a10", "b9"]
    assert faults(".for j in 0..0\n.endfor\nAPPLY_H q{j}")[0].rule == "ASM-005"


def test_only_the_chosen_branch_is_evaluated():
    text = ".set n = {}\n.if n == 1\nAPPLY_H a\n.elif n == 2\nAPPLY_H b\n"
    text += ".elif undefined\nAPPLY_H c\n.else\nAPPLY_H d\n.endif"
    assert qubits(text.format(1)) == ["a"]
    assert qubits(text.format(2)) == ["b"]
    assert faults(text.format(3))[0].rule == "ASM-005"


def test_interpolation_with_formats_escapes_and_expressions():
    text = '.set a = [0.5, 0.25]\n.set i = 1\nx_{i+1:02d}: APPLY_RX q{i}, theta={a[i]}\nBAR_REGION tag="{{{a[0]:.3f}}}"'
    first, second = assemble(text).nodes
    assert (first.id, first.vqs, first.args) == ("x_02", ("q1",), {"theta": 0.25})
    assert second.args == {"tag": "{0.500}"}


def test_interpolation_in_comments_is_ignored():
    assert ids("; {nonsense\na: APPLY_H q ; {more: nonsense}") == ["a"]


def test_a_text_cannot_leave_its_quotes():
    text = '.param t = ""\nBAR_REGION tag="{t}"'
    hostile = 'x", n=5, tag="\\'
    assert assemble(text, params={"t": hostile}).nodes[0].args == {"tag": hostile}


def test_negative_values_interpolate_into_expressions():
    assert assemble(".set a = -3\nAPPLY_RX q, theta=-{a}/2").nodes[0].args == {"theta": 1.5}


def test_params_have_defaults_and_are_overridden():
    text = ".param n = 2\n.param name\n.for i in 1..n\nAPPLY_H {name}{i}\n.endfor"
    assert qubits(text, params={"name": "q"}) == ["q1", "q2"]
    assert qubits(text, params={"name": "q", "n": 1}) == ["q1"]
    assert qubits(text, params={"name": "q", "n": "1+2"}) == ["q1", "q2", "q3"], "a text for a number is read as one"


@pytest.mark.parametrize(("given", "read"), [(11, "11"), ("11", "11"), (0.5, "0.5"), (True, "true"), ("x", "x")])
def test_a_param_has_the_type_of_its_default(given, read):
    text = '.param state = "00"\nBAR_REGION q, tag="{state}"\n.if state == "11"\nAPPLY_X q\n.endif'
    nodes = assemble(text, params={"state": given}).nodes
    assert nodes[0].args == {"tag": read}
    assert len(nodes) == (2 if read == "11" else 1)


def test_params_that_fit_nothing_are_refused():
    assert "has no parameter 'm'; it has: n" in faults(".param n = 2\nAPPLY_H q", params={"m": 1})[0].message
    assert faults("APPLY_H q", params={"a b": 1})[0].rule == "ASM-010"
    assert faults("APPLY_H {x}", params={"x": object()})[0].rule == "ASM-010"
    assert faults(".param n = 2\nAPPLY_H q{n}", params={"n": "2+"})[0].rule == "ASM-010"


MACRO = ".macro BELL(a, b)\nh: APPLY_H {a}\ncx: APPLY_CNOT {a}, {b}\n.endmacro\n"


def test_macros_take_bare_names_values_and_lists():
    assert qubits(MACRO + "BELL(q0, q1)") == ["q0", "q0,q1"]
    text = ".macro GHZ(qs)\nAPPLY_H {qs[0]}\n.for i in 1..len(qs)-1\nAPPLY_CNOT {qs[0]}, {qs[i]}\n.endfor\n.endmacro\n"
    assert qubits(text + '.set mine = ["x", "y", "z"]\nGHZ(mine)') == ["x", "x,y", "x,z"]
    assert qubits(text + 'GHZ(["x", "y"])\nGHZ(names("q", 2))') == ["x", "x,y", "q0", "q0,q1"]


def test_labels_of_macros_are_made_unique_and_those_written_outside_stay():
    assert ids(MACRO + "BELL(a, b)\nBELL(c, d)\nh: APPLY_H q") == ["h__2", "cx", "h__3", "cx__2", "h"]


def test_variables_of_a_macro_are_its_own():
    text = ".set x = 1\n.macro M()\n.set x = 2\n.set y = 3\nAPPLY_H q{x}{y}\n.endmacro\nM()\nAPPLY_H q{x}"
    assert qubits(text) == ["q23", "q1"]
    assert faults(text + "{y}")[0].rule == "ASM-005"


def test_a_fault_in_a_macro_names_the_call():
    found = faults(".macro M(a)\nAPPLY_H {b}\n.endmacro\n\nM(q)")
    assert (found[0].line, "in macro 'M' called in line 5" in found[0].message) == (2, True)


def test_includes_share_variables_and_macros_and_keep_their_own_lines():
    files = {"lib.asm": MACRO + ".set n = 5\n.caps CAP_LINK", "bad.asm": "\nFROB q"}
    assert qubits('.include "lib.asm"\n.include "lib.asm"\nBELL(q{n}, r)', include=files.__getitem__) == ["q5", "q5,r"]
    found = faults('.include "bad.asm"', include=files.__getitem__)
    assert (found[0].file, found[0].line) == ("bad.asm", 2)
    assert faults('.include "none.asm"', include=files.__getitem__)[0].rule == "ASM-008"


def test_a_macro_is_defined_once():
    assert faults(MACRO + MACRO)[0].rule == "ASM-009"


@pytest.mark.parametrize(
    "text",
    [
        ".for i in 0..10**12\n.endfor",
        ".for i in 0..10**300\n.set x = i\n.endfor",
        ".for i in 0..2000\n.for j in 0..2000\nAPPLY_H q\n.endfor\n.endfor",
        ".macro A()\nAPPLY_H q\n.endmacro\n.macro B()\n" + "A()\n" * 99 + ".endmacro\n.for i in 0..99999\nB()\n.endfor",
    ],
)
def test_expansion_is_bounded(text, monkeypatch):
    tables = {"expansion_steps": 5000, "expansion_nodes": 2000}
    monkeypatch.setattr(type(LIMITS), "__getattr__", _smaller(tables))
    monkeypatch.setattr("qmk.formats.asm.macros.check", _checks(tables))
    monkeypatch.setattr("qmk.formats.asm.assembler.check", _checks(tables))
    with pytest.raises(QmkError) as caught:
        assemble(text)
    assert caught.value.kind.name == "QUOTA_EXCEEDED"
    assert caught.value.fields["quota"] in tables


def _smaller(tables):
    from qmk.base.limits import TABLE

    return lambda _self, name: tables.get(name, TABLE[name].value)


def _checks(tables):
    from qmk.base import limits

    def check(name, asked, where=""):
        if asked > tables.get(name, limits.TABLE[name].value):
            raise QmkError("QUOTA_EXCEEDED", where, quota=name)

    return check


def test_values_that_double_are_bounded():
    text = ".set a = 'x'\n.for i in 0..99\n.set a = a + a\n.endfor"
    assert faults(text)[0].rule == "ASM-005"
    assert faults(".set a = [1]\n.for i in 0..99\n.set a = [a, a]\n.endfor")[0].rule == "ASM-005"


def test_an_include_of_itself_ends():
    found = faults('.include "me"', include=lambda name: '.include "me"')
    assert "nest deeper" in found[0].message


def test_deep_blocks_end():
    found = faults(".if 1\n" * 500 + ".endif\n" * 500)
    assert "nest deeper" in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        ".macro A()\nA()\nA()\n.endmacro\nA()",
        ".macro A\n.macro B\nA\nA\n.endmacro\nB\nB\n.endmacro\nA\nB",
        ".macro A\n.macro B\nB\n.if 1\nB\n.endmacro\n.endmacro\n.endif\n.endif\n.endmacro\nB\nA\nB",
    ],
    ids=["itself twice", "each the other twice", "with blocks that are not closed"],
)
def test_macros_that_call_themselves_twice_end_at_the_first_call_that_is_too_deep(text):
    assert sum("nest deeper" in found.message for found in faults(text)) == 1
