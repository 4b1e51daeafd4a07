"""What decoding costs in CPU time, and how many patches a core carries.

Cost is stated by detection events, not by distance alone: noise that drifts from 1e-3 to 3e-3 costs 3 to 4 times as
much at the same distance, and a larger distance has more checks, hence more events, in every round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qmk.base.errors import QmkError


@dataclass(frozen=True)
class Cost:
    """CPU microseconds of a window with ``e`` detection events: ``base_us + us_per_event e + us_per_event2 e^2``."""

    base_us: float
    us_per_event: float
    us_per_event2: float = 0.0

    def window_us(self, events: float) -> float:
        return self.base_us + self.us_per_event * events + self.us_per_event2 * events * events

    def load(self, patches: float, events: float, *, cores: int, window_us: float) -> float:
        """CPU time that arrives over CPU time there is: ``patches`` windows of ``events`` each in ``window_us``."""
        return patches * self.window_us(events) / (cores * window_us)


def fit(events: Sequence[float], cpu_us: Sequence[float]) -> Cost:
    """The least-squares ``Cost`` of measured windows. Raises INVALID_PARAMS for fewer than three different counts."""
    e, t = np.asarray(events, float), np.asarray(cpu_us, float)
    if len(np.unique(e)) < 3:
        raise QmkError("INVALID_PARAMS", "cost: windows of three different counts of events are needed", field="events")
    terms = np.stack([np.ones_like(e), e, e * e], axis=1)
    found, *_ = np.linalg.lstsq(terms, t, rcond=None)
    if found[2] < 0 or found[1] < 0:  # noise in a narrow range of counts: a line says all there is
        found = np.append(np.linalg.lstsq(terms[:, :2], t, rcond=None)[0], 0.0)
    return Cost(*(float(x) for x in found))
