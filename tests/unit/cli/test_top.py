"""The lines of ``qmk top``: what they say of a daemon, in which order, and how they fit a narrow or low terminal."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls.q_jobs import JobRow
from qmk.abi.operator.shapes import TenantRow
from qmk.abi.shapes import Progress
from qmk.cli import top, top_view
from qmk.cli.top_figures import EngineLoad, Figures, Machine, Rates

NOW = 1000.0


def job(number: int, state: str, tenant: str, **more: Any) -> JobRow:
    started = None if state == "QUEUED" else NOW - 10 + number
    fields: dict[str, Any] = {
        "progress": Progress(1, 1, 0, 3, 40 if started else 0, 100 * number),
        "engine": "native",
        "method": "auto",
        "priority": 0,
        "submitted": NOW - 20 + number,
        "started": started,
        "ended": NOW if state == "COMPLETED" else None,
        "error": None,
        "tenant": tenant,
        **more,
    }
    return JobRow(job_id=f"job_{number:032x}", state=state, **fields)


def tenant(name: str, jobs: int, suspended: bool = False) -> TenantRow:
    return TenantRow(name, suspended, 1.0, [], {}, 1, 1, jobs)


FIGURES = Figures(
    time=NOW,
    place="/run/s",
    tenant=None,
    running=1,
    queued=2,
    workers=2,
    jobs=[
        job(1, "COMPLETED", "b"),
        job(2, "QUEUED", "a", name="\x1b[2Jx"),
        job(3, "RUNNING", "b"),
        job(4, "QUEUED", "b", engine="qsim", method=""),
    ],
    more=False,
    tenants=[tenant("a", 1), tenant("b", 2, suspended=True)],
    engines=[EngineLoad("native", 1, 1)],
    rates=Rates(3, 1, 1234.0),
    machine=Machine(0.5, 4, 4 << 30, 1 << 30),
)


def order(sort: str, of: str | None = None) -> list[int]:
    return [int(row.job_id[4:], 16) for row in top_view.pick(FIGURES, sort, of)]


def test_orders_and_one_tenant() -> None:
    assert order("state") == [3, 2, 4, 1]
    assert order("newest") == [4, 3, 2, 1]
    assert order("tenant") == [2, 1, 3, 4]
    assert order("engine") == [1, 2, 3, 4]
    assert order("shots") == [4, 3, 2, 1]
    assert order("state", "a") == [2]
    assert tuple(top_view.SORTS) == top.SORTS


def test_what_the_lines_say() -> None:
    text = "\n".join(top_view.lines(FIGURES))
    for said in (
        "1 running (2 workers), 2 queued",
        "3 ended, 1 of them failed, 1,234 shots/s",
        "native 1 running 1 queued",
        "load 0.50 of 4 cores, memory 3.0 of 4.0 GiB",
        "suspended",
        "40 of 300 shots",
    ):
        assert said in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("height", [3, 12, 40])
def test_lines_fit_the_terminal(width: int, height: int) -> None:
    rows = top_view.lines(FIGURES, width, height)
    assert len(rows) <= height
    assert max(map(len, rows)) <= width


def test_a_narrow_terminal_does_without_columns_and_a_low_one_without_jobs() -> None:
    narrow = "\n".join(top_view.lines(FIGURES, 40))
    assert "engine  " not in narrow
    assert "RUNNING" in narrow
    assert top_view.lines(FIGURES, 100, 14)[-1].endswith("more jobs")


def test_the_next_tenant_of_all() -> None:
    step = top._next_tenant
    assert [step(FIGURES, None), step(FIGURES, "a"), step(FIGURES, "b"), step(FIGURES, "gone")] == [
        "a",
        "b",
        None,
        None,
    ]
