"""A picture as a list of marks, and as SVG. Lengths are in pixels, y downwards. Text is escaped, nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

INK, PALE, PAPER = "#222222", "#b9b9b2", "#ffffff"


class Rect(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str = ""
    title: str = ""


class Line(NamedTuple):
    """``arrow``: with a head at its end."""

    x: float
    y: float
    to_x: float
    to_y: float
    stroke: str = INK
    width: float = 1.0
    arrow: bool = False


class Circle(NamedTuple):
    x: float
    y: float
    radius: float
    fill: str = ""
    stroke: str = ""
    dashed: bool = False
    title: str = ""


class Text(NamedTuple):
    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: float = 11.0
    bold: bool = False
    fill: str = INK


Mark = Rect | Line | Circle | Text


class Scene(NamedTuple):
    """``title`` is what readers of screens hear."""

    width: float
    height: float
    title: str
    marks: tuple[Mark, ...]


def move_mark(mark: Mark, x: float, y: float) -> Mark:
    """The mark further to the right and down."""
    if isinstance(mark, Line):
        return mark._replace(x=mark.x + x, y=mark.y + y, to_x=mark.to_x + x, to_y=mark.to_y + y)
    return mark._replace(x=mark.x + x, y=mark.y + y)


def stack(scenes: Sequence[Scene], gap: float = 16.0) -> Scene:
    """One under the other."""
    marks: list[Mark] = []
    y = 0.0
    for scene in scenes:
        marks += [move_mark(mark, 0.0, y) for mark in scene.marks]
        y += scene.height + gap
    return Scene(max(scene.width for scene in scenes), y - gap, scenes[0].title, tuple(marks))


def text_width(text: str, size: float = 11.0) -> float:
    """About how wide a text is."""
    return 0.62 * size * len(text)


def svg(scene: Scene) -> str:
    """A whole SVG document."""
    box = f'width="{scene.width:.0f}" height="{scene.height:.0f}" viewBox="0 0 {scene.width:.0f} {scene.height:.0f}"'
    name = escape(scene.title)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="system-ui, sans-serif" role="img" '
        f'aria-label="{name}"><title>{name}</title>',
        f'<rect width="{scene.width:.0f}" height="{scene.height:.0f}" fill="{PAPER}"/>',
        *map(_svg, scene.marks),
        "</svg>\n",
    ]
    return "\n".join(parts)


def head(line: Line, size: float = 5.0) -> tuple[tuple[float, float], ...]:
    """Corners of an arrow's head."""
    dx, dy = line.to_x - line.x, line.to_y - line.y
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    dx, dy = dx / length * size, dy / length * size
    back = line.to_x - dx, line.to_y - dy
    return (line.to_x, line.to_y), (back[0] - dy / 2, back[1] + dx / 2), (back[0] + dy / 2, back[1] - dx / 2)


def _tip(title: str) -> str:
    return f"<title>{escape(title)}</title>" if title else ""


def _svg(mark: Mark) -> str:
    match mark:
        case Rect():
            line = f' stroke="{mark.stroke}"' if mark.stroke else ""
            size = f'width="{max(mark.width, 0):.1f}" height="{mark.height:.1f}"'
            return f'<rect x="{mark.x:.1f}" y="{mark.y:.1f}" {size} fill="{mark.fill}"{line}>{_tip(mark.title)}</rect>'
        case Circle():
            line = f' stroke="{mark.stroke}"' if mark.stroke else ""
            dash = ' stroke-dasharray="3 3"' if mark.dashed else ""
            place = f'cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{mark.radius:.1f}"'
            return f'<circle {place} fill="{mark.fill or "none"}"{line}{dash}>{_tip(mark.title)}</circle>'
        case Line():
            ends = f'x1="{mark.x:.1f}" y1="{mark.y:.1f}" x2="{mark.to_x:.1f}" y2="{mark.to_y:.1f}"'
            shaft = f'<line {ends} stroke="{mark.stroke}" stroke-width="{mark.width:g}"/>'
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in head(mark)) if mark.arrow else ""
            return shaft + (f'<polygon points="{points}" fill="{mark.stroke}"/>' if points else "")
        case Text():
            weight = ' font-weight="bold"' if mark.bold else ""
            place = f'x="{mark.x:.1f}" y="{mark.y:.1f}" text-anchor="{mark.anchor}"'
            return f'<text {place} font-size="{mark.size:g}" fill="{mark.fill}"{weight}>{escape(mark.text)}</text>'
