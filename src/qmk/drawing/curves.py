"""Curves: sweeps, the course of an optimiser, and error rates of codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from qmk.drawing.scene import PALE
from qmk.drawing.theme import COLOURS, axes_of, ink, wrong

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, np.dtype[Any]]

MARKED = 40
"""Up to so many points have markers."""
BAND = 0.22


class SweptLike(Protocol):
    """What is drawn of a sweep."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def points(self) -> Array: ...
    @property
    def values(self) -> Array: ...
    @property
    def errors(self) -> Array: ...


def sweep(
    swept: SweptLike,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    theme: str = "light",
) -> Figure:
    """Draws a sweep: see ``qmk.Swept.plot``."""
    import numpy as np

    n = swept.values.shape[1]
    if not n:
        raise wrong("sweep", "has counts and no values", "draw its counts with qmk.plot.histogram, or give observables")
    if labels is not None and len(labels) != n:
        raise wrong("labels", f"must be {n}, one for each observable", "give as many labels as observables")
    names = (
        list(labels) if labels is not None else [f"observable {k}" if n > 1 else "expectation value" for k in range(n)]
    )
    moved = [k for k in range(len(swept.names)) if np.ptp(swept.points[:, k]) > 0] or [0]
    titles = [_with_unit(swept.names[k], units) for k in moved]
    if len(moved) == 1:
        with axes_of(ax, theme, 5.6, 3.4) as axes:
            order = np.argsort(swept.points[:, moved[0]], kind="stable")
            for k in range(n):
                errors = swept.errors[order, k] if swept.errors.any() else None
                _curve(axes, swept.points[order, moved[0]], swept.values[order, k], errors, COLOURS[k % 7], names[k])
            axes.set(xlabel=titles[0], ylabel=names[0] if n == 1 else "expectation value")
            if n > 1:
                axes.legend()
            return axes.figure
    if len(moved) > 2 or n > 1:
        what = f"moves {len(moved)} parameters with {n} observables"
        raise wrong("sweep", what, "one parameter is drawn as curves, two with one observable as a map")
    (xs, column), (ys, row) = (np.unique(swept.points[:, k], return_inverse=True) for k in moved)
    grid = np.full((len(ys), len(xs)), np.nan)
    grid[row, column] = swept.values[:, 0]
    if np.isnan(grid).any() or grid.size != len(swept.points):
        raise wrong("sweep", "of two parameters is not a grid", "give every value of one with every value of the other")
    with axes_of(ax, theme, 5.0, 3.8) as axes:
        drawn = axes.pcolormesh(xs, ys, grid, cmap="cividis", shading="nearest", rasterized=True)
        axes.figure.colorbar(drawn, ax=axes, label=names[0])
        axes.set(xlabel=titles[0], ylabel=titles[1])
        return axes.figure


class TrajectoryLike(Protocol):
    """What is drawn of values over time."""

    @property
    def times(self) -> Array: ...
    def errors(self, name: str, /) -> Array: ...
    def __iter__(self) -> Iterator[str]: ...
    def __getitem__(self, name: str, /) -> Array: ...


def trajectory(found: TrajectoryLike, time: str = "time", ax: Axes | None = None, theme: str = "light") -> Figure:
    """Draws values over time: see ``qmk.client.trajectory.Trajectory.plot``."""
    names = list(found)
    with axes_of(ax, theme, 5.6, 3.4) as axes:
        for k, name in enumerate(names):
            errors = found.errors(name)
            _curve(axes, found.times, found[name], errors if errors.any() else None, COLOURS[k % 7], name)
        axes.set(xlabel=time, ylabel=names[0] if len(names) == 1 else "expectation value")
        if len(names) > 1:
            axes.legend()
        return axes.figure


