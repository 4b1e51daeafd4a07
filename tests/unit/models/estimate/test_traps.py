"""Where estimators go wrong, and ours must not: units, thresholds, rounding, silence about what was ignored."""

from __future__ import annotations

import math
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.models.estimate import counts, families, rates, rows, scheme
from qmk.models.estimate.estimate import Estimate
from qmk.models.qec import codes, tables

SMALL = {"numQubits": 100, "tCount": 10_000, "measurementCount": 100}
RSA = {
    "numQubits": 12581,
    "tCount": 12,
    "rotationCount": 12,
    "rotationDepth": 12,
    "cczCount": 3731607428,
    "measurementCount": 1078154040,
}


def run(asked: dict[str, int], **params: Any) -> Estimate:
    return Estimate(counts.parse(asked), params)


def refused(asked: dict[str, Any], params: dict[str, Any]) -> QmkError:
    with pytest.raises(QmkError) as caught:
        Estimate(counts.parse(asked), params)
    return caught.value


@pytest.mark.parametrize(
    ("params", "field", "hint"),
    [
        ({"errorBudgets": 1e-3}, "errorBudgets", "errorBudget"),
        ({"qecScheme": {"name": "surface_code", "treshold": 0.01}}, "qecScheme/treshold", "errorCorrectionThreshold"),
        (
            {"qubitParams": {"name": "qubit_gate_ns_e3", "tGateErorRate": 1e-3}},
            "qubitParams/tGateErorRate",
            "tGateErrorRate",
        ),
        ({"constraints": {"maxTfactories": 1}}, "constraints/maxTfactories", "maxTFactories"),
        ({"errorBudget": {"logical": 1e-3, "tstates": 0, "rotations": 0}}, "errorBudget/tstates", "tStates"),
    ],
)
def test_an_unknown_key_is_refused(params: dict[str, Any], field: str, hint: str) -> None:
    """The reference drops unknown keys of params and qecScheme, and its Python face those of counts."""
    error = refused(SMALL, params)
    assert error.fields["field"] == field
    assert hint in error.fields["help"] or "known keys" in error.fields["help"]


def test_an_unknown_count_is_refused() -> None:
    with pytest.raises(QmkError) as caught:
        counts.parse({**SMALL, "toffoliCount": 3})
    assert caught.value.fields["field"] == "logicalCounts/toffoliCount"
    with pytest.raises(QmkError):
        counts.parse({**SMALL, "readFromMemoryCount": 3})


@pytest.mark.parametrize("limit", range(1, 40))
def test_max_t_factories_is_never_exceeded(limit: int) -> None:
    """A quotient of floats once made the reference exceed it by one."""
    asked = {"numQubits": 50 + limit, "tCount": 99_991 * limit, "cczCount": 7, "measurementCount": 1}
    point = run(asked, constraints={"maxTFactories": limit}).point
    assert 0 < point.factories <= limit
    assert point.factory is not None
    runs = point.runtime_ns // point.factory.duration_ns
    assert runs * point.factories * point.factory.outputs >= point.t_states


def test_the_trivial_unit_has_the_physical_error_of_a_t_gate() -> None:
    """An older release took the logical Clifford error, far smaller than that of the state."""
    found = run({"numQubits": 3, "tCount": 2, "measurementCount": 1}, errorBudget=0.1)
    tfactory = found.to_dict()["tfactory"]
    assert tfactory["unitNamePerRound"] == ["trivial 1-to-1"]
    assert tfactory["logicalErrorRate"] == 1e-3


def test_read_out_errors_near_the_threshold_are_said() -> None:
    """They are not checked against the threshold by the reference, and make the distance explode."""
    qubit = {"name": "qubit_gate_ns_e4", "oneQubitMeasurementErrorRate": 5e-3}
    error = refused(SMALL, {"qubitParams": qubit, "errorBudget": 1e-6})
    assert "read-out error rate 0.005 sets it" in error.message
    found = run({"numQubits": 4, "measurementCount": 10}, qubitParams=qubit, errorBudget=0.01)
    assert any("read-out error rate 0.005" in text for text in found.warnings)
    plain = run({"numQubits": 4, "measurementCount": 10}, qubitParams={"name": "qubit_gate_ns_e4"}, errorBudget=0.01)
    assert found.code_distance > 3 * plain.code_distance
    worse = {"name": "qubit_gate_ns_e4", "oneQubitMeasurementErrorRate": 2e-2}
    assert "not below the threshold" in refused(SMALL, {"qubitParams": worse}).message


def test_the_formula_of_the_reference_is_far_below_simulated_circuits() -> None:
    """Its rate is per cycle of d rounds: 5 times (d = 3) to 27 times (d = 11) too optimistic at p = 1e-3."""
    plain = run(SMALL).machine.code
    assert isinstance(plain, scheme.FormulaCode)
    fitted = {each.distance: each for each in rates.calibrate_code(plain).patches}
    ratios = {
        d: fitted[d].rate_per_cycle / patch.rate_per_cycle
        for patch in plain.patches
        if patch
        for d in [patch.distance]
        if d > 1
    }
    assert 4 < ratios[3] < 7
    assert 20 < ratios[11] < 30
    assert fitted[5].rate_per_cycle == pytest.approx(5 * rates.surface().rate_per_round(1e-3, 5), rel=1e-12)


