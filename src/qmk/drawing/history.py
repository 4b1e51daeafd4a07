"""Figures of many qubits over days: a line each, the median of all, and the time that is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qmk.drawing.scene import PALE
from qmk.drawing.theme import COLOURS, axes_of, ink, wrong

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 6
"""Up to so many lines have colours and names of their own; of more, the median has."""


def history(
    times: Sequence[float],
    values: Mapping[str, Sequence[float | None]],
    label: str,
    mark: float | None = None,
    log: bool = False,
    ax: Any = None,
    theme: str = "light",
) -> Figure:
    """Draws the values of each name at the Unix times, None where there is none. ``mark``: a time with a line of its
    own. Raises ``QmkError`` INVALID_PARAMS for rows of another length than ``times``; UNSUPPORTED without Matplotlib."""
    if not times or not values or any(len(row) != len(times) for row in values.values()):
        raise wrong("values", "must be one for each time", "give None where there is none")
    with axes_of(ax, theme, 5.6, 2.8) as axes:
        import numpy as np
        from matplotlib import dates

        days = np.array(times, float) / 86_400
        rows = {name: np.array([np.nan if v is None else v for v in row], float) for name, row in values.items()}
        few = len(rows) <= NAMED
        for k, (name, row) in enumerate(rows.items()):
            look: dict[str, Any] = {"color": COLOURS[k], "label": name, "linewidth": 1.3} if few else {}
            axes.plot(days, row, **(look or {"color": ink(theme, PALE), "linewidth": 0.7}), marker="o", markersize=2.5)
        if not few:
            stack = np.ma.masked_invalid(np.array(list(rows.values())))
            middle = np.ma.median(stack, axis=0).filled(np.nan)
            axes.plot(days, middle, color=COLOURS[0], linewidth=2, marker="o", markersize=3.5, label="median")
        if mark is not None:
            axes.axvline(mark / 86_400, color=COLOURS[4], linewidth=1.2, linestyle="--", label="looked at")
        axes.legend(fontsize=8, ncols=2)
        axes.set(ylabel=label, yscale="log" if log else "linear")
        locator = dates.AutoDateLocator(minticks=2, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        axes.set_xlabel("UTC")
        return axes.figure
