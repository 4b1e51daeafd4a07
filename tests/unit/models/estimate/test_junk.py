"""Whatever stands in the parameters, the answer is an estimate or an error of ours that names a field."""

from __future__ import annotations

import copy
import random
from typing import Any

import msgspec
import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.models.estimate import counts, factory, families
from qmk.models.estimate.estimate import Estimate

JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**30, 1.5, 1e308, 5e-324, float("nan"), float("inf"), "", "x", "50", "1e999 s", "-5 ns"),
    *("codeDistance", "1/0", "codeDistance - 30", "(((", [], {}, [1], {"name": 1}, {"name": []}, {"name": "qmk/"}),
    *("\ud800", "a\nb", "x" * 10**5, 10**5000, "1e-300 * codeDistance", "int(1e300)", "-1", "\u0663 s", "2\xa0* 3"),
)
UNIT = {
    "displayName": "u",
    "numInputTs": 8,
    "numOutputTs": 1,
    "failureProbabilityFormula": "8*z + 100*c",
    "outputErrorRateFormula": "28*z^2 + 5*c",
    "logicalQubitSpecification": {"numUnitQubits": 9},
    "physicalQubitSpecification": {"numUnitQubits": 9, "durationInQubitCycleTime": 9},
}
WHOLE = {
    "counts": {"numQubits": 50, "tCount": 999, "rotationCount": 10, "rotationDepth": 5, "measurementCount": 3},
    "params": {
        "qubitParams": {"name": "qubit_gate_ns_e4", "twoQubitGateTime": "70 ns", "tGateErrorRate": 1e-3},
        "qecScheme": {
            "name": "mine",
            "crossingPrefactor": 0.05,
            "errorCorrectionThreshold": 0.006,
            "maxCodeDistance": 41,
            "logicalCycleTime": "6 * codeDistance",
            "physicalQubitsPerLogicalQubit": "codeDistance^2",
        },
        "errorBudget": {"logical": 1e-3, "tStates": 1e-3, "rotations": 1e-3},
        "constraints": {"maxTFactories": 3, "logicalDepthFactor": 2.0, "maxDistillationRounds": 2},
        "distillationUnitSpecifications": [UNIT, {"name": "15-1 RM"}],
        "estimateType": "singlePoint",
    },
}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with every key."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in items] + [place for _, inner in items for place in places(inner)]


def fault(asked: Any, params: Any) -> QmkError | None:
    """Any other exception is a defect."""
    try:
        found = Estimate(counts.parse(asked), params)
    except QmkError as error:
        return error
    assert all(each.physical_qubits > 0 for each in found.points)
    groups = found.to_dict()
    assert groups["status"] == "success"
    msgspec.json.encode(groups)
    return None


@pytest.mark.parametrize("seed", range(8))
def test_junk_is_an_estimate_or_an_error(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        asked = copy.deepcopy(WHOLE)
        for _ in range(dice.randint(1, 2)):
            container, key = dice.choice(places(asked))
            container[key] = copy.deepcopy(dice.choice(JUNK))
        error = fault(asked["counts"], asked["params"])
        assert error is None or (error.fields.get("field") and error.fields["help"]) or "quota" in error.fields
        if error is not None:
            assert len(error.message) < 1000
            msgspec.json.encode(error.to_dict())


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("1e-300 * codeDistance", "LogicalCycleTimeComputationFailed"),
        ("0.4", "LogicalCycleTimeComputationFailed"),
        ("1e300", "LogicalCycleTimeComputationFailed"),
    ],
)
def test_a_cycle_of_no_time_or_of_ages_is_refused(formula: str, reason: str) -> None:
    """The reference divides by zero on the first two."""
    scheme = {"name": "surface_code", "logicalCycleTime": formula}
    error = fault(WHOLE["counts"], {"qecScheme": scheme})
    assert error is not None
    assert (error.fields["field"], error.fields["reason"]) == ("qecScheme/logicalCycleTime", reason)
    scheme = {"name": "surface_code", "physicalQubitsPerLogicalQubit": "int(1e300)"}
    error = fault(WHOLE["counts"], {"qecScheme": scheme})
    assert error is not None
    assert error.fields["reason"] == "PhysicalQubitComputationFailed"


def test_numbers_of_numpy_are_numbers() -> None:
    plain = Estimate(counts.parse({"numQubits": 20, "tCount": 50}), {"errorBudget": 0.5})
    found = Estimate(
        counts.parse({"numQubits": np.int64(20), "tCount": np.int32(50)}), {"errorBudget": np.float32(0.5)}
    )
    assert msgspec.json.encode(found.to_dict()) == msgspec.json.encode(plain.to_dict())
    for wrong in (np.bool_(True), np.float64("nan"), np.float32("inf")):
        assert fault({"numQubits": 20, "tCount": 50}, {"errorBudget": wrong}) is not None


@pytest.mark.parametrize(
    ("name", "hint"),
    [("surfce_code", "surface_code"), ("bacon_shor", "qmk/bacon_shor"), ("qmk/surfac", "qmk/surface"), ("?", "codes:")],
)
def test_a_misspelt_code_is_told_the_nearest(name: str, hint: str) -> None:
    error = fault(WHOLE["counts"], {"qecScheme": {"name": name}})
    assert error is not None
    assert hint in error.fields["help"]
    error = fault(WHOLE["counts"], {"qubitParams": {"name": "qubit_gate_ns_e33"}})
    assert error is not None
    assert "'qubit_gate_ns_e3'" in error.fields["help"]


@pytest.mark.parametrize("name", [*families.NAMES, "qmk/", "qmk/nothing"])
def test_codes_of_ours_on_every_kind_of_qubits(name: str) -> None:
    for qubit in ("qubit_gate_ns_e3", "qubit_gate_us_e4", "qubit_maj_ns_e6"):
        params = {"qubitParams": {"name": qubit}, "qecScheme": {"name": name}, "estimateType": "frontier"}
        error = fault(WHOLE["counts"], params)
        assert error is None or error.fields["help"]


def units(count: int = 1, **changes: object) -> dict[str, Any]:
    each = {**UNIT, "logicalQubitSpecification": {"numUnitQubits": 20, "durationInQubitCycleTime": 13}, **changes}
    return {"distillationUnitSpecifications": [{**each, "displayName": f"u{index}"} for index in range(count)]}


def test_states_better_than_perfect_are_refused() -> None:
    error = fault(WHOLE["counts"], units(outputErrorRateFormula="z - 1"))
    assert error is not None
    assert error.fields["field"] == "distillationUnitSpecifications/0/outputErrorRateFormula"
    assert "below 0" in error.fields["help"]
    assert fault(WHOLE["counts"], units(outputErrorRateFormula="0")) is None


@pytest.mark.parametrize(
    "params",
    [
        {**units(16), "constraints": {"maxDistillationRounds": 4}, "errorBudget": 1e-12},
        {"qecScheme": {"name": "surface_code", "maxCodeDistance": 1001}, "errorBudget": 1e-100},
    ],
)
def test_a_search_without_end_is_refused(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Three minutes each, were there no bound; here it is lower, so that the test is quick."""
    monkeypatch.setattr(factory, "MOST_TRIES", 20_000)
    error = fault({"numQubits": 100, "tCount": 10_000}, params)
    assert error is not None
    assert error.fields["reason"] == "FactorySearchTooLarge"
