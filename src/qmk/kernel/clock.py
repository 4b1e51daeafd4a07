"""The time for which the daemon has run, which is what retention counts by: no change of the wall clock ages a result.

It is the wall clock less ``skew_ns``. The skew grows with every stop of the daemon, since nobody can tell a long stop
from a clock that was wrong at the start, and with every step of the wall clock that the host saw.
"""

from __future__ import annotations

import msgspec

from qmk.kernel.events import ClockStepped, Recovered


class RunningClock(msgspec.Struct):
    """``latest_ns`` is the time of the newest record. A start or a step at ``changed_ns`` found that charges count for
    the quotas of its period from ``spent_from_ns`` on, which may be in an earlier period."""

    skew_ns: int = 0
    latest_ns: int = 0
    changed_ns: int = 0
    spent_from_ns: int = 0

    def follow(self, record: Recovered | ClockStepped) -> None:
        """Takes over what a record says of the clock, live or replayed."""
        self.skew_ns, self.spent_from_ns, self.changed_ns = record.skew_ns, record.spent_from_ns, record.now_ns

    def skew_after_stop_ns(self, now_ns: int) -> int:
        """The skew at a start: the clock goes on where it stood at the newest record."""
        return self.skew_ns + now_ns - self.latest_ns if self.latest_ns else 0

    def counted_from_ns(self, now_ns: int, period_ns: int) -> int:
        """Since when charges count in the quota period of ``now_ns``, at a start. A stop of more than a period is not
        believed: what was spent in the period before it counts once more."""
        if self.latest_ns and now_ns - self.latest_ns > period_ns:
            return self.spent_since_ns(self.latest_ns, period_ns)
        return self.spent_since_ns(now_ns, period_ns)

    def spent_since_ns(self, at_ns: int, period_ns: int) -> int:
        """Since when charges count in the period of ``at_ns``: its begin, or earlier after a step or a start in it."""
        begin_ns = at_ns - at_ns % period_ns
        carried = self.spent_from_ns and self.changed_ns - self.changed_ns % period_ns == begin_ns
        return min(begin_ns, self.spent_from_ns) if carried else begin_ns
