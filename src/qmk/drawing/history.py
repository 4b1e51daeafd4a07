"""Figures of many qubits over days: a line each, the median of all, and the time that is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qmk.drawing.scene import PALE
from qmk.drawing.theme import COLOURS, drawing, figure, ink, wrong

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 6
"""Up to so many lines have colours and names of their own; of more, the median has."""


def history(
    times: Sequence[float],
    panels: Sequence[Mapping[str, Any]],
    mark: float | None = None,
    theme: str = "light",
) -> Figure:
    """Draws panels one below the other, over the Unix ``times``. A panel has a ``label``, and ``values``: of each name
    one for each time, None where there is none; errors are ``log``. ``mark``: a time with a line of its own. Raises
    ``QmkError`` INVALID_PARAMS for values of another number than the times; UNSUPPORTED without Matplotlib."""
    if not times or not panels or any(len(row) != len(times) for each in panels for row in each["values"].values()):
        raise wrong("values", "must be one for each time", "give None where there is none")
    with drawing(theme):
        from matplotlib import dates, ticker

        made = figure(5.6, 0.5 + 1.6 * len(panels))
        rows = made.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        locator = dates.AutoDateLocator(minticks=2, maxticks=6)
        for axes, panel in zip(rows, panels, strict=True):
            _draw_panel(axes, [time / 86_400 for time in times], panel["values"], theme)
            if mark is not None:
                axes.axvline(mark / 86_400, color=COLOURS[4], linewidth=1.2, linestyle="--", label="looked at")
            axes.set(title=panel["label"], yscale="log" if panel.get("log") else "linear")
            if panel.get("log"):
                for tell in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
                    tell(ticker.LogFormatter(minor_thresholds=(2, 0.5)))
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        rows[0].legend(fontsize=8, ncols=3)
        rows[-1].set_xlabel("UTC")
        return made


def _draw_panel(axes: Any, days: list[float], values: Mapping[str, Sequence[float | None]], theme: str) -> None:
    import numpy as np

    rows = {name: np.array([np.nan if v is None else v for v in row], float) for name, row in values.items()}
    few = len(rows) <= NAMED
    for k, (name, row) in enumerate(rows.items()):
        look: dict[str, Any] = {"color": ink(theme, PALE), "linewidth": 0.7}
        look = {"color": COLOURS[k], "label": name, "linewidth": 1.3} if few else look
        axes.plot(days, row, **look, marker="o", markersize=2.5)
    if not few:
        masked: Any = np.ma
        middle = masked.median(masked.masked_invalid(np.array(list(rows.values()))), axis=0).filled(np.nan)
        axes.plot(days, middle, color=COLOURS[0], linewidth=2, marker="o", markersize=3.5, label="median")
