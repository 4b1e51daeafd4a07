"""How every second atom of a chain comes to be excited while the detuning rises: the Z2 order.

python examples/z2_order.py [--plot z2_order.svg]
"""

from __future__ import annotations

import argparse

import qmk
from qmk.models.atoms import independent, to_graph

ATOMS, SPACING = 9, 6.1
LOW, HIGH, RAMP, TIME = -30.0, 40.0, 0.3, 4.0
DETUNINGS = tuple(range(-20, 41, 5))
"""rad/us at which the sweep is stopped and looked at"""


def densities(detuning: float) -> list[float]:
    """Of each atom the probability of the Rydberg state, once the sweep has come to ``detuning``: exact values."""
    whole = independent.sweep(
        [(SPACING * k, 0.0) for k in range(ATOMS)], detuning=(LOW, HIGH), duration=TIME, ramp=RAMP
    )
    time = RAMP + (detuning - LOW) / (HIGH - LOW) * (TIME - 2 * RAMP)
    graph = to_graph(independent.stop_at(whole, time), "z2", "levels")
    return [(1 - float(z)) / 2 for z in qmk.expectation(graph, [f"Z{k}" for k in range(ATOMS)])]


def staggered(row: list[float]) -> float:
    """Mean of (-1)^k (2 n_k - 1) with n the densities: 1 for perfect order, ends excited."""
    return sum((2 * n - 1) * (-1) ** k for k, n in enumerate(row)) / len(row)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plot", metavar="FILE")
    plot = parser.parse_args().plot
    rows = [densities(detuning) for detuning in DETUNINGS]
    for detuning, row in zip(DETUNINGS, rows, strict=True):
        print(f"{detuning:5g} rad/us: {' '.join(f'{n:.2f}' for n in row)}  staggered {staggered(row):.2f}")
    if plot:
        draw(rows, plot)


def draw(rows: list[list[float]], path: str) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"font.size": 9, "svg.hashsalt": "qmk", "axes.spines.top": False, "axes.spines.right": False})
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(5.6, 4.6), sharex=True, height_ratios=(1.6, 1), layout="constrained"
    )
    at = list(range(len(DETUNINGS)))
    shown = above.pcolormesh(at, range(ATOMS), list(zip(*rows, strict=True)), cmap="Blues", vmin=0, vmax=1)
    above.set_yticks(range(ATOMS))
    above.set_ylabel("atom")
    above.set_title(f"{ATOMS} atoms {SPACING} um apart", loc="left", fontsize=9)
    figure.colorbar(shown, ax=[above, below], label="Rydberg density", aspect=30)
    below.plot(at, [staggered(row) for row in rows], color="#b04a3a", marker="o", markersize=3.5, label="staggered")
    below.plot(
        at, [sum(row) / ATOMS for row in rows], color="#1f4e79", marker="s", markersize=3.5, label="mean density"
    )
    below.set_xticks(at, [f"{detuning:g}" for detuning in DETUNINGS])
    below.set_xlabel("detuning (rad/us)")
    below.set_ylim(-0.15, 1.0)
    below.legend(frameon=False, loc="upper left")
    figure.savefig(path, **({"metadata": {"Date": None}} if path.endswith(".svg") else {"dpi": 150}))
    print(f"written to {path}")


if __name__ == "__main__":
    main()
