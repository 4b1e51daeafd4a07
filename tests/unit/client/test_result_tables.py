"""The shots of a result as matrices and tables, from runs here, of other engines and on a daemon."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.result import Result

PROGRAM = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] a;
bit b;
h q[0];
cx q[0], q[1];
x q[2];
a[0] = measure q[0];
b = measure q[2];
"""


def printed(result: Result) -> list[str]:
    """The shots as ``counts`` prints them, from the matrix."""
    pieces = [result.bits(register.name) for register in result.registers]
    return [" ".join("".join(map(str, piece[shot])) for piece in pieces) for shot in range(result.shots)]


@pytest.mark.parametrize("engine", [None, "reference", "stabilizer", "aer"])
def test_the_matrix_has_the_shots_that_are_counted(engine: str | None) -> None:
    result = qmk.run(PROGRAM, shots=200, seed=3, engine=engine)
    assert result.bits().shape == (200, 3)
    assert result.bits("a").shape == (200, 2)
    assert Counter(printed(result)) == result.counts
    assert not result.bits("a")[:, 0].any(), "a[1] is never written, and printed first"
    assert result.bits("b").all()


def test_packed_events_are_those_of_the_rows() -> None:
    result = qmk.run(PROGRAM, shots=77, seed=3)
    width = sum(result.event_widths)
    rows = np.array([[int(digit) for digit in row] for row in result.rows()], dtype=np.uint8)
    assert (result.packed_events() == np.packbits(rows, axis=1)).all()
    assert (np.unpackbits(result.packed_events(), axis=1, count=width) == rows).all()


def test_a_daemons_result_has_the_same_matrix(make_daemon: Callable[..., Any]) -> None:
    here = qmk.run(PROGRAM, shots=50, seed=9)
    with Client(make_daemon().socket) as client:
        there = client.run(PROGRAM, shots=50, seed=9)
    assert (there.bits() == here.bits()).all()
    assert (there.packed_events() == here.packed_events()).all()
    assert there.counts.marginal("a[0]") == here.counts.marginal("a[0]")


def test_a_measurement_of_two_bits_has_two_columns() -> None:
    text = "MXX 0 1\nMZZ 0 1\nM 0\n"
    result = qmk.run(text, shots=30, seed=2)
    assert result.bits().shape[1] == result.counts.width
    assert Counter(printed(result)) == result.counts


def test_pickles_keep_the_matrix() -> None:
    result = qmk.run(PROGRAM, shots=40, seed=1)
    again = pickle.loads(pickle.dumps(result))
    assert (again.bits() == result.bits()).all()
    assert again.counts.marginal("a") == result.counts.marginal("a")


def test_sampled_counts_have_the_same_methods() -> None:
    for engine in (None, "reference"):
        sampled = qmk.sample(PROGRAM, shots=100, seed=4, engine=engine)
        assert sampled.counts.marginal("b") == {"1": 100}
        assert "b[1]" in sampled._repr_html_()


def test_tables_of_other_libraries(tmp_path: Path) -> None:
    result = qmk.run(PROGRAM, shots=20, seed=1)
    frame = result.to_pandas()
    assert list(frame.columns) == ["b[0]", "a[0]", "a[1]"], "the register that was declared last is printed first"
    assert (frame["a[0]"].to_numpy() == result.bits("a")[:, 1]).all()
    data = result.to_xarray()
    assert (data["a"].to_numpy() == result.bits("a")).all()
    assert data.attrs["seed"] == "1"
    table = result.to_arrow()
    assert table.column("b[0]").to_pylist() == [True] * 20
    result.to_parquet(tmp_path / "shots.parquet")
    from pyarrow import parquet

    again = parquet.read_table(tmp_path / "shots.parquet")
    assert again.column("a[0]").to_pylist() == table.column("a[0]").to_pylist()
    assert again.schema.metadata[b"engine"] == b'"native"'
    with pytest.raises(QmkError, match="cannot write"):
        result.to_parquet(tmp_path / "nowhere" / "shots.parquet")


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(QmkError, match="needs xarray") as caught:
        qmk.run(PROGRAM, shots=2).to_xarray()
    assert "quantum-microkernel[data]" in caught.value.fields["help"]


def test_without_events_there_is_no_matrix() -> None:
    result = qmk.run(PROGRAM, shots=10, keep_events=False)
    assert result.counts.marginal("b") == {"1": 10}
    with pytest.raises(QmkError, match="no per-shot events"):
        result.bits()


def test_shots_are_counted_when_counts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_drawn: object) -> None:
        raise AssertionError("nobody asked for counts")

    wanted = qmk.run(PROGRAM, shots=50, seed=3).counts
    with monkeypatch.context() as patch:
        patch.setattr("qmk.worker.native.Drawn.counts", property(refuse))
        result = qmk.run(PROGRAM, shots=50, seed=3)
        bits, low = result.bits("a"), result.bits("a[0]")
        assert result.numbers("a")[:, 0].tolist() == (bits[:, 0] * 2 + bits[:, 1]).tolist()
        assert low[:, 0].tolist() == bits[:, 1].tolist()
        with pytest.raises(QmkError, match="there is no register or bit 'c'"):
            result.bits("c")
    assert pickle.loads(pickle.dumps(result)).counts == result.counts == wanted


def test_a_result_in_a_notebook() -> None:
    assert "10 shots on native" in qmk.run(PROGRAM, shots=10, seed=1)._repr_html_()


def test_bits_that_nothing_measures_are_zeros() -> None:
    """numpy unpacks rows of no bytes to whatever memory holds."""
    result = qmk.run(qmk.Circuit(3, {"a": 1, "b": 2}).h([0, 1, 2]), shots=500)
    assert result.counts == {"00 0": 500}
    assert result.bits().shape == (500, 3)
    assert not result.bits().any()
    assert not result.numbers("b").any()
    assert result.to_pandas().to_numpy().sum() == 0
