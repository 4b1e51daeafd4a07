"""How old a calibration is, and whether it is stale."""

from __future__ import annotations

import datetime

from qmk.models.arguments import show
from qmk.models.devices.target import wrong

DAY_S = 86400.0
STALE_S = 7 * DAY_S
"""Seconds after which a calibration is called stale: superconducting devices are calibrated once a day or more."""


def age_s(date: str, now_s: float | None = None) -> float:
    """Seconds since ``date`` (ISO 8601; without an offset it is UTC), now or at ``now_s`` (seconds since 1970). Raises
    INVALID_PARAMS for what is not a date."""
    try:
        when = datetime.datetime.fromisoformat(date)
    except ValueError as error:
        raise wrong(f"date is {show(date)}", "write it as 2025-02-26T14:43:10-05:00") from error
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    now = datetime.datetime.now(datetime.UTC).timestamp() if now_s is None else now_s
    return now - when.timestamp()


def is_stale(date: str, now_s: float | None = None) -> bool:
    """Whether a calibration of ``date`` is older than ``STALE_S``."""
    return age_s(date, now_s) > STALE_S


def age_note(date: str, now_s: float | None = None) -> str:
    """What a result says of the age of its calibration."""
    seconds = age_s(date, now_s)
    if seconds < 0:
        return f"calibrated {date}, in the future by this clock"
    days, hours = seconds / DAY_S, seconds / 3600
    age = f"{days:.0f} days" if days >= 2 else f"{hours:.1f} hours"
    return f"calibrated {age} ago ({date[:10]}){': stale' if is_stale(date, now_s) else ''}"
