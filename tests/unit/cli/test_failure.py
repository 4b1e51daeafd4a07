"""Errors as people and programs meet them."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from qmk.base.errors import KINDS, Finding, QmkError, invalid_graph
from qmk.cli import parameters
from qmk.cli.failure import EXIT_CODES, Console


def console(as_json: bool = False) -> Console:
    return Console(as_json=as_json, debug=False)


def test_every_error_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(KINDS)
    assert set(EXIT_CODES.values()) == {1, 2, 3}
    assert EXIT_CODES["INVALID_GRAPH"] == 1


def test_findings_show_place_line_caret_rule_and_fix(capsys: pytest.CaptureFixture[str]) -> None:
    out = console()
    out.sources["bell.qasm"] = b"OPENQASM 2.0;\nqreg q[2];\nhh q[0];\n"
    wrong = Finding("QASM-007", "unknown gate 'hh'", help="write 'h'", file="bell.qasm", line=3, column=1)
    also = Finding("QVM-L02", "qubit 'q' is used after it was freed", node="n4")
    assert out.error(invalid_graph([wrong, also])) == 1
    text = capsys.readouterr()
    assert text.out == ""
    assert text.err.splitlines() == [
        "bell.qasm:3:1: error: unknown gate 'hh' [QASM-007]",
        "  3 | hh q[0];",
        "    | ^",
        "  fix: write 'h'",
        "node 'n4': error: qubit 'q' is used after it was freed [QVM-L02]",
        "2 errors",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (click.INT, "x", "'x' is not a whole number"),
        (click.IntRange(0, 9), "1e3", "'1e3' is not a whole number"),
        (click.FLOAT, "y", "'y' is not a number"),
        (click.FloatRange(0, 1), "z", "'z' is not a number"),
        (parameters.Shots(), "1.5", "'1.5' is not a whole number, such as 1000"),
        (click.Choice(["one", "two"]), None, "missing option '--value'. Choose from: one, two"),
    ],
)
def test_what_click_says_is_said_in_our_words(
    kind: click.ParamType, value: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = click.Command("c", params=[click.Option(["--value"], type=kind, required=True)])
    with pytest.raises(click.UsageError) as wrong:
        command.main([] if value is None else ["--value", value], prog_name="c", standalone_mode=False)
    assert console().usage(wrong.value) == 2
    first, see = capsys.readouterr().err.splitlines()
    assert first.endswith(said)
    assert see == "  see: c --help"


def test_long_lines_are_cut_round_the_column(capsys: pytest.CaptureFixture[str]) -> None:
    out = console()
    out.sources["x"] = b"a" * 500 + b"!" + b"b" * 500
    out.error(invalid_graph([Finding("R", "m", file="x", line=1, column=501)]))
    excerpt, caret = capsys.readouterr().err.splitlines()[1:3]
    assert len(excerpt) < 120
    assert excerpt[caret.index("^")] == "!"


def test_json_errors_are_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    error = QmkError("QUOTA_EXCEEDED", "too many", quota="shots", asked=5, limit=4)
    assert console(as_json=True).error(error) == 2
    text = capsys.readouterr()
    assert text.err == ""
    assert json.loads(text.out) == {"error": error.to_dict()}


def test_gaps_hints_and_capabilities_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    gaps = [{"engine": "stabilizer", "need": "clifford", "detail": "T on node t1 is not Clifford"}]
    assert console().error(QmkError("UNSUPPORTED", "no engine can run this", gaps=gaps, hint="use fewer T")) == 3
    err = capsys.readouterr().err
    assert "error: no engine can run this [UNSUPPORTED]" in err
    assert "  stabilizer: T on node t1 is not Clifford" in err
    assert "  fix: use fewer T" in err


def test_a_defect_is_named_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert console().error(ZeroDivisionError("division by zero")) == 3
    err = capsys.readouterr().err
    assert "a defect in QMK: ZeroDivisionError: division by zero [INTERNAL_ERROR]" in err
    assert "QMK_DEBUG=1" in err
    assert "Traceback" not in err


def test_debug_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ZeroDivisionError("here")
    except ZeroDivisionError as error:
        Console(as_json=False, debug=True).error(error)
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_bad_call(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    assert console(as_json).usage(click.UsageError("No such option: --shot.")) == 2
    text: Any = capsys.readouterr()
    if as_json:
        assert json.loads(text.out)["error"]["data"]["name"] == "INVALID_PARAMS"
    else:
        assert "error: no such option: --shot" in text.err