def test_calibrated_rates_move_the_published_sample() -> None:
    found = run(RSA, errorBudget=1 / 3)
    assert (found.code_distance, found.physical_qubits) == (27, 37_651_098)
    beside = found.estimate_calibrated().to_dict()
    assert 31 <= beside["codeDistance"]["value"] <= 35
    for figure in ("physicalQubits", "runtimeNs", "codeDistance"):
        assert beside[figure]["low"] < beside[figure]["value"] < beside[figure]["high"]
    assert beside["physicalQubits"]["value"] == pytest.approx(56.3e6, rel=0.15)


def test_the_fit_is_that_of_the_measured_rows() -> None:
    """The design's own fit of 12 other points: 0.0435 and 0.0092, each within its spread here."""
    fit = rates.surface()
    measured = tables.default()
    again = tables.fit(tables.points(measured, "surface", "matching"))
    assert (fit.prefactor_per_round, fit.threshold) == (again.amplitude, again.threshold)
    assert abs(math.log(fit.prefactor_per_round / 0.0435)) < 2 * math.sqrt(fit.covariance[0])
    assert abs(math.log(fit.threshold / 0.0092)) < 2 * math.sqrt(fit.covariance[1])
    assert measured.label in fit.source
    for d in (5, 7, 9):
        assert fit.log_sigma(d) == pytest.approx(
            math.sqrt(again.relative_sd((d + 1) / 2, 0) ** 2 - 0.05**2 + fit.scatter**2 + fit.model**2), rel=1e-9
        )


def test_our_codes_have_an_interval_where_failures_were_counted() -> None:
    asked = {"numQubits": 2, "measurementCount": 5}
    for name in ("bacon_shor", "bicycle", "surface"):
        found = run(asked, qecScheme={"name": f"qmk/{name}"}, errorBudget=0.5)
        beside = found.estimate_calibrated().to_dict()
        assert beside["physicalQubits"]["value"] == found.physical_qubits
        rate = beside["logicalErrorRatePerQubitCycle"]
        assert rate["low"] < rate["high"]
        assert rate["low"] <= rate["value"] <= rate["high"]
        assert beside["source"]
    found = run(asked, qecScheme={"name": "qmk/shyps"}, errorBudget=0.5)
    with pytest.raises(QmkError, match="came without counts"):
        found.estimate_calibrated()


def test_rates_of_bacon_shor_are_those_of_the_rows() -> None:
    points = {(each.d, each.p): each for each in tables.points(tables.default(), "bacon_shor", "matching")}
    members = {each.distance: each for each in families.FAMILIES["bacon_shor"].members}
    for (d, p), point in points.items():
        assert members[d].rate_per_cycle(p) == pytest.approx(min(0.5, d * point.per_round))
        spread = math.log(members[d].rate_per_cycle(p, 2.0) / members[d].rate_per_cycle(p))
        assert spread == pytest.approx(2 * point.relative_sd) or d * point.per_round > 0.4
    assert len(points) >= 10


def test_an_end_of_the_interval_that_nothing_meets_is_open() -> None:
    """A budget between the best rate of Bacon-Shor codes and its upper bound."""
    p = 3e-3
    best = min(each.rate_per_cycle(p) for each in families.FAMILIES["bacon_shor"].members)
    qubit = {"name": "qubit_gate_ns_e3", **dict.fromkeys(("oneQubitGateErrorRate", "twoQubitGateErrorRate"), p)}
    asked = {"numQubits": 2, "measurementCount": 2}
    budget = 1.01 * best * counts.parse(asked).layout_qubits * 2
    found = run(
        asked, qubitParams=qubit, qecScheme={"name": "qmk/bacon_shor"}, errorBudget=budget
    ).estimate_calibrated()
    assert found.to_dict()["physicalQubits"]["high"] is None
    assert rows.measured_rows(found)[0].note.endswith("and more")


def test_a_distance_of_one_is_no_code() -> None:
    """The reference's formula goes on to d = 1; a fit of circuits from d = 5 on does not."""
    asked = {"numQubits": 2, "measurementCount": 2}
    assert run(asked, errorBudget=0.9).code_distance == 1
    assert run(asked, qecScheme={"name": "qmk/surface"}, errorBudget=0.9).code_distance == 3


def test_the_interval_of_the_fit_covers_measured_rows_and_widens_beyond_them() -> None:
    fit = rates.surface()
    measured = {
        1e-3: {5: 5.98e-5, 7: 5.93e-6, 9: 5.88e-7, 11: 7.2e-8},
        3e-3: {5: 1.523e-3, 7: 5.12e-4, 9: 1.62e-4, 11: 5.20e-5},
        5e-3: {5: 6.71e-3, 7: 3.61e-3, 9: 2.04e-3, 11: 1.167e-3},
    }
    for p, row in measured.items():
        for d, rate in row.items():
            low, high = fit.interval_per_round(p, d)
            assert low < rate < high
    widths = [fit.log_sigma(d) for d in (9, 11, 13, 17, 33)]
    assert widths == sorted(widths)
    assert math.exp(rates.SIGMAS * widths[3]) > 2


