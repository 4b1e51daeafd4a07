"""A picture as a list of marks, and as SVG. Lengths are in pixels, y downwards. Text is escaped, nothing is fetched."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

INK, PALE, PAPER = "#222222", "#b9b9b2", "#ffffff"
DARK = {INK: "#e6e6e1", PALE: "#5c5c58", PAPER: "#16181c"}
"""What stands for the three colours on a page that is dark; every other colour has to be good on both."""


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
    title: str = ""


class Circle(NamedTuple):
    x: float
    y: float
    radius: float
    fill: str = ""
    stroke: str = ""
    dashed: bool = False
    title: str = ""


class Text(NamedTuple):
    """``title``: the whole of a text that was shortened."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: float = 11.0
    bold: bool = False
    fill: str = INK
    title: str = ""


class Path(NamedTuple):
    """Straight lines through points, dashed if so wished; with ``fill`` the area that they enclose, too."""

    points: tuple[tuple[float, float], ...]
    stroke: str = INK
    width: float = 1.0
    dashed: bool = False


class Polygon(NamedTuple):
    """A filled shape with straight sides."""

    points: tuple[tuple[float, float], ...]
    fill: str
    stroke: str = ""
    title: str = ""


Mark = Rect | Line | Circle | Text | Path | Polygon


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
    if isinstance(mark, Path | Polygon):
        return mark._replace(points=tuple((px + x, py + y) for px, py in mark.points))
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


_NAMES = {INK: "ink", PALE: "pale", PAPER: "paper"}
_VARIABLES = {colour: f"var(--{name})" for colour, name in _NAMES.items()}


def svg(scene: Scene) -> str:
    """A whole SVG document, in the colours of a light or a dark page. What marks have in common stands in classes. They
    are named by what they say, so that several pictures may stand on one page."""
    box = f'width="{scene.width:.0f}" height="{scene.height:.0f}" viewBox="0 0 {scene.width:.0f} {scene.height:.0f}"'
    name = escape(scene.title)
    looks = _Looks()
    marks = [_svg(mark, looks) for mark in scene.marks]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="system-ui, sans-serif" role="img" '
        f'aria-label="{name}"><title>{name}</title>',
        looks.style(),
        f'<rect width="{scene.width:.0f}" height="{scene.height:.0f}" fill="{_paint(PAPER)}"/>',
        *marks,
        "</svg>\n",
    ]
    return "\n".join(parts)


class _Looks:
    """The classes of a picture."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, fill: str = "none", stroke: str = "", more: str = "") -> str:
        """The class attribute of what looks like this."""
        look = f"fill:{_paint(fill)}" + (f";stroke:{_paint(stroke)}" if stroke else "") + more
        found = self._names.get(look)
        if found is None:
            found = self._names[look] = f'class="q{zlib.crc32(look.encode()) % 46656:x}"'
        return found

    def style(self) -> str:
        """The three colours by light and dark of the page, and the classes."""
        light = ";".join(f"--{name}:{colour}" for colour, name in _NAMES.items())
        dark = ";".join(f"--{name}:{DARK[colour]}" for colour, name in _NAMES.items())
        rules = "".join(f".{name[7:-1]}{{{look}}}" for look, name in self._names.items())
        return f"<style>svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}{rules}</style>"


def _paint(colour: str) -> str:
    return _VARIABLES.get(colour, colour)


def head(line: Line, size: float = 5.0) -> tuple[tuple[float, float], ...]:
    """Corners of an arrow's head."""
    dx, dy = line.to_x - line.x, line.to_y - line.y
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    dx, dy = dx / length * size, dy / length * size
    back = line.to_x - dx, line.to_y - dy
    return (line.to_x, line.to_y), (back[0] - dy / 2, back[1] + dx / 2), (back[0] + dy / 2, back[1] - dx / 2)


def _tip(title: str) -> str:
    return f"<title>{escape(title)}</title>" if title else ""


def _number(value: float) -> str:
    """A length with a digit behind the point, if that is not 0: a picture of a thousand gates has ten thousand."""
    return f"{value:.1f}".removesuffix(".0")


def _svg(mark: Mark, looks: _Looks) -> str:
    n = _number
    match mark:
        case Rect():
            size = f'width="{n(max(mark.width, 0))}" height="{n(mark.height)}"'
            shape = f'<rect x="{n(mark.x)}" y="{n(mark.y)}" {size} {looks.name(mark.fill, mark.stroke)}'
            return f"{shape}>{_tip(mark.title)}</rect>" if mark.title else f"{shape}/>"
        case Circle():
            look = looks.name(mark.fill or "none", mark.stroke, _DASHED if mark.dashed else "")
            shape = f'<circle cx="{n(mark.x)}" cy="{n(mark.y)}" r="{n(mark.radius)}" {look}'
            return f"{shape}>{_tip(mark.title)}</circle>" if mark.title else f"{shape}/>"
        case Line():
            ends = f'x1="{n(mark.x)}" y1="{n(mark.y)}" x2="{n(mark.to_x)}" y2="{n(mark.to_y)}"'
            shaft = f"<line {ends} {looks.name('none', mark.stroke, _width(mark.width))}"
            shaft += f">{_tip(mark.title)}</line>" if mark.title else "/>"
            points = " ".join(f"{n(x)},{n(y)}" for x, y in head(mark)) if mark.arrow else ""
            return shaft + (f'<polygon points="{points}" {looks.name(mark.stroke)}/>' if points else "")
        case Path():
            points = " ".join(f"{n(x)},{n(y)}" for x, y in mark.points)
            more = _width(mark.width) + (_DASHED if mark.dashed else "")
            return f'<polyline points="{points}" {looks.name("none", mark.stroke, more)}/>'
        case Polygon():
            points = " ".join(f"{n(x)},{n(y)}" for x, y in mark.points)
            shape = f'<polygon points="{points}" {looks.name(mark.fill, mark.stroke, ";stroke-linejoin:round")}'
            return f"{shape}>{_tip(mark.title)}</polygon>" if mark.title else f"{shape}/>"
        case Text():
            more = f";font-size:{mark.size:g}px" + (";font-weight:bold" if mark.bold else "")
            more += "" if mark.anchor == "start" else f";text-anchor:{mark.anchor}"
            start = f'<text x="{n(mark.x)}" y="{n(mark.y)}" {looks.name(mark.fill, more=more)}>'
            return f"{start}{escape(mark.text)}{_tip(mark.title)}</text>"


_DASHED = ";stroke-dasharray:3 3"


def _width(width: float) -> str:
    return "" if width == 1 else f";stroke-width:{width:g}"
