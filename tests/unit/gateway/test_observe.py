"""Traceparents, the chi-square test of canary jobs, when an engine has drifted, and how traces give way."""

from __future__ import annotations

import random

import pytest

from qmk.gateway.observe import pages
from qmk.gateway.observe.canary import ALARM_IN, ALARM_OF, THEORY, Verdicts, chi_square_p, fidelity
from qmk.gateway.observe.spans import Parent, Span, Traces, read_parent
from qmk.rpc.metrics import Counters, Sample

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FAIR = dict.fromkeys(THEORY, 250)


@pytest.mark.parametrize("text", [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-more"])
def test_a_traceparent_names_trace_and_span(text: str) -> None:
    assert read_parent(text) == Parent(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01" + "-" * 300,
        "٠٠-" + TRACE + "-" + SPAN + "-01",
    ],
)
def test_what_is_not_a_traceparent_is_ignored(text: str) -> None:
    assert read_parent(text) is None


@pytest.mark.parametrize(("shift", "p"), [(0, 1.0), (31, 0.05287), (45, 0.001006)])
def test_the_chi_square_test_has_the_values_of_tables(shift: int, p: float) -> None:
    """With 3 degrees of freedom a chi-square of 7.815 has p = 0.05, and 16.266 has p = 0.001; here they are 7.688 and
    16.2."""
    low, high, *others = THEORY
    counts = {low: 250 - shift, high: 250 + shift, **dict.fromkeys(others, 250)}
    assert chi_square_p(counts) == pytest.approx(p, rel=0.03)


def test_impossible_and_absent_outcomes() -> None:
    assert chi_square_p(FAIR | {"0000": 1}) == 0
    assert chi_square_p({}) == 0
    assert fidelity(FAIR) == pytest.approx(1)
    assert fidelity({"0000": 1000}) == 0


def test_right_counts_set_off_no_alarm_and_an_engine_that_was_mended_is_taken_back() -> None:
    verdicts, draw = Verdicts(Counters()), random.Random(7)
    for _ in range(2000):
        counts = dict.fromkeys(THEORY, 0)
        for outcome in draw.choices(list(THEORY), k=1000):
            counts[outcome] += 1
        assert not verdicts.judge("right", counts)
    wrong = {"0000": 1000}
    assert [verdicts.judge("e", wrong) for _ in range(ALARM_OF)] == [False] * (ALARM_OF - 1) + [True]
    assert [verdicts.judge("e", FAIR) for _ in range(ALARM_IN - 2)][-1] is False
    assert not verdicts.drifting


def span(trace: str, name: str = "job") -> Span:
    return Span(trace=trace, id=f"{len(name):016x}", name=name, begin_ns=1, end_ns=2)


def test_old_traces_give_way() -> None:
    traces = Traces(kept=2)
    for trace in ("a", "b", "a", "c"):
        traces.put(span(trace))
    assert [rows[0].trace for rows in traces.newest(9)] == ["c", "a"]
    assert traces.get("b") == []


def test_a_page_acts_on_no_text_of_a_caller() -> None:
    page = pages.trace([span("a", "<script>alert(1)</script>")])
    assert "<script" not in page
    assert "&lt;script" in page


@pytest.mark.parametrize(("value", "text"), [(0, "0 µs"), (2e-5, "20 µs"), (0.0123, "12.3 ms"), (1234.0, "1,234 s")])
def test_times_have_the_unit_that_suits_them(value: float, text: str) -> None:
    assert pages.seconds(value) == text


def test_refused_system_calls_of_a_tenant_are_those_on_all_engines() -> None:
    name = "qmk_sandbox_denials_total"
    rows = {("aer", "chem"): 2.0, ("native", "chem"): 3.0, ("native", "bio"): 0.0}
    lists = pages.Lists(
        {
            "qmk_tenant_weight": {(tenant,): Sample("qmk_tenant_weight", (tenant,), 1) for tenant in ("bio", "chem")},
            name: {labels: Sample(name, labels, value) for labels, value in rows.items()},
        }
    )
    assert [(row["name"], row["refused"]) for row in pages.tenants(lists)] == [("bio", 0.0), ("chem", 5.0)]
