"""A Matplotlib figure that notebooks show without pyplot, and whose SVG keeps text as text. It imports Matplotlib."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

SVG: Any = {"svg.fonttype": "none", "svg.hashsalt": "qmk"}


class Plot(Figure):
    """What plots give back. ``savefig`` writes the same bytes for the same plot."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """As Matplotlib's; an SVG has no date and names of its own parts that do not change."""
        if options.get("format") == "svg" or str(fname).endswith(".svg"):
            options.setdefault("metadata", {"Date": None})
        with mpl.rc_context(SVG):  # pyright: ignore[reportUnknownMemberType]
            super().savefig(fname, **options)  # pyright: ignore[reportUnknownMemberType]

    def _repr_svg_(self) -> str:
        made = io.StringIO()
        self.savefig(made, format="svg")
        return made.getvalue()
