"""Options that ask for values: points from a spreadsheet's CSV, and what asks for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.cli.failure import Console
from qmk.cli.values import Wanted, _points, lines, load
from qmk.qvm.outputs import Point, Values

TEXT = 'OPENQASM 3.0; include "stdgates.inc"; input float a; qubit[1] q; rx(a) q[0];'


def test_points_as_a_spreadsheet_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_bytes("\ufeffa, b\r\n0.1, 2\r\n\r\n0.2, 3\r\n".encode())
    assert _points(str(file)) == [{"a": 0.1, "b": 2.0}, {"a": 0.2, "b": 3.0}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,a\n1,2\n", "two columns 'a'"),
        ("a,\n1,2\n", "without a name"),
        ("a\n\n\n", "no points"),
        ("a\n1,2\n", "one number for each"),
        ("a\n" + "1" * 200_000, "field larger"),
    ],
)
def test_what_is_no_table_of_points_is_refused(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text(text)
    with pytest.raises(QmkError, match=why):
        _points(str(file))


@pytest.mark.parametrize(
    ("wanted", "params", "why"),
    [
        (Wanted(no_counts=True), {"a": 1.0}, "none is asked for"),
        (Wanted(sampled=True), {"a": 1.0}, "none is asked for"),
        (Wanted(sweep="points.csv", expect=("Z",)), {"a": 1.0}, "give it once"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    wanted: Wanted, params: dict[str, Any], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("points.csv").write_text("a\n0.1\n")
    Path("program.qasm").write_text(TEXT)
    with pytest.raises(QmkError, match=why):
        load(wanted, "program.qasm", None, params, Console(as_json=False, debug=False))


def test_a_sweep_without_observables_shows_its_counts() -> None:
    counts = {"00": 7, "01": 1, "10": 1, "11": 9, "12": 2}
    shown = list(lines(Values(points=[Point(counts=counts), Point(counts={"00": 20})], exact=False, shots=20)))
    assert shown[1:] == ["  point 0: 11: 9  00: 7  12: 2  01: 1  and 1 more", "  point 1: 00: 20"]
