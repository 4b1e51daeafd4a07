"""The magics in a shell of IPython in this process: what they run, show, complete and refuse."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import qmk
from tests.conftest import RunningDaemon

TURN = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float t;\nqubit q;\nbit c;\nry(t) q;\nc = measure q;\n'
BELL = "H 0\nCNOT 0 1\nM 0 1\n"
Cell = Callable[[str], Any]


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """A shell that has loaded QMK."""
    made = InteractiveShell()
    made.run_line_magic("load_ext", "qmk")
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def cell(shell: InteractiveShell) -> Iterator[Cell]:
    def run(text: str) -> Any:
        return shell.run_cell(text)

    yield run
    shell.reset(new_session=False)


def test_a_cell_is_a_program_and_its_value_the_result(cell: Cell, shell: InteractiveShell) -> None:
    done = cell(f"%%qmk --shots 100 --seed 1 --param t=0.3 --into a\n{TURN}")
    assert done.result.counts == qmk.run(TURN, params={"t": 0.3}, shots=100, seed=1).counts
    assert shell.user_ns["a"] is done.result


@pytest.mark.parametrize("format", ["qasm2", "qasm3", "qvm-asm", "qvm-json"])
def test_formats_of_text(cell: Cell, format: str) -> None:
    from qmk.frontends import emit

    program = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
    text = emit(program.graph, format)
    assert cell(f"%%qmk --seed 7\n{text.decode()}").result.counts == qmk.run(program, seed=7).counts


def test_a_value_is_read_and_never_evaluated(cell: Cell, shell: InteractiveShell) -> None:
    shell.user_ns["angle"] = 0.4
    assert cell(f"%%qmk -n 50 --seed 1 -p t=$angle\n{TURN}").result.counts == (
        cell(f"%%qmk -n 50 --seed 1 -p t=0.4\n{TURN}").result.counts
    )
    for text in ("__import__('os')", "{angle}", "angle"):
        done = cell(f'%%qmk --param t="{text}"\n{TURN}')
        assert not done.success
        assert "error: " in str(done.error_in_exec)
    shell.user_ns["angle"] = [1]
    assert "no number is in the variable 'angle'" in str(cell(f"%%qmk -p t=$angle\n{TURN}").error_in_exec)


def test_an_error_shows_the_line_of_the_cell_and_no_traceback(cell: Cell, capsys: Any) -> None:
    done = cell(f"%%qmk -p t=1\n{TURN.replace('ry(t) q', 'ry(t) r')}")
    told = capsys.readouterr()
    assert not done.success
    assert "cell:7:7: error: " in told.out + told.err
    assert "  7 | ry(t) r;\n    |       ^" in told.out + told.err
    assert "Traceback" not in told.out + told.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--shots x", "is not a whole number"),
        ("--frob", "no such option"),
        ('"', "no closing quotation"),
        ("--into 2x", "is not the name of a variable"),
        ("--name a", "add --background"),
        ("--engine nope", "there is no engine 'nope'"),
        ("--server lab --background", "there is no context 'lab'"),
    ],
)
def test_a_wrong_line_is_refused(cell: Cell, line: str, said: str) -> None:
    assert said in str(cell(f"%%qmk {line}\n{BELL}").error_in_exec)


def test_warnings_are_shown_once_and_refused_where_that_is_asked(cell: Cell, capsys: Any) -> None:
    text = "OPENQASM 3.0;\nqubit q;\n"
    cell(f"%%qmk --seed 1\n{text}")
    assert capsys.readouterr().err.count("nothing is measured") == 1


def test_a_picture_comes_first(cell: Cell, capsys: Any) -> None:
    assert cell(f"%%qmk --draw\n{BELL}").success
    assert "⊕" in capsys.readouterr().out


def test_commands_in_a_line(cell: Cell, capsys: Any) -> None:
    assert cell("%qmk engines").success
    assert "stabilizer" in capsys.readouterr().out
    for line, said in (
        ("serve", "belongs in a terminal"),
        ("strat", "did you mean 'qmk status'"),
        ("run -", "no standard input"),
        ("top", "--once"),
    ):
        assert said in str(cell(f"%qmk {line}").error_in_exec)


def test_nothing_of_a_line_stays_in_the_process(cell: Cell) -> None:
    before = dict(os.environ)
    cell("%qmk jobs --token-file /nowhere")
    assert dict(os.environ) == before


def test_completion(shell: InteractiveShell) -> None:
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    assert shell.complete("%%qmk --sho")[1] == ["--shots"]
    assert shell.complete("%%qmk --engine native:fr")[1] == ["native:frame"]
    assert shell.complete("%qmk jobs --state c")[1] == ["cancelled", "completed"]
    assert "Run the cell below" in (shell.find_cell_magic("qmk").__doc__ or "")


class Notebook:
    """Puts a shell in the place of a notebook's: what it publishes is kept."""

    def __init__(self, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.published: list[tuple[dict[str, str], str, bool]] = []
        monkeypatch.setattr(shell, "kernel", object(), raising=False)
        monkeypatch.setattr(shell.display_pub, "publish", self.publish)
        monkeypatch.setattr("qmk.client.job_view.EVERY_S", 0.01)
        monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)

    def publish(self, data: dict[str, str], transient: dict[str, str], update: bool) -> None:
        self.published.append((data, transient["display_id"], update))


def test_a_job_is_followed_to_its_end(
    cell: Cell, shell: InteractiveShell, daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    notebook = Notebook(shell, monkeypatch)
    done = cell(f"%%qmk --background --socket {daemon.socket} --name '<b>' --tag t1 -n 20 --seed 3\n{BELL}")
    assert sum(done.result.result().counts.values()) == 20
    eventually(lambda: any("COMPLETED" in data["text/plain"] for data, _, _ in notebook.published), "the last state")
    assert len({place for _, place, _ in notebook.published}) == 1
    assert [update for _, _, update in notebook.published] == [False, *[True] * (len(notebook.published) - 1)]
    last = notebook.published[-1][0]
    assert "&lt;b&gt;" in last["text/html"]
    assert "20 shots" in last["text/html"]
    assert "<script" not in last["text/html"]
    assert done.result._repr_html_() == last["text/html"]


def test_a_run_on_a_daemon_gives_its_result(
    cell: Cell, shell: InteractiveShell, daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook(shell, monkeypatch)
    done = cell(f"%%qmk --socket {daemon.socket} -n 20 --seed 3\n{BELL}")
    assert done.result.counts == qmk.run(BELL, shots=20, seed=3).counts
    assert [update for _, _, update in notebook.published] == [False, *[True] * (len(notebook.published) - 1)]
    assert "COMPLETED" in notebook.published[-1][0]["text/plain"]


def test_a_job_whose_daemon_is_gone_is_told_of(shell: InteractiveShell, tmp_path: Any, capsys: Any) -> None:
    job = qmk.Client(tmp_path / "s").job("job_1")
    assert "no daemon listens" in job._repr_html_()
