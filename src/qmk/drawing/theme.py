"""The look of plots by Matplotlib: colours that readers with any colour vision tell apart, on light and on dark pages.

The colours of curves are those of Okabe and Ito (2008); ink and grid are those of our own pictures. The background is
transparent. Nothing global is changed: no backend is chosen, and settings hold only while a plot is drawn.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from qmk.base.errors import QmkError
from qmk.drawing.scene import DARK, INK, PALE, PAPER

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a8a84")
PHASES = ("#0072b2", "#009e73", "#e69f00", "#cc79a7", "#0072b2")
"""Colours of the phases 0, pi/2, pi, 3 pi/2 and 2 pi."""
THEMES = ("light", "dark")


def wrong(field: str, what: str, fix: str) -> QmkError:
    return QmkError("INVALID_PARAMS", f"{field} {what}", field=field, help=fix)


def load(what: str = "plots need") -> Any:
    """Imports Matplotlib. Raises UNSUPPORTED with what to install when it is not there."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        fix = "pip install 'quantum-microkernel[plot]'"
        raise QmkError("UNSUPPORTED", f"{what} Matplotlib", help=fix) from error
    return mpl


def ink(theme: str, colour: str = INK) -> str:
    """A colour of our pictures on a page of this theme."""
    return DARK[colour] if theme == "dark" else colour


@contextmanager
def drawing(theme: str) -> Generator[None]:
    """While this lasts, Matplotlib draws in a theme. Raises INVALID_PARAMS for another than ``THEMES``."""
    mpl = load()
    if not isinstance(theme, str) or theme not in THEMES:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong("theme", "is not one that there is", f"take one of {', '.join(THEMES)}")
    front, pale = ink(theme), ink(theme, PALE)
    settings = {
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": mpl.rcsetup.cycler(color=COLOURS),
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "legend.frameon": False,
        "grid.color": pale,
        "axes3d.xaxis.panecolor": (0, 0, 0, 0),
        "axes3d.yaxis.panecolor": (0, 0, 0, 0),
        "axes3d.zaxis.panecolor": (0, 0, 0, 0),
    }
    names = ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color")
    with mpl.rc_context(settings | dict.fromkeys(names, front) | {"patch.edgecolor": ink(theme, PAPER)}):
        yield


def figure(width: float, height: float) -> Any:
    """A figure of this size in inches, which is in nobody's list of open figures."""
    from qmk.drawing.figure import Plot

    return Plot(figsize=(width, height), layout="constrained")


@contextmanager
def axes_of(ax: Any, theme: str, width: float, height: float) -> Generator[Any]:
    """The axes to draw on: the caller's, or those of a new figure."""
    with drawing(theme):
        if ax is not None and not all(hasattr(ax, name) for name in ("errorbar", "get_window_extent")):
            raise wrong("ax", "must be axes of Matplotlib", "give those of plt.subplots(), or leave it out")
        yield figure(width, height).add_subplot() if ax is None else ax
