"""Taking times and showing them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qmk.base.units import seconds_text


@dataclass(frozen=True)
class Row:
    """One figure. ``target_s`` is what was aimed at; ``peer`` names what ``peer_s`` timed in the same run."""

    name: str
    seconds: float
    target_s: float | None = None
    peer: str = ""
    peer_s: float | None = None
    text: str = ""

    def cells(self) -> tuple[str, ...]:
        value = self.text or seconds_text(self.seconds)
        if self.target_s is None:
            return self.name, value, "", "", self._ratio()
        verdict = "met" if self.seconds <= self.target_s else f"missed by {self.seconds / self.target_s:.1f}x"
        return self.name, value, f"< {seconds_text(self.target_s)}", verdict, self._ratio()

    def _ratio(self) -> str:
        if not self.peer_s:
            return ""
        return f"{self.seconds / self.peer_s:.1f} x {self.peer} ({seconds_text(self.peer_s)})"


def samples(work: Callable[[], Any], times: int, warm_up: int = 3) -> list[float]:
    """Seconds of each of ``times`` runs of ``work``, sorted, after some that are not counted."""
    for _ in range(warm_up):
        work()
    taken: list[float] = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return sorted(taken)


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(ordered: Sequence[float]) -> float:
    return percentile(ordered, 0.5)


BLOCKS, STUDENT_95 = 10, 2.306
"""Means that a trend is fitted to, and the bound of Student's t for two of its degrees of freedom fewer."""


def trend(at: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """The slope of ``values`` over ``at`` by least squares, and half the width of its 95 % interval. It is fitted to
    means of ``BLOCKS`` stretches: values that follow each other closely are not independent."""
    import numpy as np

    if len(at) < 2 * BLOCKS:
        raise ValueError(f"a trend needs {2 * BLOCKS} values; there are {len(at)}")
    x, y = (np.array([part.mean() for part in np.array_split(np.asarray(row), BLOCKS)]) for row in (at, values))
    (slope, offset), spread = np.polyfit(x, y, 1), ((x - x.mean()) ** 2).sum()
    error = np.sqrt(((y - slope * x - offset) ** 2).sum() / (BLOCKS - 2) / spread)
    return float(slope), float(STUDENT_95 * error)


def show(title: str, rows: Sequence[Row]) -> None:
    """Print the rows as a table under ``title``."""
    table = [("", "measured", "target", "", "peer"), *(row.cells() for row in rows)]
    widths = [max(len(cells[i]) for cells in table) for i in range(5)]
    print(f"\n{title}")
    for cells in table:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())


def as_dicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]
