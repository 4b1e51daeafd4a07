"""Results written as JSON and Parquet, and read back: all of what they have, and a clear error for what is not one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.document import DensityMatrix, Document, Modes
from qmk.client.result import Result

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "result-1.0.schema.json").read_text())
SHOTS = """
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] a;
bit b;
h q[0];
cx q[0], q[1];
a[0] = measure q[0];
b = measure q[2];
"""
theta = qmk.Parameter("theta")
SWEPT = qmk.Circuit(2, {"c": 2}).ry(theta, 0).cx(0, 1).rx(0.3, 1)


def _values() -> Result:
    points = {theta: [0.1, 0.4]}
    graph, asked = qmk.outputs(
        SWEPT, expect=["ZI", "ZZ"], points=points, gradient=True, state=True, amplitudes=["00", "11"], counts=False,
        probabilities=[[0, 1], [1]],
    )  # fmt: skip
    return qmk.run(graph, outputs=asked, seed=1)


RESULTS: dict[str, Callable[[], Result]] = {
    "shots": lambda: qmk.run(SHOTS, shots=33, seed=3),
    "no events": lambda: qmk.run(SHOTS, shots=33, seed=3, keep_events=False),
    "events of two bits": lambda: qmk.run("MXX 0 1\nMZZ 0 1\nM 0\nDETECTOR rec[-1] rec[-2]\n", shots=9, seed=2),
    "no bits": lambda: qmk.run("OPENQASM 3; qubit q;", shots=3, seed=2),
    "values": _values,
    "sampled values": lambda: qmk.run(
        SWEPT.bind(theta=0.2),
        outputs=qmk.outputs(SWEPT.bind(theta=0.2), expect="ZI", sampled=True)[1],
        shots=50,
        seed=1,
    ),
    "bell measurement": lambda: qmk.run(qmk.Circuit(2).h(0).measure_bell(0, 1), shots=5, seed=3),
    "lost atoms": lambda: qmk.run("examples/reload.kirin.json.gz", params={"p": 0.5}, shots=20, seed=1),
    "teleport": lambda: qmk.run("examples/teleport.qasm", shots=20, seed=3),
}


@pytest.mark.parametrize("name", RESULTS)
def test_json_has_all_of_a_result(name: str) -> None:
    result = RESULTS[name]()
    text = result.to_json()
    again = Result.from_json(text)
    assert again.to_json() == text
    assert again.has_events == result.has_events
    if result.has_events:
        assert list(again.rows()) == list(result.rows())
        assert list(again.events()) == list(result.events())
        assert (again.bits() == result.bits()).all()
    assert again.counts.groups == result.counts.groups
    jsonschema.validate(json.loads(text), SCHEMA)


def test_a_daemons_result_is_written_whole(make_daemon: Callable[..., Any], tmp_path: Path) -> None:
    with Client(make_daemon().socket) as client:
        there = client.run(SHOTS, shots=33, seed=3)
        there.save(tmp_path / "r.json")
    again = Result.load(tmp_path / "r.json")
    assert again.job_id == there.job_id
    assert (again.bits() == RESULTS["shots"]().bits()).all()


@pytest.mark.parametrize("name", ["shots", "events of two bits", "bell measurement", "lost atoms", "teleport"])
def test_parquet_has_the_shots_and_what_is_printed_of_them(name: str, tmp_path: Path) -> None:
    result = RESULTS[name]()
    result.to_parquet(tmp_path / "r.parquet")
    again = Result.load(tmp_path / "r.parquet")
    assert again.counts == result.counts
    assert (again.bits() == result.bits()).all()
    assert again.provenance == result.provenance
    assert set(again.event_names) == set(result.event_names) & {bit for row in result.registers for bit in row.bits}
    assert list(again.to_pandas().columns) == list(result.to_pandas().columns)


def test_parquet_has_counts(tmp_path: Path) -> None:
    result = RESULTS["no events"]()
    result.to_parquet(tmp_path / "r.parquet", "counts")
    again = Result.load(tmp_path / "r.parquet")
    assert (again.counts, again.shots, again.registers) == (result.counts, result.shots, result.registers)
    assert not again.has_events
    frame = result.to_pandas("counts")
    assert list(frame.columns) == ["b", "a", "count", "probability"]
    assert frame["count"].sum() == 33


@pytest.mark.parametrize("name", ["values", "sampled values"])
def test_parquet_has_values(name: str, tmp_path: Path) -> None:
    result = RESULTS[name]()
    result.to_parquet(tmp_path / "r.parquet", "values")
    again = Result.load(tmp_path / "r.parquet")
    assert again.values == result.values


def test_the_table_of_values_names_them() -> None:
    frame = _values().to_pandas("values")
    first = frame[frame.point == 0]
    assert first[first.kind == "expectation"].value.iloc[0] == pytest.approx(np.cos(0.1))
    slope = first[(first.kind == "gradient") & (first.item == 0)].iloc[0]
    assert slope.by == "theta"
    assert slope.value == pytest.approx(-np.sin(0.1))
    chances = first[(first.kind == "probability") & (first.item == 0)].set_index("by").value
    assert chances["01"] == pytest.approx(np.cos(0.05) ** 2 * np.sin(0.15) ** 2)


def _with_modes() -> Result:
    result = qmk.run(SHOTS, shots=3, seed=1)
    result.modes = Modes(names=["a", "b"], photons=[[0, 2], [1, 1], [3, 0]])
    result.densities = [DensityMatrix.of(np.array([[0.5, 0.5j], [-0.5j, 0.5]]), [0])]
    return result


def test_modes_and_density_matrices_are_part_of_a_result(tmp_path: Path) -> None:
    result = _with_modes()
    again = Result.from_json(result.to_json())
    assert again.modes is not None
    assert again.modes.array.tolist() == [[0, 2], [1, 1], [3, 0]]
    assert np.array_equal(again.densities[0].array, result.densities[0].array)
    assert again.to_pandas("modes")["b"].tolist() == [2, 1, 0]
    result.to_parquet(tmp_path / "r.parquet", "modes")
    assert Result.load(tmp_path / "r.parquet").modes == result.modes
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)


def test_the_table_of_values_has_the_errors_and_states_that_are_described() -> None:
    sampled, exact = RESULTS["sampled values"](), _values()
    row = sampled.to_arrow("values").to_pylist()[0]
    assert list(row) == ["point", "kind", "item", "by", "value", "imag", "error", "error_kind"]
    assert sampled.values is not None
    wanted = sampled.values.points[0].expectations[0]
    assert (row["value"], row["error"]) == (wanted.value, wanted.error)
    assert row["error"] > 0
    rows = exact.to_arrow("values").to_pylist()
    for at in (0, 1):
        found = {
            row["by"]: row["value"] + 1j * row["imag"] for row in rows if (row["point"], row["kind"]) == (at, "state")
        }
        assert exact.values is not None
        state = np.frombuffer(exact.values.points[at].state, "<c16")
        assert [found[bits] for bits in ("00", "01", "10", "11")] == state.tolist()


def _changed(**parts: Any) -> str:
    return json.dumps({**json.loads(_with_modes().to_json()), **parts})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        (b"\xff", "malformed"),
        ("\ud800", "surrogates"),
        (_changed(version="2.0"), "version"),
        (_changed(more=1), "unknown field `more`"),
        (_changed(shots=-1), "shots"),
        (_changed(counts={"02": 3}), "not a bitstring"),
        (_changed(counts={"0": 1, "00": 2}), "different lengths"),
        (_changed(counts={"0 0 0": 3}), "does not fit the registers"),
        (_changed(registers=[{"name": "c", "bits": ["no such"], "descending": False}]), "there is no event 'no such'"),
        (_changed(events={"names": ["a"], "widths": [1], "bits": "AAA="}), "2 bytes for 3 shots"),
        (_changed(modes={"names": ["a"], "photons": [[1, 2], [0, 0], [0, 0]]}), "a number for each mode"),
        (_changed(modes={"names": ["a"], "photons": [[-1], [0], [0]]}), "photons"),
        (_changed(densities=[{"qubits": [0], "matrix": "AAAA"}]), "not a matrix of 1 qubits"),
        (3, "3 is not the text of a result"),
    ],
)
def test_what_is_not_a_result_is_refused_with_the_place(text: Any, what: str) -> None:
    with pytest.raises(QmkError, match=what) as caught:
        Result.from_json(text)
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields["help"]


def test_files_that_are_not_results_are_refused(tmp_path: Path) -> None:
    result = RESULTS["shots"]()
    arrow = result.to_arrow().replace_schema_metadata({})
    from pyarrow import parquet

    parquet.write_table(arrow, tmp_path / "other.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    for name in ("other.parquet", "cut.parquet"):
        with pytest.raises(QmkError, match="not the table of a result"):
            Result.load(tmp_path / name)
    paths: tuple[Any, ...] = (tmp_path / "none.json", tmp_path, "\0", 3)
    for wrong in paths:
        with pytest.raises(QmkError, match="cannot read"):
            Result.load(wrong)
    with pytest.raises(QmkError, match="cannot write"):
        result.save(tmp_path / "nowhere" / "r.json")
    tables: dict[Any, str] = {"shot": "there is no table 'shot'", "values": "no values", "modes": "no samples of modes"}
    for table, what in tables.items():
        with pytest.raises(QmkError, match=what):
            result.to_pandas(table)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    for text in (_changed(version="2.0"), _changed(more=1), _changed(shots=-1)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(json.loads(text), SCHEMA)
    assert set(SCHEMA["$defs"]["Document"]["properties"]) == {field.name for field in msgspec.structs.fields(Document)}


def test_bits_of_scattered_columns_are_the_shots_that_are_printed() -> None:
    """More shots than are unpacked at once, bits in an order of their own, and one that nothing writes."""
    circuit = qmk.Circuit(3, {"a": 3, "b": 2}).h([0, 1, 2]).cx(0, 1)
    circuit.measure(0, "b[1]").measure(1, "a[0]").measure(2, "a[2]").measure(0, "b[0]")
    result = qmk.run(circuit, shots=2500, seed=4)
    for register, width in (("a", 3), ("b", 2)):
        bits = result.bits(register)
        assert bits.shape == (2500, width)
        place = [group.name for group in result.counts.groups].index(register)
        printed: dict[str, int] = {}
        for text, count in result.counts.items():
            part = text.split(" ")[place]
            printed[part] = printed.get(part, 0) + count
        rows = ["".join(map(str, row)) for row in bits.tolist()]
        assert {row: rows.count(row) for row in set(rows)} == printed
    assert not result.bits("a")[:, 1].any()
    whole = np.hstack([result.bits(group.name) for group in result.counts.groups])
    assert np.array_equal(result.bits(), whole)