def test_the_fit_is_refused_where_it_does_not_hold() -> None:
    near = {"name": "qubit_gate_ns_e3", "twoQubitGateErrorRate": 6e-3}
    found = run({"numQubits": 2, "measurementCount": 2}, qubitParams=near, errorBudget=0.5)
    with pytest.raises(QmkError, match="holds up to"):
        found.estimate_calibrated()
    found = run(SMALL, qubitParams={"name": "qubit_maj_ns_e6"})
    with pytest.raises(QmkError, match="surface code on gates only"):
        found.estimate_calibrated()


@pytest.mark.parametrize(("p", "best"), [(3e-3, 5), (5e-3, 3)])
def test_bacon_shor_has_a_best_distance(p: float, best: int) -> None:
    members = families.FAMILIES["bacon_shor"].members
    per_round = {each.distance: each.rate_per_cycle(p) / each.distance for each in members}
    assert min(per_round, key=per_round.__getitem__) == best


def test_bacon_shor_says_when_no_distance_suffices() -> None:
    qubit = {"name": "qubit_gate_ns_e3", **dict.fromkeys(("oneQubitGateErrorRate", "twoQubitGateErrorRate"), 3e-3)}
    error = refused(
        {"numQubits": 2, "measurementCount": 9}, {"qubitParams": qubit, "qecScheme": {"name": "qmk/bacon_shor"}}
    )
    assert "its best is" in error.message
    assert error.fields["distance"] in (3, 5)


@pytest.mark.parametrize("name", ["qmk/surface", "qmk/bacon_shor", "qmk/shyps", "qmk/bicycle"])
def test_codes_of_ours(name: str) -> None:
    asked = {"numQubits": 20, "tCount": 10, "measurementCount": 20}
    found = run(asked, qubitParams={"name": "qubit_gate_ns_e4"}, qecScheme={"name": name}, errorBudget=0.1)
    point = found.point
    assert point.patches == math.ceil(point.layout_qubits / point.patch.logical_qubits)
    assert found.to_dict()["jobParams"]["qecScheme"]["name"].startswith("qmk/")
    assert name == "qmk/surface" or any("memory" in text for text in found.warnings)


def test_honeycomb_needs_measurements_and_says_what_is_extrapolated() -> None:
    asked = {"numQubits": 20, "tCount": 10, "measurementCount": 20}
    scheme_ = {"name": "qmk/honeycomb"}
    assert run(asked, qubitParams={"name": "qubit_maj_ns_e4"}, qecScheme=scheme_, errorBudget=0.01).code_distance == 6
    assert "is for Majorana qubits" in refused(asked, {"qecScheme": scheme_}).message


def test_a_rate_above_what_was_simulated_is_refused() -> None:
    qubit = {"name": "qubit_gate_ns_e3", "oneQubitMeasurementErrorRate": 4.5e-3}
    assert "was simulated up to" in refused(SMALL, {"qubitParams": qubit, "qecScheme": {"name": "qmk/bicycle"}}).message


def test_a_code_without_errors_to_speak_of_does_not_overflow() -> None:
    found = run(
        SMALL,
        qubitParams={"name": "qubit_maj_ns_e6"},
        qecScheme={"name": "surface_code", "maxCodeDistance": 1001},
        estimateType="frontier",
    )
    assert found.points


def test_width_and_depth_belong_together() -> None:
    """qubits x depth of the result is the volume that its error budget was divided by."""
    point = run(SMALL).point
    assert point.required_rate_per_cycle == 5e-4 / (point.layout_qubits * point.depth)
    assert point.patch.rate_per_cycle <= point.required_rate_per_cycle


def test_more_budget_never_costs_more() -> None:
    costs = [run(SMALL, errorBudget=10**-power).point for power in (2, 3, 4, 5, 6, 8, 10)]
    volumes = [each.patch.distance for each in costs]
    assert volumes == sorted(volumes)


def test_less_than_a_qubit_for_a_patch_is_refused() -> None:
    scheme_ = {"name": "surface_code", "physicalQubitsPerLogicalQubit": "codeDistance^-5"}
    assert "qubits at codeDistance 3" in refused(SMALL, {"qecScheme": scheme_}).message


@pytest.mark.parametrize(
    ("family", "distance"), [("bacon_shor", 3), ("shyps", 4), ("shyps", 8), ("bicycle", 12), ("honeycomb", 4)]
)
def test_codes_here_are_those_of_the_circuits(family: str, distance: int) -> None:
    """Qubits, logical qubits and the layers of a round are those of ``qec.codes``; a torus lends one of its two."""
    here = families.FAMILIES[family]
    member = next(each for each in here.members if each.distance == distance)
    code = codes.parse(family).with_distance(distance)
    assert member.qubits == code.physical_qubits
    assert member.logical_qubits == (1 if family == "honeycomb" else code.k)
    beside_a_reset = 1 if family == "bicycle" else 0
    assert here.layers == (code.cycle.count("2q") + beside_a_reset, code.cycle.count("measure"))
