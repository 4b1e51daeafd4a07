"""The router's choice as a chart: what each engine would take, which was chosen, and why others cannot."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qmk.base.units import bytes_text, seconds_text
from qmk.drawing.theme import COLOURS, axes_of, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, WIDTH, LONGEST = 0.21, 5.8, 54
"""Inches of a row and of the chart, and most characters of a reason."""


def chart(rows: Sequence[Mapping[str, Any]], ax: Axes | None = None, theme: str = "light") -> Figure:
    """Bars of predicted seconds with the factor within which they are believed, memory beside them, the chosen engine
    in a colour of its own, and engines that cannot run the program with the reason. ``rows`` are candidates of the
    router as plain data."""
    fit = [row for row in rows if not row["gaps"] and row["seconds"]]
    gaps = [row for row in rows if row["gaps"]]
    with axes_of(ax, theme, WIDTH, ROW * (len(fit) + len(gaps)) + 0.9) as axes:
        lowest = min((row["seconds"] for row in fit), default=1e-3) / 4
        highest = max((row["seconds"] * (row["uncertainty"] or 1.0) for row in fit), default=1.0)
        for y, row in enumerate(fit):
            seconds, factor = row["seconds"], row["uncertainty"] or 1.0
            colour = COLOURS[4] if row["chosen"] else COLOURS[0] if not row["may_fail"] else COLOURS[6]
            bars = [[seconds - seconds / factor], [seconds * factor - seconds]]
            bar = {"ecolor": ink(theme), "error_kw": {"linewidth": 0.7}, "capsize": 1.5}
            axes.barh(y, seconds - lowest, 0.7, lowest, xerr=bars, color=colour, **bar)
            told = [seconds_text(seconds), bytes_text(row["memory_bytes"] or 0)]
            told += ["chosen"] if row["chosen"] else ["may fail"] if row["may_fail"] else []
            bold = "bold" if row["chosen"] else "normal"
            axes.annotate(", ".join(told), (seconds * factor, y), (4, 0), textcoords="offset points", va="center",
                          fontsize=8, weight=bold)  # fmt: skip
        for y, row in enumerate(gaps, len(fit)):
            why = "; ".join(str(gap["detail"] or gap["need"]) for gap in row["gaps"])
            text = "no: " + textwrap.shorten(why, LONGEST, placeholder=" …")
            axes.annotate(text, (0, y), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                          va="center", fontsize=8, alpha=0.8)  # fmt: skip
        names = [":".join(part for part in (row["engine"], row["method"]) if part) for row in (*fit, *gaps)]
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0)
        axes.set(xscale="log", xlim=(lowest, highest * (highest / lowest) ** 0.8), ylim=(len(names) - 0.4, -0.6))
        axes.set_xlabel("predicted seconds")
        return axes.figure
