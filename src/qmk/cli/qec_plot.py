"""Plots of ``qmk qec threshold``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.models.qec.memories import Threshold

COLOURS = ("#1f4e79", "#b04a3a", "#3a7d44", "#8a6fb3", "#c28f2c", "#4a9aa8", "#6b7785")
PALE = "#b8c4d0"


def check(path: str) -> None:
    """Before hours of sampling: the file's kind is known, its folder is there, Matplotlib is installed."""
    if Path(path).suffix not in (".svg", ".png"):
        raise QmkError("INVALID_PARAMS", f"'{path}': a plot is an SVG or a PNG", help="end the name in .svg or .png")
    if not Path(path).absolute().parent.is_dir():
        raise QmkError("INVALID_PARAMS", f"'{path}': there is no such folder")
    _pyplot()


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise QmkError(
            "UNSUPPORTED", "plots need Matplotlib", help="pip install 'quantum-microkernel[plot]'"
        ) from error
    mpl.use("agg")
    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "qmk", "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt

    return plt


def curves(found: Threshold, path: str) -> None:
    """Error per round over p, a curve a distance with 95 % bars, and bare qubits as the line to beat."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(5.6, 4.2))
    first = found.points[0]
    values = sorted(found.best)
    k = first.code.k
    axes.plot(values, [1 - (1 - p) ** k for p in values], color=PALE, linewidth=1.2, linestyle="--")
    bare, end = ("a bare qubit" if k == 1 else f"{k} bare qubits"), (values[-1], 1 - (1 - values[-1]) ** k)
    axes.annotate(bare, end, xytext=(0, -22), textcoords="offset points", color="#6b7785", ha="right")
    for index, distance in enumerate(sorted({point.code.distance for point in found.points})):
        shown = [point for point in found.curve(distance) if point.block_per_round > 0]
        heights = [point.block_per_round for point in shown]
        bounds = [point.bounds_per_round for point in shown]
        bars = [[h - low for h, (low, _) in zip(heights, bounds, strict=True)]]
        bars.append([high - h for h, (_, high) in zip(heights, bounds, strict=True)])
        axes.errorbar(
            [point.p for point in shown],
            heights,
            yerr=bars,
            color=COLOURS[index % len(COLOURS)],
            marker="o",
            markersize=3.5,
            linewidth=1.3,
            capsize=2,
            label=f"d = {distance}",
        )
    for _, _, place in found.crossings:
        axes.axvline(place, color=PALE, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(values, [f"{p:.2g}" for p in values])
    axes.minorticks_off()
    noise = first.noise.partition("=")[0]
    axes.set_xlabel(f"p of the noise '{noise}'")
    axes.set_ylabel(f"logical error per round, {' + '.join(first.bases)}")
    axes.set_title(f"{first.code.name}, {first.decoder}", loc="left", fontsize=9)
    axes.legend(frameon=False)
    figure.tight_layout()
    kind = {"metadata": {"Date": None}} if path.endswith(".svg") else {"dpi": 150}
    figure.savefig(path, **kind)
    plt.close(figure)
