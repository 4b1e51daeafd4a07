"""``python -m benchmarks.router.plots ROWS.json FOLDER``: a run of ``benchmarks.router --out`` in pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

from benchmarks.router.report import QMK, Cell, cells, geometric_mean, oracle

INK, PALE, RED = "#1f4e79", "#b8c4d0", "#b04a3a"


def main(rows: Path, folder: Path) -> None:
    table = cells(json.loads(rows.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "qmk", "axes.spines.top": False, "axes.spines.right": False})
    _ratios(table, folder / "router-ratios.svg")
    _coverage(table, folder / "router-coverage.svg")


def _ratios(table: dict[str, dict[str, Cell]], path: Path) -> None:
    """Each circuit: the best peer's CPU seconds against QMK's."""
    points = [
        (best[1], ours)
        for engines in table.values()
        if (best := oracle(engines)) and (ours := engines.get(QMK, Cell(None)).seconds) is not None
    ]
    figure, axes = plt.subplots(figsize=(5.2, 4.4))
    low, high = min(min(p) for p in points) / 2, max(max(p) for p in points) * 2
    axes.plot([low, high], [low, high], color=PALE, linewidth=1)
    middle = (low * high) ** 0.5
    axes.text(middle, 1.4 * middle, "equal", color="#6b7785", rotation=45, ha="center", va="bottom")
    axes.loglog([p[0] for p in points], [p[1] for p in points], "o", color=INK, markersize=4, alpha=0.8)
    axes.set_xlabel("best peer of the circuit: CPU seconds")
    axes.set_ylabel("QMK: CPU seconds")
    mean = geometric_mean([ours / best for best, ours in points])
    axes.set_title(f"{len(points)} circuits, geometric mean of the ratio {mean:.3f}", loc="left", fontsize=9)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _coverage(table: dict[str, dict[str, Cell]], path: Path) -> None:
    """Each engine: the share of circuits that it solves within a factor of the best peer."""
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    names = sorted({name for engines in table.values() for name in engines if not name.startswith(f"{QMK}:")})
    shown = [(best[1], engines) for engines in table.values() if (best := oracle(engines))]
    curves = []
    for name in names:
        found = ((engines.get(name, Cell(None)).seconds, best) for best, engines in shown)
        ratios = sorted(seconds / best for seconds, best in found if seconds is not None)
        curves.append((len(ratios), name, ratios))
    other = iter(plt.get_cmap("tab20").colors)
    for _, name, ratios in sorted(curves, reverse=True):
        if ratios:
            heights = [(k + 1) / len(shown) for k in range(len(ratios))]
            style = {"color": RED, "linewidth": 2.4} if name == QMK else {"color": next(other), "linewidth": 1.1}
            axes.step(ratios, heights, where="post", label="QMK" if name == QMK else name, **style)
    axes.set_xscale("log")
    axes.axvline(1, color=PALE, linewidth=1)
    axes.set_xlabel("CPU time, in multiples of the best peer's on the same circuit")
    axes.set_ylabel(f"share of {len(shown)} circuits solved")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
