"""Plots of results, states, sweeps, error rates and the router's choice, by Matplotlib (extra ``plot``).

Every function gives a Matplotlib figure, which notebooks show and ``savefig`` writes; its background is transparent.
``theme`` is "light" or "dark", as the page is. ``ax`` draws into axes of yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.api.results import list_candidates
from qmk.api.source import Source
from qmk.drawing.bars import histogram
from qmk.drawing.curves import convergence, error_rates
from qmk.drawing.engines import chart
from qmk.drawing.states import bloch, city, qsphere
from qmk.request.options import read_options
from qmk.request.program import ProgramLike
from qmk.request.signature import takes

if TYPE_CHECKING:
    from typing import Unpack

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qmk.request.keywords import SampleKeywords

__all__ = ["bloch", "city", "convergence", "engines", "error_rates", "histogram", "qsphere"]


@takes("qmk.sample")
def engines(
    program: ProgramLike, ax: Axes | None = None, theme: str = "light", **keywords: Unpack[SampleKeywords]
) -> Figure:
    """What each engine is predicted to take for a program, which one the router chooses, and why others cannot run it;
    as a Matplotlib figure. Nothing is run. Options are those of ``qmk.sample``.

    Raises ``QmkError`` as ``qmk.sample`` does before it runs; UNSUPPORTED without Matplotlib.
    """
    return chart(list_candidates(Source(program, read_options("qmk.sample", keywords))), ax, theme)
