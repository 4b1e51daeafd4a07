"""Histograms of counts and probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from qmk.drawing.theme import COLOURS, axes_of, ink, wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RUNS, MOST_BARS, LONGEST = 7, 100, 26
"""Most runs side by side, most outcomes with a bar of their own, and most characters below one."""
MOST_NAMED, LONGEST_LABEL = 4, 60
"""Most bits of a register that are all named below the axis, and most characters of their names together."""
CHARACTER = 0.075
"""Inches of a character below a bar."""


def histogram(
    counts: Any, labels: Sequence[str] | None = None, top: int = 20, ax: Axes | None = None, theme: str = "light"
) -> Figure:
    """The share of the shots that each outcome has, as bars in the order of their bits, and the Matplotlib figure.

    ``counts`` is counts, probabilities, or several of them, which stand side by side and are named by ``labels``. The
    ``top`` most frequent outcomes have bars, all others one together. Counts have error bars of one standard error of
    a multinomial distribution, sqrt(p (1 - p) / shots). Raises ``QmkError`` INVALID_PARAMS for what are not counts;
    UNSUPPORTED without Matplotlib."""
    runs = _read_runs(counts)
    names = _read_labels(labels, len(runs))
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MOST_BARS:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong("top", f"must be a whole number from 1 to {MOST_BARS}", "give such as 20")
    total: dict[str, float] = {}
    for shares, _ in runs:
        for bits, share in shares.items():
            total[bits] = total.get(bits, 0.0) + share
    most = sorted(sorted(total, key=lambda bits: (-total[bits], bits))[:top])
    others = len(total) - len(most)
    width = max(5.6, 0.16 * (len(most) + 1) * max(1, len(runs) / 2) + 0.9)
    with axes_of(ax, theme, width, 3.4) as axes:
        each = 0.8 / len(runs)
        for at, (shares, shots) in enumerate(runs):
            heights = [shares.get(bits, 0.0) for bits in most]
            heights += [max(0.0, 1.0 - sum(heights))] if others else []
            errors = [math.sqrt(max(0.0, p * (1 - p)) / shots) for p in heights] if shots else None
            places = [k + (at - (len(runs) - 1) / 2) * each for k in range(len(heights))]
            bar = {"ecolor": ink(theme), "capsize": 2, "error_kw": {"linewidth": 0.8}}
            axes.bar(places, heights, each, yerr=errors, color=COLOURS[at], label=names[at] if names else None, **bar)
        below = [_clip(bits) or "(no bits)" for bits in most] + ([f"{others} others"] if others else [])
        _write_below(axes, below)
        axes.set(ylabel="share of the shots" if any(shots for _, shots in runs) else "probability")
        axes.set_xlabel(_outcome_label([counts] if isinstance(counts, Mapping) else counts))
        axes.set_ylim(0)
        if names:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)  # above the bars, which may be everywhere
        return axes.figure


def _write_below(axes: Any, texts: list[str]) -> None:
    """Names of the bars, upright where one would reach the next."""
    inches = axes.figure.get_figwidth() * axes.get_position().width * 0.95
    rotated = max(map(len, texts)) * CHARACTER > inches / len(texts)
    axes.set_xticks(range(len(texts)), texts, rotation=90 if rotated else 0, family="monospace")
    axes.tick_params(axis="x", length=0)


def _outcome_label(runs: Sequence[Any]) -> str:
    """What the bitstrings are of: the bits of the registers in the order of print, where all runs know the same."""
    found = {" ".join(_bits_of(*row) for row in getattr(run, "groups", ())) for run in runs}
    names = found.pop() if len(found) == 1 else ""
    return f"outcome (bits as printed: {names})" if 0 < len(names) <= LONGEST_LABEL else "outcome (bits as printed)"


def _bits_of(name: str, places: Sequence[int], descending: bool) -> str:
    """The bits of a register, the leftmost first; of picked bits, whose name says which they are, that name."""
    if "[" in name or not name:
        return name
    indices = list(range(len(places)))[:: -1 if descending else 1]
    bits = [f"{name}[{k}]" for k in indices]
    return " ".join(bits if len(bits) <= MOST_NAMED else [bits[0], "…", bits[-1]])


def _clip(bits: str) -> str:
    half = LONGEST // 2 - 1
    return bits if len(bits) <= LONGEST else f"{bits[:half]}…{bits[-half:]}"


def _read_runs(counts: Any) -> list[tuple[dict[str, float], float]]:
    """The shares of each run, and its shots, 0 for probabilities."""
    given: Any = [counts] if isinstance(counts, Mapping) else counts
    if not isinstance(given, (list, tuple)) or not 1 <= len(cast("Sequence[Any]", given)) <= MOST_RUNS:
        raise wrong("counts", f"must be counts, or a list of 1 to {MOST_RUNS} of them", "give the counts of results")
    found: list[tuple[dict[str, float], float]] = []
    for run in cast("Sequence[Any]", given):
        rows = dict(cast("Mapping[Any, Any]", run)) if isinstance(run, Mapping) else {}
        if not rows or not all(isinstance(bits, str) and _is_share(share) for bits, share in rows.items()):
            raise wrong("counts", "must map bitstrings to numbers from 0", "give such as {'00': 480, '11': 520}")
        total = math.fsum(rows.values())
        if not 0 < total < math.inf:
            raise wrong("counts", "have no shots", "give counts of at least one shot")
        whole = all(float(share).is_integer() for share in rows.values()) and total > 1
        found.append(({bits: float(share / total) for bits, share in rows.items()}, total if whole else 0.0))
    return found


def _is_share(value: Any) -> bool:
    try:
        return not isinstance(value, (bool, str, bytes)) and 0 <= float(value) < math.inf
    except Exception:  # a caller's own class may raise anything
        return False


def _read_labels(labels: Any, runs: int) -> list[str]:
    if labels is None:
        return [f"run {at}" for at in range(runs)] if runs > 1 else []
    if not isinstance(labels, (list, tuple)) or not all(isinstance(row, str) for row in cast("Sequence[Any]", labels)):
        raise wrong("labels", "must be a list of texts", "give such as ['ideal', 'noisy']")
    if len(cast("Sequence[str]", labels)) != runs:
        raise wrong("labels", f"must be {runs}, one for each run", "give as many labels as counts")
    return list(cast("Sequence[str]", labels))
