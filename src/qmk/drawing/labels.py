"""Labels that fit: texts shortened to a width, broken into lines, and put where no other text is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from qmk.drawing.scene import INK, Mark, Text, text_width

CELL = 32.0
"""Pixels of the squares by which boxes near a place are found."""


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two boxes have an inner point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def box_of(mark: Text) -> Box:
    """About where a text stands."""
    width = text_width(mark.text, mark.size)
    left = mark.x - {"start": 0.0, "middle": width / 2, "end": width}[mark.anchor]
    return Box(left, mark.y - 0.75 * mark.size, left + width, mark.y + 0.2 * mark.size)


def fit(mark: Text, width: float, least: int = 1) -> Text | None:
    """The text, shortened to ``width`` pixels where it is longer, with the whole as its title. Its end is kept, which
    tells names apart. None where fewer than ``least`` characters would be left."""
    if text_width(mark.text, mark.size) <= width:
        return mark
    room = int(width / text_width("x", mark.size)) - 1
    if room < least:
        return None
    tail = min(4, room // 3)
    short = mark.text[: room - tail] + "…" + mark.text[len(mark.text) - tail :]
    return mark._replace(text=short, title=mark.title or mark.text)


def paragraph(text: str, x: float, y: float, width: float, size: float = 10.0, fill: str = INK) -> list[Mark]:
    """The text in lines of at most ``width`` pixels, the first one at ``y``."""
    lines = textwrap.wrap(text, max(8, int(width / text_width("x", size))))
    return [Text(x, y + k * (size + 4), line, size=size, fill=fill) for k, line in enumerate(lines)]


class Room:
    """Boxes that are taken."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = {}

    def take(self, box: Box) -> None:
        for cell in _cells(box):
            self._cells.setdefault(cell, []).append(box)

    def is_free(self, box: Box) -> bool:
        return not any(box.meets(other) for cell in _cells(box) for other in self._cells.get(cell, ()))

    def put(self, choices: Iterable[Text]) -> Text | None:
        """The first of the texts that meets nothing, whose place is then taken; None where there is none."""
        for mark in choices:
            box = box_of(mark)
            if self.is_free(box):
                self.take(box)
                return mark
        return None


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    for column in range(int(box.left // CELL), int(box.right // CELL) + 1):
        for row in range(int(box.top // CELL), int(box.bottom // CELL) + 1):
            yield column, row
