"""The progress bar: what it says, where it is shown, and how long it is."""

from __future__ import annotations

import io
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.request import progress
from qmk.request.options import RunOptions, read_options
from qmk.request.progress import Bar, showing

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
TURN = 'OPENQASM 3.0; include "stdgates.inc"; input float a; qubit[1] q; bit[1] c; ry(a) q[0]; c = measure q;'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Notebook(io.StringIO):
    """As ``ipykernel.iostream.OutStream``."""


Notebook.__module__ = "ipykernel.iostream"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)


@pytest.mark.parametrize(
    ("done", "total", "columns", "text"),
    [
        (0, 1000, 80, "running 3.00 s"),
        (400, 0, 80, "running 400 shots, 3.00 s"),
        (500, 1000, 80, "running [###############...............] 500 of 1000 shots, 3.00 s"),
        (2000, 1000, 80, "running [##############################] 1000 of 1000 shots, 3.00 s"),
        (500, 1000, 45, "running [####.....] 500 of 1000 shots, 3.00 s"),
        (500, 1000, 20, "running 500 of 1000 "),
    ],
)
def test_what_it_says(done: int, total: int, columns: int, text: str) -> None:
    bar = Bar("running", total)
    bar(done)
    assert bar.line(3.0, columns) == text
    assert len(text) <= columns


def test_in_a_terminal_it_is_taken_away_at_the_end(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    with Bar("running", 10) as bar:
        bar(5)
        bar(4)
    written: Any = progress.sys.stderr
    first, second, blank, end = written.getvalue().split("\r")[1:]
    assert "5 of 10 shots" in first
    assert "5 of 10 shots" in second, "it does not go back"
    assert (blank.strip(), end) == ("", "")


def test_in_a_notebook_the_last_line_stays(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Notebook())
    qmk.run([BELL, BELL], shots=10, progress=True)
    written: Any = progress.sys.stderr
    assert "20 of 20 shots" in written.getvalue().splitlines()[-1]
    assert written.getvalue().endswith("\n")


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_it_is_not_shown_where_nobody_looks(at_once: None, monkeypatch: pytest.MonkeyPatch, stderr: Any) -> None:
    monkeypatch.setattr("sys.stderr", stderr)
    qmk.sample(BELL, shots=10, progress=True)
    with Bar("running", 10) as bar:
        bar(5)
    assert stderr is None or stderr.getvalue() == ""


def test_a_quick_run_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    qmk.sample(BELL, shots=10, progress=True)
    written: Any = progress.sys.stderr
    assert written.getvalue() == ""


def test_each_call_tells_a_function_how_far_it_is() -> None:
    told: list[int] = []
    qmk.sample(BELL, shots=10, progress=told.append)
    qmk.sample([BELL, BELL], shots=10, progress=told.append)
    assert told == [10, 10, 20]
    for points, calls in (({"a": [0.1, 0.2, 0.3]}, [3]), ({"a": [0.1, 0.2]}, [1, 2])):
        told.clear()
        qmk.sweep(TURN, points, shots=10, engine="native" if len(calls) == 2 else None, progress=told.append)
        assert told == calls
    told.clear()
    qmk.sweep(TURN, {"a": [0.1, 0.2]}, "Z", shots=10, progress=told.append)
    assert told == [2]


def test_options_without_a_bar_stay_as_they_are() -> None:
    for given in (None, False, print):
        with showing(RunOptions(progress=given)) as options:
            assert options.report is (print if given is print else None)
    with pytest.raises(QmkError, match="progress must be a function or True"):
        read_options("qmk.run", {"progress": "yes"})
