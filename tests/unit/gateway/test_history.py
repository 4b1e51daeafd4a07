"""Figures over time: which are kept, which are drawn, and what is there after a restart."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from qmk.gateway.http import Refusal
from qmk.gateway.observe.history import DRAWN, POLLS, History, Moment, Span, span_of
from qmk.gateway.records import Records

BEGIN = 1_700_000_000.0


def moment(at_s: float) -> Moment:
    return Moment(at_s, 1, 2, at_s - BEGIN, 4, 5)


def test_polls_are_kept_for_a_while_and_minutes_for_long_and_through_a_restart(tmp_path: Path) -> None:
    records = Records(tmp_path / "gateway.db")
    history = History(records)
    polls = [moment(BEGIN + 5 * number) for number in range(1500)]

    async def fill() -> None:
        for each in polls:
            await history.add(each)

    asyncio.run(fill())
    end = polls[-1].at_s
    assert history.between(Span(end - 600, end)) == polls[-121:], "the last minutes by every poll"
    everything = history.between(Span(BEGIN, end))
    assert len(everything) <= DRAWN
    assert (everything[0].at_s - BEGIN, everything[-1]) <= (120, polls[-1])
    assert history.between(Span(BEGIN, BEGIN + 600)) == [moment(BEGIN + 60 * number) for number in range(11)]
    assert history.between(Span(BEGIN - 500, BEGIN - 1)) == []

    fresh = History(records)
    asyncio.run(fresh.load())
    rows = fresh.between(Span(BEGIN, end))
    assert [row.at_s for row in rows] == [BEGIN + 60 * number for number in range(125)]
    assert end - BEGIN > POLLS * 5, "what was found is older than the polls that are kept"
    records.close()


def test_an_address_names_a_stretch_of_time() -> None:
    span = span_of("3", "", "")
    assert (span.hours, round(span.until - span.since)) == (3.0, 10_800)
    assert abs(span.until - time.time()) < 60
    assert span_of("", "1000", "1600")[:2] == (1000.0, 1600.0)
    assert span_of("", "1000", "1600").neighbours == ("since=400&until=1000", "since=1600&until=2200")
    assert span_of("", "", "").hours == 0.5


@pytest.mark.parametrize(
    "asked", [("x", "", ""), ("nan", "", ""), ("-1", "", ""), ("", "5", "4"), ("", "inf", ""), ("1e99", "", "")]
)
def test_what_is_no_stretch_of_time_is_refused(asked: tuple[str, str, str]) -> None:
    with pytest.raises(Refusal):
        span_of(*asked)
