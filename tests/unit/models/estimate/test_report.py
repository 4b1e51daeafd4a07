"""The report: complete, self-contained, and safe against any text in the input."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from qmk.models.estimate import binomial, counts, report, rows, svg
from qmk.models.estimate.estimate import Estimate
from qmk.models.estimate.output import duration, metric, scientific

ASKED = counts.parse({"numQubits": 100, "tCount": 10_000, "measurementCount": 100})
EVIL = "<script>alert(1)</script>\"'&"


class Strict(HTMLParser):
    """Every tag is one of the report's, and closed in order; nothing of the input became a tag or an attribute."""

    KNOWN = (
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "table", "tr", "th", "td"),
        *("svg", "rect", "text", "line", "circle", "polyline"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN
        assert not any(name.startswith("on") or "alert" in (value or "").partition("<")[0] for name, value in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.KNOWN

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


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
    Strict().feed(text)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("kind", ["singlePoint", "frontier"])
def test_every_plot_is_well_formed(kind: str) -> None:
    found = Estimate(ASKED, {"estimateType": kind})
    text = report.html([(rows.title(found), found)], "x", found.estimate_calibrated())
    plots = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(plots) == (3 if kind == "singlePoint" else 4)
    for plot in plots:
        ElementTree.fromstring(plot)
    if kind == "frontier":
        assert plots[0].count("<circle") == len(found.points) + 1
    for figure in ("Physical qubits", "Runtime", "Error budget", "Calibrated qubits", "tCount", "twoQubitGateTime"):
        assert figure in text


def test_a_single_dot_and_a_wide_span_have_ticks() -> None:
    for dots in ([svg.Dot(1e9, 5.0, "a", "")], [svg.Dot(1.0, 1.0, "a", ""), svg.Dot(1e22, 1e12, "b", "")]):
        plot = svg.scatter(dots, "t", ("x", "y"), lambda x: f"{x:g}", lambda y: f"{y:g}")
        ElementTree.fromstring(plot)
        assert 2 <= plot.count("<line") <= 13


@pytest.mark.parametrize(
    ("x", "y"), [(132.5e12, 37.65e6), (2000.0, 18.0), (61e9, 999.0), (7e18, 4.2e12), (26 * 3600e9, 450.0)]
)
def test_a_narrow_plot_has_ticks_enough_to_read_it_by(x: float, y: float) -> None:
    """Dots some percent apart lie between round numbers: one tick on an axis tells no scale."""
    dots = [svg.Dot(x, y, "a", ""), svg.Dot(1.06 * x, 0.99 * y, "a", "")]
    plot = svg.scatter(dots, "t", ("x", "y"), lambda t: rows.duration(round(t)), lambda n: f"{n:.4g}")
    tree = ElementTree.fromstring(plot)
    lines = [each for each in tree.iter() if each.tag.endswith("line")]
    across = [each for each in lines if each.get("y1") == "300"]
    assert 2 <= len(across) <= 7
    assert 2 <= len(lines) - len(across) <= 7
    texts = [each.text for each in tree.iter() if each.tag.endswith("text")]
    assert len(set(texts)) == len(texts), "two ticks with one label"


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
