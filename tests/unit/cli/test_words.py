"""Errors on the command line name commands, never calls."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from qmk.abi.calls import BY_NAME
from qmk.abi.operator import OPERATOR_METHODS
from qmk.base.errors import KINDS, Finding, QmkError, invalid_graph
from qmk.cli import words
from qmk.cli.failure import Console
from qmk.cli.main import cli

CALL = re.compile(r"\b(?:q|op)_[a-z_]+\b")


def test_every_call_has_its_word() -> None:
    assert words.COMMANDS_OF.keys() | words.METHODS_OF.keys() == BY_NAME.keys() | OPERATOR_METHODS.keys()
    assert not words.COMMANDS_OF.keys() & words.METHODS_OF.keys()
    assert words.FIXES.keys() <= KINDS.keys()


ADVISED = {text for fix in words.FIXES.values() for text in re.findall(r"'(qmk [a-z ]+[a-z])", fix)}


@pytest.mark.parametrize("text", sorted({*words.COMMANDS_OF.values(), *ADVISED}))
def test_the_commands_exist(text: str) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    for part in text.split()[1:]:
        if part.isupper() or part.startswith("-"):
            break
        assert isinstance(command, click.Group), text
        found = command.get_command(context, part)
        assert found is not None, text
        command = found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q_replay runs it again with the same bits", "'qmk replay' runs it again with the same bits"),
        ("op_tenant_add ('qmk tenant add') registers one", "'qmk tenant add' registers one"),
        ("q_open_chan: expiry 1 is not in the future", "expiry 1 is not in the future"),
        ("q_wait for its end, or q_cancel it", "'qmk result JOB --wait' for its end, or 'qmk cancel' it"),
        ("logical qubits reserved by q_alloc", "logical qubits reserved by Client.alloc"),
        ("the req_id of eq_1 is no call", "the req_id of eq_1 is no call"),
    ],
)
def test_calls_are_spoken_as_commands(text: str, said: str) -> None:
    assert words.spoken(text) == said


@pytest.mark.parametrize(
    ("job", "fix"),
    [
        ("my first job", "a job is named by its id; qmk jobs --name 'my first job' lists those of this name"),
        ("scan", "a job is named by its id; qmk jobs --name scan lists those of this name"),
        ("job_nosuch", words.FIXES["JOB_NOT_FOUND"]),
        ("0f", words.FIXES["JOB_NOT_FOUND"]),
        ("x" * 64, words.FIXES["JOB_NOT_FOUND"]),
    ],
)
def test_the_name_of_a_job_is_told_from_its_id(job: str, fix: str) -> None:
    assert words.fix_of(QmkError("JOB_NOT_FOUND", f"no job '{job}'", job_id=job)) == fix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("params={'a': 0.5}", "--param a=0.5"),
        ("params={'c': '01'}", "--param c=01"),
        ("give it: params={'w': ...}, 2 numbers", "give it: --param w=..., 2 numbers"),
        ("params={'qubits': [...]} gives traps", "--param qubits=[...] gives traps"),
        ("it has params", "it has params"),
    ],
)
def test_arguments_of_python_are_options(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False, debug=False).error(invalid_graph([Finding("R", "wrong", help=text)]))
    assert capsys.readouterr().err.splitlines()[1] == f"  fix: {said}"


def test_what_is_printed_names_commands_and_json_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    error = QmkError("INVALID_PARAMS", "a later q_migrate sends the job to 'r1'", help="q_status says where it is")
    Console(as_json=False, debug=False).error(error)
    assert capsys.readouterr().err.splitlines() == [
        "error: a later 'qmk migrate' sends the job to 'r1' [INVALID_PARAMS]",
        "  fix: 'qmk status' says where it is",
    ]
    Console(as_json=True, debug=False).error(error)
    assert "q_status says" in capsys.readouterr().out


def test_calls_without_a_command_are_in_no_advice_that_a_command_can_meet() -> None:
    """``help=`` and ``hint=`` of the kernel's errors; those named here answer calls that no command makes."""
    sources = Path(words.__file__).parents[1]
    advice = re.compile(r"(?:help|hint)=f?[\"'](.+?)[\"'],?\n")
    found = {
        name
        for path in sources.rglob("*.py")
        if "simulation" not in path.parts
        for text in advice.findall(path.read_text())
        for name in CALL.findall(text)
    }
    assert found <= words.COMMANDS_OF.keys() | {"q_alloc", "q_close_session", "q_delegate"}
