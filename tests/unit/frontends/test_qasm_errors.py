"""What a user reads when a program is wrong: every finding at once, each with its place, rule and way out."""

from __future__ import annotations

import pytest

from qmk.base.errors import Finding, QmkError
from qmk.frontends import load
from qmk.frontends.openqasm.rules import RULES, rule_id

HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'

EXAMPLES = [(rule, int(d)) for rule in RULES for d in rule.dialects if rule.example]


@pytest.mark.parametrize(("rule", "dialect"), EXAMPLES, ids=[f"{r.key}-{d}" for r, d in EXAMPLES])
def test_the_example_of_every_rule_breaks_it(rule, dialect, findings):
    found = findings(f"OPENQASM {dialect}.0;\n{rule.example}")
    assert rule_id(dialect, rule.key) in [f.rule for f in found], [f.text() for f in found]
    broken = next(f for f in found if f.rule == rule_id(dialect, rule.key))
    assert broken.severity == rule.severity
    assert broken.line >= 1
    assert broken.column >= 1


def test_rules_are_unique_and_documented():
    assert len({rule.number for rule in RULES}) == len({rule.key for rule in RULES}) == len(RULES)
    assert all(rule.doc.endswith(".") and set(rule.dialects) <= set("23") for rule in RULES)


def places(found: list[Finding]) -> list[tuple[str, int, int]]:
    return [(f.rule, f.line, f.column) for f in found]


def test_all_errors_come_in_one_answer(findings):
    text = HEAD2 + "qreg q[2];\nh q[2];\nfoo q[0];\ncx q[0];\nrx q[0];\nh r[0];\nx q[0]; x q[1];\ncx q[1],q[1];\n"
    assert places(findings(text)) == [
        ("QASM2-010", 4, 5),
        ("QASM2-007", 5, 1),
        ("QASM2-008", 6, 1),
        ("QASM2-009", 7, 1),
        ("QASM2-005", 8, 3),
        ("QASM2-012", 10, 1),
    ]


