"""Pictures as the bytes of files: SVG and HTML by us, PNG and PDF by Matplotlib."""

from __future__ import annotations

import io
from html import escape
from typing import Any

from qmk.base.errors import QmkError
from qmk.drawing.scene import Circle, Line, Mark, Path, Polygon, Rect, Scene, head, svg
from qmk.drawing.theme import load

DPI = 110.0
FORMATS = ("svg", "html", "png", "pdf")


def render(scene: Scene, format: str) -> bytes:
    """The picture in one of ``FORMATS``; "html" is a page that shows it. Raises INVALID_PARAMS for another format,
    UNSUPPORTED for PNG and PDF without Matplotlib."""
    if format == "svg":
        return svg(scene).encode()
    if format == "html":
        top = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(scene.title)}</title>'
        top += '<meta name="viewport" content="width=device-width">'
        return f'{top}<body style="margin:1em;color-scheme:light dark">{svg(scene)}</body></html>\n'.encode()
    if format not in FORMATS:
        raise QmkError(
            "INVALID_PARAMS",
            f"'{format[:20]}' is not a format of pictures",
            field="format",
            help="a picture is .svg, .html, .png or .pdf",
        )
    return _print(scene, format)


def _print(scene: Scene, format: str) -> bytes:
    load(f"a {format.upper()} needs")
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(scene.width / DPI, scene.height / DPI), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.set_axis_off()
    for order, mark in enumerate(scene.marks):
        _add(axes, mark, order)
    made = io.BytesIO()
    figure.savefig(made, dpi=DPI, format=format)
    return made.getvalue()


def _add(axes: Any, mark: Mark, order: int) -> None:
    from matplotlib import patches

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
        case Path():
            xs, ys = zip(*mark.points, strict=True)
            dash = "--" if mark.dashed else "-"
            axes.plot(xs, ys, color=mark.stroke, linewidth=mark.width * points, linestyle=dash, **under)
        case Polygon():
            style = {"facecolor": mark.fill, "edgecolor": mark.stroke or "none", "linewidth": points, **under}
            axes.add_patch(patches.Polygon(mark.points, joinstyle="round", **style))
        case _:
            weight = "bold" if mark.bold else "normal"
            align = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
            size = mark.size * points
            style = {"ha": align, "va": "baseline", "fontsize": size, "color": mark.fill, "weight": weight, **under}
            axes.text(mark.x, mark.y, mark.text, **style)