def convergence(
    values: Sequence[float] | Sequence[Sequence[float]] | Mapping[str, Sequence[float]],
    errors: Sequence[float] | Sequence[Sequence[float]] | Mapping[str, Sequence[float]] | None = None,
    exact: float | None = None,
    label: str = "value",
    ax: Axes | None = None,
    theme: str = "light",
) -> Figure:
    """The values of an optimiser by step, with a band of one standard error and a line at the exact value, and the
    Matplotlib figure. Several curves are a mapping of their labels to their values, or a list of lists; ``errors`` are
    then given in the same form. Raises ``QmkError`` INVALID_PARAMS for what are not numbers; UNSUPPORTED without
    Matplotlib."""
    if not isinstance(label, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong("label", "must be text", "say what the values are, such as 'energy'")
    line = None if exact is None else float(_read_numbers("exact", [exact])[0])
    rows = _read_curves(values, errors, label)
    with axes_of(ax, theme, 5.6, 3.4) as axes:
        for at, (name, heights, bounds) in enumerate(rows):
            _curve(axes, range(len(heights)), heights, bounds, COLOURS[at], name)
        if line is not None:
            axes.axhline(line, color=ink(theme), linewidth=0.9, linestyle="--", label="exact")
        if line is not None or len(rows) > 1:
            axes.legend()
        axes.set(xlabel="step", ylabel=label)
        axes.locator_params(axis="x", integer=True)
        return axes.figure


def _read_curves(values: Any, errors: Any, label: str) -> list[tuple[str, Array, Array | None]]:
    """The name, the values and the errors of each curve."""
    given = _name_curves(values, label)
    bars = {} if errors is None else _name_curves(errors, label)
    if not 1 <= len(given) <= len(COLOURS):
        raise wrong("values", f"must be 1 to {len(COLOURS)} curves", "draw fewer")
    found: list[tuple[str, Array, Array | None]] = []
    for name, row in given.items():
        heights = _read_numbers("values", row)
        bounds = _read_numbers("errors", bars[name]) if name in bars else None
        if bounds is not None and (len(bounds) != len(heights) or bounds.min() < 0):
            raise wrong("errors", "must be one for each value, from 0", "give the standard errors of the values")
        found.append((name, heights, bounds))
    if not bars.keys() <= given.keys():
        raise wrong("errors", "are of curves that there are not", "give them in the form of the values")
    return found


def _name_curves(given: Any, label: str) -> dict[str, Any]:
    """Curves by name: of one list that is ``label``, of several with their number."""
    if isinstance(given, Mapping):
        return {str(name): row for name, row in cast("Mapping[Any, Any]", given).items()}
    try:
        rows = list(given)
        several = bool(rows) and all(hasattr(row, "__len__") and not isinstance(row, str) for row in rows)
        several = several and getattr(given, "ndim", 2) == 2
    except Exception:  # a caller's own class may raise anything
        return {label: given}
    return {f"{label} {at}": row for at, row in enumerate(rows)} if several else {label: given}


def _curve(axes: Any, xs: Any, ys: Any, errors: Any, colour: str, name: str) -> None:
    axes.plot(xs, ys, color=colour, label=name, marker="o" if len(xs) <= MARKED else "", markersize=3.5, linewidth=1.3)
    if errors is not None:
        axes.fill_between(xs, ys - errors, ys + errors, color=colour, alpha=BAND, linewidth=0)


def _with_unit(name: str, units: Mapping[str, str] | None) -> str:
    unit = (units or {}).get(name, "")
    return f"{name} ({unit})" if unit else name


def _read_numbers(name: str, values: Any) -> Array:
    import numpy as np

    try:
        found = np.asarray(values, dtype=np.float64)
    except Exception:  # a caller's own class may raise anything
        found = np.full(1, np.nan)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise wrong(name, "must be finite numbers in a row", "give a list such as [-1.0, -1.3]")
    return found


def error_rates(found: Any, ax: Axes | None = None, theme: str = "light") -> Figure:
    """Logical errors per round over p, a curve a distance with 95 % bars, the crossings, and bare qubits as the line to
    beat; and the Matplotlib figure. ``found`` is what ``qmk.models.qec.memories.threshold`` gives. Raises ``QmkError``
    INVALID_PARAMS for anything else; UNSUPPORTED without Matplotlib."""
    if not all(hasattr(found, name) for name in ("points", "best", "crossings", "curve")):
        raise wrong("found", "must be a threshold", "give what qmk.models.qec.memories.threshold returns")
    first = found.points[0]
    values, k = sorted(found.best), first.code.k
    with axes_of(ax, theme, 5.6, 4.2) as axes:
        pale, bare = ink(theme, PALE), "a bare qubit" if k == 1 else f"{k} bare qubits"
        axes.plot(values, [1 - (1 - p) ** k for p in values], color=ink(theme), lw=1, linestyle="--", label=bare)
        for at, distance in enumerate(sorted({point.code.distance for point in found.points})):
            shown = [point for point in found.curve(distance) if point.block_per_round > 0]
            heights = [point.block_per_round for point in shown]
            bars = [
                [h - point.bounds_per_round[0] for h, point in zip(heights, shown, strict=True)],
                [point.bounds_per_round[1] - h for h, point in zip(heights, shown, strict=True)],
            ]
            style = {"marker": "o", "markersize": 3.5, "linewidth": 1.3, "capsize": 2, "label": f"d = {distance}"}
            axes.errorbar([point.p for point in shown], heights, yerr=bars, color=COLOURS[at % len(COLOURS)], **style)
        for _, _, place in found.crossings:
            axes.axvline(place, color=pale, linewidth=0.8)
        axes.set(xscale="log", yscale="log", title=f"{first.code.name}, {first.decoder}")
        axes.set_xticks(values, [f"{p:.2g}" for p in values])
        axes.minorticks_off()
        axes.set_xlabel(f"p of the noise '{first.noise.partition('=')[0]}'")
        axes.set_ylabel(f"logical error per round, {' + '.join(first.bases)}")
        axes.legend()
        return axes.figure
