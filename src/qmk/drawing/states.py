"""Pictures of states: the city of a density matrix, Bloch spheres, and the Q-sphere. Qubit 0 is the highest bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qmk.drawing.scene import PALE
from qmk.drawing.theme import COLOURS, PHASES, drawing, figure, ink, load, wrong

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, np.dtype[np.complex128]]

MOST_CITY, MOST_BLOCH, MOST_QSPHERE = 5, 12, 7
"""Most qubits of each picture."""
TOLERANCE = 1e-5


def city(state: Any, theme: str = "light") -> Figure:
    """The real and the imaginary part of a density matrix as bars over its entries, and the Matplotlib figure.

    ``state`` is a state vector of shape (2^n,), such as ``qmk.state`` gives, or a density matrix (2^n, 2^n), of at most
    5 qubits. Raises ``QmkError`` INVALID_PARAMS for what is not a state; UNSUPPORTED without Matplotlib."""
    import numpy as np

    rho, n = _read(state, MOST_CITY)
    if rho.ndim == 1:
        rho = np.outer(rho, rho.conj())
    size = 2**n
    rows, cols = (each.ravel() for each in np.meshgrid(range(size), range(size), indexing="ij"))
    with drawing(theme):
        made = figure(7.2, 3.9)
        parts = {"real part": np.real(rho), "imaginary part": np.imag(rho)}
        lowest = min(0.0, *(float(part.min()) for part in parts.values()))
        for at, (name, part) in enumerate(parts.items()):
            axes = made.add_subplot(1, 2, at + 1, projection="3d")
            heights = part.ravel()
            shown = np.abs(heights) > TOLERANCE
            colours = np.where(heights[shown] >= 0, COLOURS[0], COLOURS[4])
            if shown.any():
                place = rows[shown] - 0.3, cols[shown] - 0.3, np.minimum(heights[shown], 0)
                look = {"color": colours, "edgecolor": ink(theme), "linewidth": 0.4}
                axes.bar3d(*place, 0.6, 0.6, np.abs(heights[shown]), **look)
            texts = [f"{k:0{n}b}" for k in range(size)]
            step = max(1, size // 8)
            axes.set_xticks(range(0, size, step), texts[::step], rotation=35 if n > 2 else 0)
            axes.set_yticks(range(0, size, step), texts[::step], rotation=-20 if n > 2 else 0)
            axes.set(title=name, xlabel="row", ylabel="column", xlim=(-0.5, size - 0.5), ylim=(-0.5, size - 0.5))
            axes.xaxis.labelpad = axes.yaxis.labelpad = 2.0 * n
            axes.set_zlim(lowest, max(0.1, float(np.abs(rho).max())))
        return made


def bloch(state: Any, theme: str = "light") -> Figure:
    """A Bloch sphere for each qubit, with the vector of its reduced state, and the Matplotlib figure.

    A vector of length 1 reaches the sphere; the length r, written above, falls with the entropy of the qubit, to 0
    where it is maximally mixed. ``state`` is as in ``city``, of at most 12 qubits; raises as that."""
    given, n = _read(state, MOST_BLOCH)
    vectors = [bloch_vector(given, n, qubit) for qubit in range(n)]
    columns = min(n, 4)
    rows = -(-n // columns)
    with drawing(theme):
        made = figure(1.9 * max(columns, 2), 2.2 * rows)
        for qubit, vector in enumerate(vectors):
            axes = made.add_subplot(rows, columns, qubit + 1, projection="3d")
            _draw_sphere(axes, theme)
            x, y, z = vector
            length = math.sqrt(x * x + y * y + z * z)
            axes.plot((0, x), (0, y), (0, z), color=COLOURS[4], linewidth=2.2, label="vector")
            axes.scatter((x,), (y,), (z,), color=COLOURS[4], s=22, depthshade=False)
            for text, place in (("|0⟩", (0, 0, 1.25)), ("|1⟩", (0, 0, -1.35)), ("x", (1.3, 0, 0)), ("y", (0, 1.3, 0))):
                axes.text(*place, text, ha="center", va="center", fontsize=8)
            axes.set_title(f"qubit {qubit}, r = {length:.2f}", loc="center", pad=1)
        return made


def bloch_vector(state: Array, n: int, qubit: int) -> tuple[float, float, float]:
    """<X>, <Y> and <Z> of one qubit of a state vector or a density matrix."""
    import numpy as np

    shape = (2**qubit, 2, 2 ** (n - qubit - 1))
    if state.ndim == 1:
        reduced = np.einsum("aib,ajb->ij", state.reshape(shape), state.reshape(shape).conj())
    else:
        reduced = np.einsum("aibajb->ij", state.reshape(shape * 2))
    x, y = 2 * reduced[0, 1].real, -2 * reduced[0, 1].imag
    return float(x), float(y), float((reduced[0, 0] - reduced[1, 1]).real)


def qsphere(state: Any, theme: str = "light") -> Figure:
    """The amplitudes of a state vector as points on a sphere, and the Matplotlib figure.

    |0...0> is at the top and |1...1> at the bottom, between them are circles of bitstrings with equally many ones. The
    area of a point is its probability, its colour the phase, counted from that of the largest amplitude (the first of
    several). ``state`` is a state vector of at most 7 qubits; raises as ``city``."""
    import numpy as np

    vector, n = _read(state, MOST_QSPHERE)
    if vector.ndim != 1:
        raise wrong("state", "must be a state vector, as only that has phases", "draw a density matrix with city")
    chances = np.abs(vector) ** 2
    largest = vector[int(np.argmax(chances > chances.max() - TOLERANCE))]  # the first of those that are as large
    phases = np.angle(vector * np.conj(largest)) % (2 * np.pi)
    colours = load().colors.LinearSegmentedColormap.from_list("phases", PHASES)
    with drawing(theme):
        made = figure(4.6, 3.9)
        axes = made.add_subplot(projection="3d")
        _draw_sphere(axes, theme, circles=False)
        for weight in range(n + 1):
            same = [k for k in range(2**n) if k.bit_count() == weight]
            height = 1 - 2 * weight / n
            radius = math.sqrt(max(0.0, 1 - height * height))
            turn = np.linspace(0, 2 * np.pi, 60)
            axes.plot(radius * np.cos(turn), radius * np.sin(turn), height, color=ink(theme, PALE), linewidth=0.6)
            for at, k in enumerate(same):
                if chances[k] < TOLERANCE:
                    continue
                angle = 2 * np.pi * at / len(same)
                place = np.array([radius * math.cos(angle), radius * math.sin(angle), height])
                shade = colours(phases[k] / (2 * np.pi))
                axes.plot(*zip((0, 0, 0), place, strict=True), color=shade, linewidth=1.2)
                axes.scatter(
                    *place[:, None], s=20 + 380 * chances[k], color=[shade], depthshade=False, label=f"{k:0{n}b}"
                )
                lift = np.array([0, 0, -0.22 if weight == n else 0.16])
                axes.text(*(place * 1.15 + lift), f"|{k:0{n}b}⟩", ha="center", va="center", fontsize=8)
        _draw_wheel(made, colours)
        return made


def _draw_wheel(made: Any, colours: Any) -> None:
    """The colours of the phases."""
    import numpy as np

    wheel = made.add_axes((0.8, 0.04, 0.15, 0.18), projection="polar", label="phase")
    turn = np.linspace(0, 2 * np.pi, 91)
    wheel.pcolormesh(turn, (0.55, 1.0), ((turn[:-1] + turn[1:]) / (4 * np.pi))[None], cmap=colours, rasterized=True)
    wheel.set_xticks((0, np.pi / 2, np.pi, 3 * np.pi / 2), ("0", "π/2", "π", "3π/2"), fontsize=7)
    wheel.set_yticks(())
    wheel.tick_params(pad=-3)
    wheel.spines["polar"].set_visible(False)
    wheel.grid(False)
    wheel.set_title("phase", fontsize=8, loc="center", pad=3)


def _draw_sphere(axes: Any, theme: str, circles: bool = True) -> None:
    import numpy as np

    turn, pale = np.linspace(0, 2 * np.pi, 61), ink(theme, PALE)
    sin, cos, none = np.sin(turn), np.cos(turn), np.zeros(61)
    lon, lat = np.meshgrid(turn[::3], turn[:31:3])
    axes.plot_surface(np.cos(lon) * np.sin(lat), np.sin(lon) * np.sin(lat), np.cos(lat), color=pale, alpha=0.12)
    for line in ((cos, sin, none), (cos, none, sin), (none, cos, sin)) if circles else ():
        axes.plot(*line, color=pale, linewidth=0.7)
    axes.set(xlim=(-0.85, 0.85), ylim=(-0.85, 0.85), zlim=(-0.85, 0.85))
    axes.set_box_aspect((1, 1, 1))
    axes.set_axis_off()
    axes.view_init(elev=18, azim=35)


def _read(state: Any, most: int) -> tuple[Array, int]:
    """A state vector or a density matrix, and its number of qubits. Raises INVALID_PARAMS for anything else."""
    import numpy as np

    fix = "give a state vector, such as qmk.state(program), or a density matrix"
    try:
        found = np.asarray(state, dtype=np.complex128)
    except Exception:  # a caller's own class may raise anything
        raise wrong("state", "must be an array of numbers", fix) from None
    n = (found.shape[0].bit_length() - 1) if found.ndim in (1, 2) else 0
    if n < 1 or found.shape != (2**n,) * found.ndim:
        raise wrong("state", f"has the shape {str(found.shape)[:60]}, not (2^n,) or (2^n, 2^n) of some qubits", fix)
    if n > most:
        raise wrong("state", f"has {n} qubits; at most {most} are drawn", "draw the reduced state of a few qubits")
    if not np.isfinite(found).all():
        raise wrong("state", "is not finite", fix)
    norm = float(np.linalg.norm(found)) ** 2 if found.ndim == 1 else float(np.trace(found).real)
    if abs(norm - 1) > TOLERANCE:
        what = "squared amplitudes that add up to" if found.ndim == 1 else "a trace of"
        raise wrong("state", f"has {what} {norm:.4g}, not 1", "divide it by its norm")
    if found.ndim == 2:
        if not np.allclose(found, found.conj().T, rtol=0, atol=TOLERANCE):
            raise wrong("state", "is not Hermitian", "give a density matrix")
        if float(np.linalg.eigvalsh(found)[0]) < -TOLERANCE:
            raise wrong("state", "has a negative eigenvalue", "give a density matrix")
    return found, n
