"""Observables and points as callers write them, and what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.request.observables import observables
from qmk.request.outputs import outputs
from qmk.request.sweeps import points_of, sweep_of

ROTATED = """
OPENQASM 3.0;
include "stdgates.inc";
input float a;
input array[float[64], 2] b;
input int rounds;
qubit[2] q;
for int k in [1:rounds] { ry(2 * a - b[0]) q[0]; }
rz(b[1]) q[1];
cx q[0], q[1];
"""


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("ZZI", {"ZZI": 1.0}),
        ("0.5*ZZI + XXI", {"ZZI": 0.5, "XXI": 1.0}),
        ("-ZZI - 2 * IIY", {"ZZI": -1.0, "IIY": -2.0}),
        ("1e-1*Z0 Z2 + X1", {"ZIZ": 0.1, "IXI": 1.0}),
        ("2*Z0*Z1 - 1.5", {"ZZI": 2.0, "III": -1.5}),
        (".5 XYZ", {"XYZ": 0.5}),
        ({"ZZI": 2, "X2": 1}, {"ZZI": 2.0, "IIX": 1.0}),
        ([("YYY", 0.25)], {"YYY": 0.25}),
    ],
)
def test_an_observable_can_be_written_in_several_ways(text: Any, meaning: dict[str, float]) -> None:
    found, single = observables(text, 3)
    assert single
    assert [dict(row) for row in found] == [meaning]


def test_several_observables_are_a_list() -> None:
    found, single = observables(["ZI", {"IZ": 2.0}, [("XX", 1.0), ("YY", 1.0)]], 2)
    assert not single
    assert found == [(("ZI", 1.0),), (("IZ", 2.0),), (("XX", 1.0), ("YY", 1.0))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ZQI", "the letter 'Q' is none of I, X, Y, Z"),
        ("zzi", "the letter 'z'"),
        ("ZZ", "'ZZ' has 2 letters, and the program 3 qubits"),
    ],
)
def test_a_wrong_letter_or_length_is_named(text: str, said: str) -> None:
    with pytest.raises(QmkError, match=said):
        observables(text, 3)


@pytest.mark.parametrize(
    "text", ["", "ZZ", "ZZZ ZZZ", "Q", "0.5 * + ZZI", "*ZZI", "Z0 Z0", "Z7", "ZZI XXI", "2**ZZI", "+"]
)
def test_what_is_no_observable_is_shown(text: str) -> None:
    with pytest.raises(QmkError, match="observable") as refused:
        observables(text, 3)
    assert refused.value.kind.name == "INVALID_PARAMS"


def test_points_by_rows_and_by_columns() -> None:
    rows = points_of([{"a": 1, "b": [2, 3]}, {"a": 4, "b": [5, 6]}], {"rounds": 1})
    columns = points_of({"a": [1, 4], "b": np.array([[2, 3], [5, 6]])}, {"rounds": 1})  # pyright: ignore[reportArgumentType]
    assert rows.names == columns.names == ("a", "b[0]", "b[1]")
    assert rows.table.tolist() == columns.table.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert rows.params(rows.table[1]) == {"a": 4, "b": [5, 6], "rounds": 1}


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "no points"),
        ({"a": []}, "no points"),
        ([{"a": 1}, {"b": 1}], "point 1 has other names"),
        ({"a": [1, 2], "b": [1]}, "different numbers"),
        ([{"a": "x"}], "not numbers"),
        ([{"a": [1]}, {"a": [1, 2]}], "different lengths"),
        ([{"a": float("nan")}], "finite"),
    ],
)
def test_points_that_do_not_fit(points: Any, said: str) -> None:
    with pytest.raises(QmkError, match=said):
        points_of(points)


def test_angles_are_found_as_functions_of_the_parameters() -> None:
    points = points_of([{"a": 0.1, "b": [0.2, 0.3]}, {"a": 1.0, "b": [2.0, 3.0]}], {"rounds": 2})
    graph, sweep = sweep_of(ROTATED, points)
    assert sweep.names == ("a", "b[0]", "b[1]")
    assert [slot.terms for slot in sweep.slots] == [((0, 2.0), (1, -1.0)), ((0, 2.0), (1, -1.0)), ((2, 1.0),)]
    assert all(abs(slot.constant) < 1e-12 for slot in sweep.slots)
    assert sweep.points == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert [node.op for node in graph.nodes].count("core.ry") == 2


@pytest.mark.parametrize("line", ["rx(a * a) q;", "if (a > 0.5) x q; else rx(a) q;"])
def test_what_is_not_affine_is_refused(line: str) -> None:
    text = f'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float a;\nqubit q;\n{line}\n'
    with pytest.raises(QmkError, match="not the same at every point") as refused:
        sweep_of(text, points_of([{"a": 0.499}]))
    assert refused.value.fields["field"] == "points"


def test_a_request_is_made_for_the_program() -> None:
    params = {"a": 0.1, "b": [0.2, 0.3], "rounds": 1}
    text = ROTATED.replace("input int rounds;", "const int rounds = 1;")
    graph, wanted = outputs(text, expect=["ZZ", "X0"], gradient=True, params={k: params[k] for k in "ab"}, counts=False)
    assert wanted.expectations == ((("ZZ", 1.0),), (("XI", 1.0),))
    assert wanted.sweep is not None
    assert wanted.sweep.names == ("a", "b[0]", "b[1]")
    assert wanted.names == {"expectation", "gradient"}
    assert len(graph.vqs) == 2
