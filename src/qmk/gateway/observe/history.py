"""Figures of the machine over time: of every poll for half an hour, of every minute for a week.

Those of minutes are kept with the gateway's records, an hour in each, so that they are there after a restart.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

import msgspec

from qmk.base.errors import QmkError
from qmk.gateway.http import Refusal
from qmk.gateway.records import Record, Records

KIND = "observe-hour"
"""Kind of the records, which belong to no tenant."""
HOURS = 168
POLLS = 360
"""Polls that are kept as they are."""
MINUTE_S, HOUR_S = 60.0, 3600.0
DRAWN = 360
"""Most points of a curve."""
SPANS = {"half an hour": 0.5, "3 hours": 3.0, "a day": 24.0, "a week": 168.0}
"""What can be chosen, in hours."""


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """Values at one poll."""

    at_s: float
    queued: float
    running: float
    ended: float
    requests: float
    memory_bytes: float


class Span(NamedTuple):
    """A stretch of time, in Unix seconds. ``hours``: it ends now and is so long; 0: it was named by its ends."""

    since: float
    until: float
    hours: float = 0.0

    @property
    def neighbours(self) -> tuple[str, str]:
        """The queries of the addresses of the stretches before it and after it, each as long."""
        length = self.until - self.since
        ends = (self.since - length, self.since), (self.until, self.until + length)
        before, after = (f"since={low:.0f}&until={high:.0f}" for low, high in ends)
        return before, after


def span_of(hours: str, since: str, until: str) -> Span:
    """The stretch of time that an address names; half an hour if it names none. Raises ``Refusal`` 400."""
    now = time.time()
    try:
        if since:
            found = Span(float(since), float(until) if until else now)
        else:
            asked = float(hours or 0.5)
            found = Span(now - asked * HOUR_S, now, asked)
    except ValueError:
        raise Refusal(400, "hours, since and until are numbers; since and until are Unix seconds") from None
    if not 0 <= found.since < found.until < 1e11:
        raise Refusal(400, "a stretch of time begins before it ends, and not before 1970")
    return found


class History:
    """``records``: where minutes are kept."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._polls: deque[Moment] = deque(maxlen=POLLS)
        self._minutes: deque[Moment] = deque(maxlen=HOURS * 60)

    async def load(self) -> None:
        """Takes over what an earlier gateway has kept."""
        rows, _ = await self._records.page(KIND, "", HOURS)
        for row in reversed(rows):
            self._minutes.extend(msgspec.json.decode(row.body, type=list[Moment]))

    async def add(self, moment: Moment) -> None:
        """Keeps the values of a poll; in the records, those of one of the gateways that share them. Where these cannot
        be written, a restart does not find them."""
        self._polls.append(moment)
        if self._minutes and moment.at_s - self._minutes[-1].at_s < MINUTE_S:
            return
        self._minutes.append(moment)
        hour = moment.at_s // HOUR_S
        body = msgspec.json.encode([each for each in self._minutes if each.at_s // HOUR_S == hour])
        try:
            if await self._records.is_first(KIND):
                await self._records.put(KIND, "", Record(f"{hour:.0f}", moment.at_s, body), kept=HOURS)
        except QmkError:
            return

    def between(self, span: Span) -> list[Moment]:
        """What is known of this time, oldest first, in at most so many rows as are drawn."""
        first = self._polls[0].at_s if self._polls else span.until
        rows = [each for each in self._minutes if each.at_s < first] + list(self._polls)
        rows = [each for each in rows if span.since <= each.at_s <= span.until]
        step = -(-len(rows) // DRAWN) or 1
        return rows[(len(rows) - 1) % step :: step] if rows else []
