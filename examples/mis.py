"""Largest independent sets of a unit-disk graph by an adiabatic sweep, beside the exact ones.

python examples/mis.py [--plot mis.svg]
"""

from __future__ import annotations

import argparse

import qmk
from qmk.models.atoms import independent, to_graph

SPACING = 5.0
FULL = ("##.##", "#.###", "##.#.")
"""atoms on a square lattice of this spacing (um); diagonal neighbours blockade each other as well"""

PLACES = [(x * SPACING, -y * SPACING) for y, row in enumerate(FULL) for x, mark in enumerate(row) if mark == "#"]
TIMES = (0.7, 1.0, 2.0, 4.0)
AMPLITUDE, DETUNING = 15.0, (-20.0, 30.0)
"""rad/us; the last detuning pays for an atom, and not for a pair on a diagonal, 43 rad/us"""
SHOTS = 1000


def sets(duration: float) -> dict[tuple[int, ...], int]:
    """Shots by the set of excited atoms, after a sweep of ``duration`` us."""
    program = independent.sweep(PLACES, amplitude=AMPLITUDE, detuning=DETUNING, duration=duration)
    found = qmk.run(to_graph(program, "mis", "levels"), shots=SHOTS, seed=1)
    return {tuple(map(int, bits)): count for bits, count in found.counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plot", metavar="FILE")
    plot = parser.parse_args().plot
    edges = independent.unit_disk(PLACES, independent.blockade_radius(AMPLITUDE))
    exact = independent.largest_sets(len(PLACES), edges)
    print(f"{len(PLACES)} atoms, {len(edges)} edges: {len(exact)} largest independent sets, of {sum(exact[0])} atoms")
    runs = {time: sets(time) for time in TIMES}
    for time, found in runs.items():
        free = sum(count for bits, count in found.items() if not independent.violations(bits, edges)) / SHOTS
        best = sum(found.get(bits, 0) for bits in exact) / SHOTS
        print(f"{time:g} us: {free:.3f} of the shots independent, {best:.3f} largest")
    if plot:
        draw(edges, runs, exact, plot)


def draw(edges: tuple[tuple[int, int], ...], runs: dict, exact: tuple[tuple[int, ...], ...], path: str) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "qmk", "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2), width_ratios=(1.25, 1))
    likeliest = max(runs[TIMES[-1]], key=lambda bits: runs[TIMES[-1]][bits])
    for a, b in edges:
        left.plot(*zip(PLACES[a], PLACES[b], strict=True), color="#b8c4d0", linewidth=1.2, zorder=1)
    for place, excited in zip(PLACES, likeliest, strict=True):
        left.scatter(*place, s=130, zorder=2, edgecolor="#1f4e79", color="#b04a3a" if excited else "white")
    left.set_aspect("equal")
    left.set_xlabel("x (um)")
    left.set_ylabel("y (um)")
    left.margins(0.12)
    left.set_title(f"likeliest set after {TIMES[-1]:g} us (red)", loc="left", fontsize=9)
    sizes = range(sum(exact[0]) + 2)
    width = 0.8 / len(runs)
    for index, (time, found) in enumerate(runs.items()):
        shares = [
            sum(n for bits, n in found.items() if sum(bits) == size and not independent.violations(bits, edges)) / SHOTS
            for size in sizes
        ]
        at = [size + (index - (len(runs) - 1) / 2) * width for size in sizes]
        shade = ("#c9d8e6", "#8fb0cc", "#4f81ab", "#1f4e79")[index]
        right.bar(at, shares, width, label=f"{time:g} us", color=shade)
    right.axvline(sum(exact[0]) + 0.5, color="#b04a3a", linewidth=1.0, linestyle="--")
    right.text(sum(exact[0]) + 0.6, 0.5, "no larger\nset exists", color="#b04a3a", fontsize=8)
    right.set_xticks(list(sizes))
    right.set_xlim(0.4, len(sizes) - 0.1)
    right.set_ylim(0, 1)
    right.set_xlabel("size of the independent set")
    right.set_ylabel("share of shots")
    right.legend(frameon=False, loc="upper left", title="sweep")
    figure.tight_layout()
    figure.savefig(path, **({"metadata": {"Date": None}} if path.endswith(".svg") else {"dpi": 150}))
    print(f"written to {path}")


if __name__ == "__main__":
    main()
