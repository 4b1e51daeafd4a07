"""Months of UTC: what budgets and invoices are for."""

from __future__ import annotations

from datetime import UTC, datetime

from qmk.base.units import SECOND_NS

MONTH = r"^(19[7-9][0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])\Z"


def month_of(moment: float) -> str:
    """The month of a Unix time, such as 2026-11."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m}"


def span_ns(month: str) -> tuple[int, int]:
    """Its begin and its end in nanoseconds of Unix time."""
    year, number = map(int, month.split("-"))
    following = (year + number // 12, number % 12 + 1)
    begin, end = (int(datetime(*at, 1, tzinfo=UTC).timestamp()) for at in ((year, number), following))
    return begin * SECOND_NS, end * SECOND_NS
