"""The report: complete, self-contained, and safe against any text in the input."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from qmk.models.estimate import binomial, counts, report, rows, svg
from qmk.models.estimate.estimate import Estimate
from qmk.models.estimate.output import duration, metric, scientific

ASKED = counts.parse({"numQubits": 100, "tCount": 10_000, "measurementCount": 100})
EVIL = "<script>alert(1)</script>\"'&"


def test_text_of_the_input_is_escaped() -> None:
    scheme = {
        "name": EVIL,
        "errorCorrectionThreshold": 0.01,
        "crossingPrefactor": 0.03,
        "logicalCycleTime": "1000 * codeDistance",
        "physicalQubitsPerLogicalQubit": "2 * codeDistance^2",
    }
    unit = {
        "displayName": EVIL,
        "numInputTs": 15,
        "numOutputTs": 1,
        "failureProbabilityFormula": "15*z + 356*c",
        "outputErrorRateFormula": "35*z^3 + 7.1*c",
        "logicalQubitSpecification": {"numUnitQubits": 20, "durationInQubitCycleTime": 13},
    }
    found = Estimate(ASKED, {"qecScheme": scheme, "distillationUnitSpecifications": [unit]})
    text = report.html([(EVIL, found), (EVIL + "2", found)], EVIL)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("kind", ["singlePoint", "frontier"])
def test_every_plot_is_well_formed(kind: str) -> None:
    found = Estimate(ASKED, {"estimateType": kind})
    text = report.html([(rows.title(found), found)], "x", found.calibrated())
    plots = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(plots) == (3 if kind == "singlePoint" else 4)
    for plot in plots:
        ElementTree.fromstring(plot)
    if kind == "frontier":
        assert plots[0].count("<circle") == len(found.points) + 1
    for figure in ("Physical qubits", "Runtime", "Error budget", "Calibrated qubits", "tCount"):
        assert figure in text


def test_a_single_dot_and_a_wide_span_have_ticks() -> None:
    for dots in ([svg.Dot(1e9, 5.0, "a", "")], [svg.Dot(1.0, 1.0, "a", ""), svg.Dot(1e22, 1e12, "b", "")]):
        plot = svg.scatter(dots, "t", ("x", "y"), lambda x: f"{x:g}", lambda y: f"{y:g}")
        ElementTree.fromstring(plot)
        assert 2 <= plot.count("<line") <= 13


def test_quantities_as_text() -> None:
    assert [metric(value) for value in (999, 1000, 366_940, 37_651_098)] == ["999", "1.00k", "366.94k", "37.65M"]
    assert [duration(value) for value in (967, 6800, 69_094_800, 132548145724800)] == [
        *("967 nanosecs", "7 microsecs", "69 millisecs", "2 days"),
    ]
    assert (scientific(0.0), scientific(3.2866e-8), scientific(0.001)) == ("0.00e0", "3.29e-8", "1.00e-3")
    assert rows.duration(132548145724800) == "1.53 days"
    assert rows.duration(0) == "0 ns"


@pytest.mark.parametrize(("n", "q", "u"), [(20, 0.3, 0.01), (315, 0.05, 0.01), (999, 0.7, 0.005), (5000, 0.004, 0.01)])
def test_quantile_is_that_of_the_binomial(n: int, q: float, u: float) -> None:
    mass, total, k = q**n if q**n > 0 else 0.0, 0.0, 0
    if not mass:  # from the other side: the chance of more than n - k failures
        fails, failed, count = (1 - q) ** n, 0.0, 0
        while failed + fails < 1 - u:
            failed += fails
            count += 1
            fails *= q / (1 - q) * (n - count + 1) / count
        k = n - count
    else:
        total = mass
        while total < u:
            k += 1
            mass *= (1 - q) / q * (n - k + 1) / k
            total += mass
    assert abs(binomial.quantile(n, q, u) - k) <= (0 if n < 1000 else 1)


def test_the_expansion_for_many_units_is_near_the_quantile() -> None:
    """As the reference evaluates it: 1672 units that fail with 0.7856 give 315, the exact quantile is 314."""
    assert binomial.quantile(1672, 0.7856, 0.01 / 3) == 315