def test_all_syntax_errors_come_in_one_answer(findings):
    text = HEAD3 + "qubit[2] q;\nh q[0]\nx q[1];\nif (true { x q[0]; }\nbit c = measure ;\n"
    text += "for int i [0:1] { x q[0]; }\nx q[1];\ncx q[0] q[1];\n"
    found = findings(text)
    assert [(f.rule, f.line) for f in found] == [("QASM3-001", line) for line in (4, 6, 7, 8, 10)]


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "help"),
    [
        ("qreg q[1]\nh q[0];", 3, 10, "expected ';' before 'h'", "end the statement with ';'"),
        ("qreg q[1];\nH q[0];", 4, 1, "no gate 'H' is defined", "did you mean 'h'?"),
        ("qreg q[1];\ncnot q[0],q[0];", 4, 1, "no gate 'cnot' is defined", "did you mean 'cx'?"),
        ("qreg qubits[1];\nh qubit;", 4, 3, "'qubit' is not declared", "did you mean 'qubits'?"),
        ("qreg q[1];\nx q[1];", 4, 5, "index 1 is outside a register of 1", "valid indexes are 0 to 0"),
        ("qreg q[1]; creg c[2];\nmeasure q -> c;", 4, 1, "'q' has 1 qubit, 'c' has 2 bits", "name one bit: c[0]"),
        (
            "qreg q[3]; creg c[2];\nmeasure q -> c;",
            4,
            1,
            "'q' has 3 qubits, 'c' has 2 bits",
            "declare creg c[3], or measure as many qubits as bits",
        ),
        ("qreg q[2];\ncx q[0] q[1];", 4, 9, "expected ',' before 'q'", "put ',' between the operands"),
        ("qreg q[2];\nh q[0] x q[1];", 4, 7, "expected ';' before 'x'", "end the statement with ';'"),
        (
            "qreg q[2]; creg c[2];\nif (c[0]==1) x q[0];",
            4,
            6,
            "OpenQASM 2 compares whole registers only",
            "declare a one-bit register for the bit, or write OpenQASM 3: if (c[0]) ...",
        ),
        ("qreg q[1];\nx q[0]; // fine\n/* never closed", 5, 1, "the comment is never closed", "add the closing */"),
        ("qreg q[1];\nx q[0]; é", 4, 10, "expected a qubit or register, found the end of the file", ""),
        ("qreg q[1];\n} x q[0];", 4, 1, "expected a statement, found '}'", ""),
        ("qreg q[1];\ngate g a { x a;", 4, 10, "the block opened here is never closed", "add the closing '}'"),
        (
            "qreg q[1];\nopaque m a;\nm q[0];",
            5,
            1,
            "'m' is opaque: it has no definition that could be run",
            "replace the opaque declaration by a gate definition",
        ),
        ("qreg q[1];\nrx(pi/0) q[0];", 4, 6, "division by zero", ""),
        ("qreg q[1];\nrx(sinus(1)) q[0];", 4, 4, "there is no function 'sinus'", "did you mean sin?"),
        ("qreg q[2];\nqreg q[3];", 4, 1, "'q' is already declared in line 3", "choose another name"),
        ("qreg q[1]; creg c[1];\nh c;", 4, 3, "a value of type bit[1] stands where a qubit is needed", ""),
    ],
)
def test_messages_of_openqasm_2(text, line, column, message, help, findings):
    (found,) = findings(HEAD2 + text)
    assert (found.message, found.help, found.line, found.column) == (message, help, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "help"),
    [
        ("qubit[2] q;\nh q[0]\nq;", 4, 7, "expected ';' before 'q'", "end the statement with ';'"),
        ("qubit q; bit c = measur q;", 3, 18, "there is no operation 'measur'", "did you mean 'measure'?"),
        ("qubit q; bit c = y q;", 3, 19, "expected ';' before 'q'", "end the statement with ';'"),
        (
            "qubit[2] q; bit[3] c = measure q;",
            3,
            13,
            "'q' has 2 qubits, 'c' has 3 bits",
            "declare bit[2] c, or measure as many qubits as bits",
        ),
        (
            "qubit[3] q; bit[3] c;\nc[0:1] = measure q;",
            4,
            1,
            "'q' has 3 qubits, the part of 'c' has 2 bits",
            "name as many bits of 'c', or measure as many qubits as bits",
        ),
        ("bit[2] a; bit[3] b; a = b;", 3, 21, "bit[3] has 3 bits, bit[2] has 2", "give both one size, or take a slice"),
        (
            'include "stdgate.inc";',
            3,
            1,
            'cannot include "stdgate.inc": this program has no file to look beside',
            "did you mean 'stdgates.inc'?",
        ),
        ("qubit q[2];", 3, 8, "expected ';', found '['", "write the size before the name: qubit[...] q;"),
        ("bit c[2];", 3, 6, "expected '=' or ';', found '['", "write the size before the name: bit[...] c"),
        ("qubit q; if (q) x q;", 3, 14, "a qubit is not a classical value", ""),
        ("qubit q; def f(qubit a) { h b; } f(q);", 3, 29, "'b' is not declared", "declare it"),
        (
            "qubit q; bit c; def f() { reset q; } f();",
            3,
            33,
            "'q' is declared outside this subroutine, which sees only global constants",
            "pass it to the subroutine",
        ),
        (
            "cal { x; }",
            3,
            1,
            "'cal' cannot run: QMK's devices execute gates, not pulses or foreign code",
            "define the operation as a gate or a def",
        ),
        ("qubit q; ctrl @ x q;", 3, 10, "x with its modifiers acts on 2 qubit(s), 1 given", "write: x q[0], q[1];"),
        ("def f(qubit q) { x q; } qubit q; f q;", 3, 34, "'f' is a subroutine, not a gate", "write: f(...);"),
        ("qubit q; x(q);", 3, 10, "'x' is a gate", "write: x(...) qubits;"),
        ("break;", 3, 1, "break stands outside every loop", ""),
        ("return 1;", 3, 1, "return stands outside every subroutine", ""),
        (
            "gate g a { measure a; } ",
            3,
            12,
            "a gate's body holds gates, barriers and loops only",
            "use def for operations that measure, reset or declare",
        ),
        ("int i = 3; for int i in [0:2:] { }", 3, 26, "a loop's range needs both ends", ""),
        ("def f(qubit q) -> bit { x q; } qubit q; bit c = f(q);", 3, 49, "f ended without returning a bit", ""),
    ],
)
def test_messages_of_openqasm_3(text, line, column, message, help, findings):
    (found,) = findings(HEAD3 + text)
    assert (found.message, found.help, found.line, found.column) == (message, help, line, column)


def test_an_input_without_a_value_is_a_name_that_may_be_meant(findings):
    found = findings(HEAD3 + "input float theta; qubit q;\nrx(thta) q;\nrx(zz) q;")
    assert [f.help for f in found[1:]] == ["did you mean 'theta'?", "declare it"]


