"""A program of lattice surgery as stretches of time between two events, and its operations in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from qmk.drawing.scene import PALE, Mark, Polygon, Rect, Text, text_width
from qmk.models.qec.surgery.floor import wrong
from qmk.models.qec.surgery.program import Idle, Inject, Measure, Merge, Phase, Prepare, Program, Schedule, Span, Timed

MAX_STRETCHES = 2_000
COLOURS = {"Z": "#2166ac", "X": "#b2182b"}
FILLS = {"Z": "#c6dbef", "X": "#fcc5b8", "XZ": "#d9c7ec", "gate": "#f6dfa4", "idle": "#f7f7f2"}
ON_FILL = "#1b1b1b"
"""Ink of texts on fills, which are pale on every page."""
KETS = {"Z": "|0⟩", "X": "|+⟩"}


class Stretch(NamedTuple):
    """Time without an event. ``now``: what runs, waits included; ``began`` and ``ended``: what takes no time at its
    beginning and at its end, such as preparing and measuring."""

    start: float
    end: float
    now: tuple[Span, ...]
    began: tuple[Span, ...]
    ended: tuple[Span, ...]

    def merges(self) -> Iterator[tuple[Merge, Span]]:
        for span in self.now:
            if isinstance(span.op, Merge) and span.route is not None:
                yield span.op, span

    def patches(self) -> list[str]:
        """The patches that hold a state."""
        return sorted({name for span in self.now for name in span.patches})

    def captions(self) -> list[str]:
        """What happens, in words; waiting is nothing to tell."""
        made = [(f"prepare {{}} in {ket}", _names(self.began, Prepare, basis)) for basis, ket in KETS.items()]
        made += [(f"inject {state} into {{}}", _names(self.began, Inject, state)) for state in ("T", "+", "0")]
        made += [(describe(span), "-") for span in self.now if _begins(span, self.start)]
        made += [(f"measure {{}} in {basis}", _names(self.ended, Measure, basis)) for basis in KETS]
        return [text.format(names) for text, names in made if names]


def stretches(program: Program, spans: Sequence[Span] | None = None) -> list[Stretch]:
    """The stretches of a program, or of a schedule of it. Raises INVALID_PARAMS for more than anybody looks at."""
    rows = tuple(Schedule(program).spans if spans is None else spans)
    events = sorted({span.start for span in rows} | {span.end for span in rows})
    if len(events) > MAX_STRETCHES:
        raise wrong(f"a drawing of {len(events) - 1} panels", f"draw a part of it, of fewer than {MAX_STRETCHES}")
    at_once = [span for span in rows if span.start == span.end]
    found: list[Stretch] = []
    for start, end in pairwise(events):
        now = tuple(span for span in rows if span.start <= start < span.end)
        began = tuple(row for row in at_once if row.start == start and isinstance(row.op, Prepare | Inject))
        ended = tuple(row for row in at_once if row.end == end and isinstance(row.op, Measure))
        found.append(Stretch(start, end, now, began, ended))
    return found


def product_of(merge: Merge) -> str:
    """ "Z", "X", or "XZ" for a product of both."""
    return "".join(sorted(set(merge.paulis.values())))


def describe(span: Span | Timed) -> str:
    """What happens, in words."""
    op, name = span.op, span.patches[0]
    if isinstance(op, Prepare):
        return f"prepare {name} in {'|0>' if op.basis == 'Z' else '|+>'}"
    if isinstance(op, Inject):
        return f"inject {op.state} into {name}"
    if isinstance(op, Merge):
        assert span.route is not None, "merges are routed"
        through = f" over {len(span.route.tiles)} tiles" if span.route.tiles else ""
        return f"measure {' '.join(f'{p}({n})' for n, p in op.paulis.items())} -> {op.key}{through}"
    if isinstance(op, Measure):
        return f"measure {name} in {op.basis} -> {op.key}"
    if isinstance(op, Phase):
        return f"S on {name} where {' + '.join(op.keys)} is odd"
    if isinstance(op, Idle) and op.label:
        return f"{op.label} on {name}"
    return f"{name} idles" if op is not None else f"{name} waits"


def legend(
    x: float, y: float, width: float, entries: Iterable[tuple[str, *tuple[str, ...]]], drawn: Iterable[Mark]
) -> tuple[list[Mark], float]:
    """Boxes of those colours that are drawn, each with its meaning, folded to a width, and the height below them. An
    entry is a meaning and its shades."""
    marks: list[Mark] = []
    fills = {mark.fill for mark in drawn if isinstance(mark, Rect | Polygon)}
    left = x
    for text, *shades in entries:
        colour = next((shade for shade in shades if shade in fills), None)
        if colour is None:
            continue
        wide = 17 + text_width(text, 10) + 14
        if left > x and left + wide > width:
            left, y = x, y + 17
        marks += [Rect(left, y, 12, 12, colour, PALE), Text(left + 17, y + 10, text, size=10)]
        left += wide
    return marks, y + 17


def _begins(span: Span, start: float) -> bool:
    told = isinstance(span.op, Merge | Phase) or (isinstance(span.op, Idle) and span.op.label != "")
    return told and span.start == start


def _names(spans: Sequence[Span], kind: type[Prepare] | type[Inject] | type[Measure], which: str) -> str:
    """The patches to which this is done, of one state or basis."""
    found = [span for span in spans if isinstance(span.op, kind)]
    return ", ".join(s.patches[0] for s in found if which in (getattr(s.op, "basis", ""), getattr(s.op, "state", "")))
