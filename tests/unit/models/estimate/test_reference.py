"""Results equal to Azure's estimator, to the last digit: its figures are in tests/data/qre."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.models.estimate import counts, machine
from qmk.models.estimate.estimate import Estimate, estimate

DATA = Path(__file__).resolve().parents[3] / "data" / "qre"
CASES = [json.loads(path.read_text()) for path in sorted(DATA.glob("case_*.json"))]
OWN: list[tuple[dict[str, int], dict[str, Any], Any]] = json.loads((DATA / "own.json").read_text())


def same(theirs: Any, ours: Any) -> bool:
    """Floats but for the last digits of the reference's own number parser, which is one bit off now and then."""
    if isinstance(theirs, dict):
        return all(key in ours and same(value, ours[key]) for key, value in theirs.items())
    if isinstance(theirs, float):
        return abs(theirs - ours) <= 1e-13 * abs(theirs)
    return theirs == ours


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_worked_case_is_equal_in_every_figure(case: dict[str, Any]) -> None:
    groups = Estimate(counts.parse(case["logicalCounts"]), case["params"]).to_dict()
    physical, expected = groups["physicalCounts"], case["expected"]
    found = {
        "status": groups["status"],
        "estimateType": groups["jobParams"]["estimateType"],
        "physicalQubits": physical["physicalQubits"],
        "runtime_ns": physical["runtime"],
        "rqops": physical["rqops"],
        **physical["breakdown"],
        "logicalQubit": groups["logicalQubit"],
        "errorBudget": groups["errorBudget"],
        "resolved_qecScheme": groups["jobParams"]["qecScheme"],
        "resolved_qubitParams": groups["jobParams"]["qubitParams"],
    }
    if "tfactory" in expected:
        found["tfactory"] = groups["tfactory"]
    assert found == expected


@pytest.mark.parametrize("index", range(len(OWN)))
def test_own_case_is_equal(index: int) -> None:
    asked, params, expected = OWN[index]
    if isinstance(expected, str):
        with pytest.raises(QmkError) as caught:
            Estimate(counts.parse(asked), params)
        assert caught.value.fields["reason"] == expected
        assert caught.value.fields["help"]
        return
    found = Estimate(counts.parse(asked), params)
    if isinstance(expected, list):
        assert [[each.physical_qubits, each.runtime_ns] for each in found.points] == expected
    else:
        assert same(expected, found.to_dict())


def test_a_batch_is_the_items_one_by_one_and_goes_on_after_an_error() -> None:
    asked = counts.parse({"numQubits": 100, "tCount": 10_000, "measurementCount": 100})
    items: list[dict[str, Any]] = [
        {"errorBudget": 10**-power, "qubitParams": {"name": name}}
        for power in (2, 3, 5, 8, 3)
        for name in ("qubit_gate_ns_e3", "qubit_maj_ns_e6")
    ]
    machine.forget()
    found = estimate(asked, [*items, {"errorBudget": 2.0}, items[0]])
    assert isinstance(found, list)
    for item, each in zip(items, found, strict=False):
        machine.forget()
        assert isinstance(each, Estimate)
        assert each.to_dict() == Estimate(asked, item).to_dict()
    assert isinstance(found[-2], QmkError)
    assert isinstance(found[-1], Estimate)


def test_what_searches_leave_changes_no_later_result() -> None:
    """A search is answered from an earlier one when the error rate falls into its interval."""
    asked = counts.parse({"numQubits": 60, "tCount": 123_456, "measurementCount": 77})
    budgets = [10 ** (-2 - index / 25) for index in range(150)]
    machine.forget()
    warm = [Estimate(asked, {"errorBudget": budget}).to_dict() for budget in budgets]
    for budget, each in list(zip(budgets, warm, strict=True))[::10]:
        machine.forget()
        assert Estimate(asked, {"errorBudget": budget}).to_dict() == each