def test_a_file_that_is_not_there_is_sought_among_its_neighbours(tmp_path):
    (tmp_path / "bell.inc").write_text("")
    program = tmp_path / "program.qasm"
    for name, fix in (
        ("bel.inc", "did you mean 'bell.inc'?"),
        ("stdgate.inc", "did you mean 'stdgates.inc'?"),
        ("zz", "check the name and the folder"),
    ):
        text = f'OPENQASM 3.0; include "{name}";'.encode()
        with pytest.raises(QmkError) as caught:
            load(text, path=str(program))
        assert [f.help for f in caught.value.findings] == [fix]


def test_a_refused_declaration_is_reported_once(findings):
    found = findings(HEAD3 + "qubit[0] q;\nx q;\ncx q[0], q[1];\nbit c = measure q;")
    assert places(found) == [("QASM3-014", 3, 1)]


def test_qubits_beyond_the_limit_are_reported_once_however_they_are_used(findings):
    found = findings(HEAD3 + "qubit[100000] a;\nqubit b;\nh b;\ncx a[0], b;\n")
    assert places(found) == [("QASM3-019", 4, 1)]


def test_a_measurement_into_no_bits_is_a_wrong_size(findings):
    found = findings(HEAD3 + "qubit[2] q;\nbit[2] c;\nc[1:0] = measure q;\n")
    assert [(f.rule, f.line) for f in found] == [("QASM3-011", 5)]


@pytest.mark.parametrize("head", ["#pragma", "pragma"])
@pytest.mark.parametrize(
    ("rest", "rule"),
    [
        ("braket noise bit_flip(0.1) q", 34),
        ("braket unitary([[0, 1], [1, 0]]) q", 34),
        ("braket", 34),
        ("braket verbatim", 25),
        ("braket result state_vector", 25),
        ("braketing noise", 25),
    ],
)
def test_pragmas_of_braket_that_change_a_program_are_refused(head, rest, rule, findings):
    found = findings(f"OPENQASM 3.0;\nqubit q;\n{head} {rest}", "qasm3")
    assert [f.rule for f in found] == [f"QASM3-{rule:03d}"]


def test_missing_library_is_named(findings):
    (found,) = findings("OPENQASM 3.0; qubit q; h q;")
    assert found.help == 'add: include "stdgates.inc";'
    (found,) = findings("OPENQASM 2.0; qreg q[1]; h q;")
    assert found.help == 'add: include "qelib1.inc";'


def test_bytes_that_are_no_text(findings):
    from qmk.base.errors import QmkError
    from qmk.frontends import load

    with pytest.raises(QmkError) as caught:
        load(b"OPENQASM 2.0;\nqreg \xff[2];", format="qasm2")
    (found,) = caught.value.findings
    assert (found.rule, found.line, found.column) == ("QASM2-002", 2, 6)


def test_unknown_version_is_refused_by_name(findings):
    (found,) = findings("OPENQASM 4.0;\nqubit q;")
    assert found.rule == "QASM3-003"
    (found,) = findings("qubit q;\nOPENQASM 3.0;", format="qasm3")
    assert found.message == "the version must be the first statement"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 5000 + "1",
        "2" + "**2" * 3000,
        "1" + "+1" * 1900,
        "1" + "+1" * 5000,
        "sin(" * 3000,
        "a" + "[0]" * 5000,
        "9" * 5000,
        "1e99999",
        "{" * 5000,
        "~" * 3000 + "1",
        "1" * 300 + "." + "1" * 300,
    ],
    ids=[
        "parens",
        "minus",
        "powers",
        "sum",
        "long-sum",
        "calls",
        "indexes",
        "digits",
        "exponent",
        "braces",
        "tilde",
        "real",
    ],
)
def test_monstrous_expressions_are_answered(text, findings):
    found = findings(f"{HEAD3}qubit q; float a = {text};\nx q;")
    assert all(f.rule.startswith("QASM3-") for f in found)


def test_monstrous_nesting_is_answered(findings):
    assert findings(HEAD3 + "if (true) " * 3000 + "{ }")
    assert findings(HEAD3 + "{" * 3000 + "}" * 3000)
    chain = "".join(f"gate g{k + 1} a {{ g{k} a; g{k} a; }}\n" for k in range(100))
    assert {f.rule for f in findings(f"{HEAD3}gate g0 a {{ h a; }}\n{chain}qubit q; g100 q;")} <= {
        "QASM3-019",
        "QASM3-030",
    }
    calls = "".join(f"def f{k + 1}(qubit q) {{ f{k}(q); }}\n" for k in range(100))
    (found,) = findings(f"{HEAD3}def f0(qubit q) {{ h q; }}\n{calls}qubit q; f100(q);")
    assert found.rule == "QASM3-030"
