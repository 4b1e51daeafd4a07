"""Pictures of ``qmk draw``: written as SVG by us, as PNG by Matplotlib."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.cli import output
from qmk.cli.failure import call_error

if TYPE_CHECKING:
    from qmk.models.atoms.drawing.scene import Mark, Scene

DPI = 110.0


def write(scene: Scene, path: str) -> None:
    """Raises INVALID_PARAMS for a file that is neither, or cannot be written; UNSUPPORTED without Matplotlib."""
    from qmk.models.atoms.drawing import svg

    suffix = Path(path).suffix
    if suffix not in (".svg", ".png"):
        raise call_error(f"'{path}': a picture is an SVG or a PNG", help="end the name in .svg or .png")
    output.write_file(path, svg(scene) if suffix == ".svg" else _png(scene))


def _png(scene: Scene) -> bytes:
    try:
        import matplotlib as mpl
    except ImportError as error:
        fix = "pip install 'quantum-microkernel[plot]', or draw an SVG"
        raise QmkError("UNSUPPORTED", "a PNG needs Matplotlib", help=fix) from error
    mpl.use("agg")
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(scene.width / DPI, scene.height / DPI), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.set_axis_off()
    for order, mark in enumerate(scene.marks):
        _add(axes, mark, order)
    made = io.BytesIO()
    figure.savefig(made, dpi=DPI)
    return made.getvalue()


def _add(axes: Any, mark: Mark, order: int) -> None:
    from matplotlib import patches

    from qmk.models.atoms.drawing.scene import Circle, Line, Rect, head

    points = 72 / DPI
    under: dict[str, Any] = {"zorder": order}
    style: dict[str, Any]
    match mark:
        case Rect():
            style = {"facecolor": mark.fill, "edgecolor": mark.stroke or "none", "linewidth": points, **under}
            axes.add_patch(patches.Rectangle((mark.x, mark.y), mark.width, mark.height, **style))
        case Circle():
            style = {"facecolor": mark.fill or "none", "edgecolor": mark.stroke or "none", "linewidth": points, **under}
            dash = "--" if mark.dashed else "-"
            axes.add_patch(patches.Circle((mark.x, mark.y), mark.radius, linestyle=dash, **style))
        case Line():
            axes.plot(
                (mark.x, mark.to_x), (mark.y, mark.to_y), color=mark.stroke, linewidth=mark.width * points, **under
            )
            if mark.arrow:
                axes.add_patch(patches.Polygon(head(mark), color=mark.stroke, zorder=order))
        case _:
            weight = "bold" if mark.bold else "normal"
            align = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
            size = mark.size * points
            style = {"ha": align, "va": "baseline", "fontsize": size, "color": mark.fill, "weight": weight, **under}
            axes.text(mark.x, mark.y, mark.text, **style)
