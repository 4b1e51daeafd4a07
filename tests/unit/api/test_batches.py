"""Batches of programs and points in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qmk
from qmk.base.limits import LIMITS
from qmk.base.seeds import substream

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
BELL = HEAD + "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
TURN = HEAD + "input float theta; qubit[2] q; bit[2] c; ry(theta) q[0]; cx q[0], q[1]; c = measure q;"
LOOP = HEAD + "input int n; input float theta; qubit[1] q; bit[1] c; for int k in [1:n] { x q[0]; } c = measure q;"
ROWS = HEAD + "input array[float, 2] a; qubit[2] q; bit[2] c; ry(a[0]) q[0]; ry(a[1]) q[1]; c = measure q;"


def counts(found: Any) -> list[dict[str, int]]:
    return [each.counts for each in found]


def test_a_list_of_programs_gives_their_results_in_order() -> None:
    batch = qmk.run([BELL, HEAD + "qubit[1] q; bit[1] c; x q[0]; c = measure q;"], shots=20, seed=5)
    assert isinstance(batch, qmk.Batch)
    assert len(batch) == 2
    assert batch.counts == counts(batch)
    assert set(batch[0].counts) == {"00", "11"}
    assert batch[-1].counts == {"1": 20}
    assert batch[1:] == [batch[1]]
    assert batch.seed == 5
    assert [entry.seed for entry in batch.entries] == [substream(5, "batch", 0), substream(5, "batch", 1)]


def test_an_entry_has_the_bits_of_a_run_of_its_own() -> None:
    batch = qmk.run([BELL, (TURN, {"theta": [0.3, 1.2]}), BELL], shots=200, seed=11)
    assert [(entry.program, entry.point) for entry in batch.entries] == [(0, None), (1, 0), (1, 1), (2, None)]
    for index, (entry, found) in enumerate(zip(batch.entries, batch, strict=True)):
        alone = qmk.run(entry.source, params=entry.params, shots=200, seed=substream(11, "batch", index))
        assert list(alone.rows()) == list(found.rows())
    assert list(batch[0].rows()) != list(batch[3].rows()), "the same program twice has two seeds"


def test_every_program_is_run_at_every_point() -> None:
    other = TURN.replace("cx q[0], q[1];", "x q[1];")
    batch = qmk.sample([TURN, other], points=[{"theta": 0.0}, {"theta": np.pi}], shots=10)
    assert batch.counts == [{"00": 10}, {"11": 10}, {"10": 10}, {"11": 10}]
    assert [entry.params for entry in batch.entries[:2]] == [{"theta": 0.0}, {"theta": np.pi}]
    again = qmk.sample([TURN, other], points={"theta": [0.0, np.pi]}, shots=10, seed=batch.seed)
    assert again.counts == batch.counts


def test_values_of_points_stay_what_they_are() -> None:
    assert qmk.sample(LOOP, points={"n": [2, 3]}, params={"theta": 0.0}, shots=5).counts == [{"0": 5}, {"1": 5}]
    table: Any = np.array([[0.0, np.pi], [np.pi, 0.0]])
    assert qmk.sample(ROWS, points={"a": table}, shots=5).counts == [{"10": 5}, {"01": 5}]


def test_a_drawn_seed_repeats_the_batch() -> None:
    first = qmk.sample([BELL, BELL], shots=1000)
    assert qmk.sample([BELL, BELL], shots=1000, seed=first.seed).counts == first.counts


def test_values_are_those_of_each_point() -> None:
    points = [{"theta": 0.1 * k} for k in range(5)]
    batch = qmk.expectation(TURN, ["ZI", "IX + ZZ"], points=points)
    assert batch.values == pytest.approx(np.array([[np.cos(0.1 * k), 1.0] for k in range(5)]))
    assert batch.errors.tolist() == [[0.0, 0.0]] * 5
    assert batch[2][0].value == pytest.approx(qmk.expectation(TURN, "ZI", params=points[2]).value, abs=1e-12)
    one = qmk.expectation(TURN, "ZI", points=points)
    assert one.values == pytest.approx(batch.values[:, 0])
    assert float(one[1]) == pytest.approx(np.cos(0.1))


def test_sampled_values_have_the_bits_of_a_call_of_its_own() -> None:
    wish: Any = {"noise": "depolarizing=0.05", "shots": 300}
    batch = qmk.expectation([BELL, (TURN, [{"theta": 0.4}])], "ZZ", seed=2, **wish)
    assert (batch.errors > 0).all()
    for entry, found in zip(batch.entries, batch, strict=True):
        assert qmk.expectation(entry.source, "ZZ", params=entry.params, seed=entry.seed, **wish) == found


def test_progress_counts_the_shots_of_all_entries() -> None:
    told: list[int] = []
    qmk.run([BELL, BELL, BELL], shots=10, progress=told.append)
    assert told[-1] == 30
    assert told == sorted(told)


def test_an_empty_batch_is_empty() -> None:
    assert list(qmk.run([])) == []
    assert qmk.expectation([], "Z").values.shape == (0,)


def test_a_batch_is_a_table_in_a_notebook() -> None:
    batch = qmk.run(TURN, points=[{"theta": 0.0}] * 30, shots=3, seed=1)
    html = batch._repr_html_()
    assert html.startswith("<div>30 entries, seed 1</div>")
    assert "00: 3" in html
    assert "... 10 more entries" in html
    assert "0.540302" in qmk.expectation(TURN, ["ZI"], points=[{"theta": 1.0}])._repr_html_()


@pytest.mark.parametrize(
    ("program", "points", "said"),
    [
        ([BELL, HEAD + "foo;"], None, r"^entry 1 \(program 1\): .*'foo' is not declared"),
        ((TURN, BELL), [{"theta": 1}], r"^entry 1 \(program 1, point 0\): "),
        (TURN, [{"theta": 1}, {"theta": "x"}], r"^entry 1 \(program 0, point 1\): .*theta"),
        ([BELL, 3], None, r"^entry 1 \(program 1\): program must be a program"),
        ([BELL, (TURN, {}, 3)], None, "^program 1 of the batch is a tuple of 3"),
        ([(TURN, 7)], None, "^program 0 of the batch: .*not a list of mappings"),
        ([(TURN, {"theta": [1]})], {"theta": [2]}, "^program 0 of the batch has points, and all have others"),
        (TURN, [], "there are no points"),
        (TURN, {"theta": {"a": 1}, "phi": 3}, "not a list"),
    ],
)
def test_errors_name_the_entry(program: Any, points: Any, said: str) -> None:
    with pytest.raises(qmk.QmkError, match=said) as caught:
        qmk.run(program, points=points, shots=1)
    assert caught.value.fields


def test_the_error_of_an_entry_keeps_its_fields() -> None:
    with pytest.raises(qmk.QmkError) as caught:
        qmk.sample([BELL, HEAD + "foo;"])
    assert caught.value.fields["entry"] == 1
    assert caught.value.findings[0].rule == "QASM3-005"


def test_a_batch_has_a_bound() -> None:
    n = LIMITS.sweep_points + 1
    wrong: Any
    for program, wrong in (([BELL] * n, None), (BELL, {"theta": range(n)}), ([BELL, TURN], {"theta": range(n - 1)})):
        with pytest.raises(qmk.QmkError, match="'sweep_points'"):
            qmk.run(program, points=wrong)


def test_a_number_in_place_of_points_is_taken_for_the_shots_that_it_was_meant_for() -> None:
    call: Any = qmk.run
    with pytest.raises(qmk.QmkError, match="not a list of mappings") as refused:
        call(TURN, 500)
    assert refused.value.fields["help"].startswith("did you mean shots=500?")
