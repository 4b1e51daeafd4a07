"""Plots as inline SVG: stacked bars, and points on two logarithmic axes. Text is escaped; nothing is fetched."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

COLOURS = ("#3565a8", "#d98032", "#4d9a58", "#a3487a", "#7a6bb5", "#8a8a3a", "#4a9aa5", "#b0483c")
WIDTH = 640
_DAY = 86_400e9
_ROUND_TIMES = [
    *(step * 10.0**power for power in range(11) for step in (1.0, 2.0, 5.0) if step * 10.0**power < 60e9),
    *(minutes * 60e9 for minutes in (1, 2, 5, 10, 20, 30)),
    *(hours * 3600e9 for hours in (1, 2, 3, 6, 12, 18)),
    *(days * _DAY for days in (1, 1.5, 2, 3, 4, 5, 7, 10, 20, 50, 100, 200)),
    *(years * 365 * _DAY for years in (1, 2, 3, 5)),
    *(10.0**power * 365 * _DAY for power in range(1, 12)),
]
_TIME_UNITS = (1.0, 1e3, 1e6, 1e9, 60e9, 3600e9, _DAY, 365 * _DAY)


class Part(NamedTuple):
    label: str
    value: float
    text: str


class Dot(NamedTuple):
    x: float
    y: float
    series: str
    text: str


def bar(parts: Sequence[Part], title: str) -> str:
    """One bar, a part for each share, with a legend below."""
    total = sum(part.value for part in parts) or 1.0
    out = [_open(WIDTH, 46 + 20 * len(parts), title)]
    x = 0.0
    for part, colour in zip(parts, COLOURS, strict=False):
        width = WIDTH * part.value / total
        out.append(f'<rect x="{x:.1f}" y="4" width="{max(width, 0.5):.1f}" height="26" fill="{colour}"/>')
        x += width
    for index, (part, colour) in enumerate(zip(parts, COLOURS, strict=False)):
        y = 50 + 20 * index
        share = f"{100 * part.value / total:.1f} %"
        out.append(f'<rect x="0" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        out.append(_text(20, y, part.label) + _text(350, y, part.text, "end") + _text(420, y, share, "end"))
    return "".join([*out, "</svg>"])


def scatter(
    dots: Sequence[Dot],
    title: str,
    names: tuple[str, str],
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
) -> str:
    """Dots on two logarithmic axes, the horizontal one a time in nanoseconds; those of one series are joined in order
    of x. ``names`` of the axes."""
    left, top, right, bottom = 84, 14, WIDTH - 20, 300
    x_at = _scale([dot.x for dot in dots], left + 12, right - 12)
    y_at = _scale([dot.y for dot in dots], bottom - 12, top + 12)
    series = list(dict.fromkeys(dot.series for dot in dots))
    out = [_open(WIDTH, bottom + 50 + 20 * len(series), title)]
    frame = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
    out.append(f'<rect {frame} fill="none" stroke="#999"/>')
    for value in _times([dot.x for dot in dots]):
        x = x_at(value)
        out.append(f'<line x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}" stroke="#999"/>')
        out.append(_text(x, bottom + 18, x_text(value), "middle"))
    for value in _ticks([dot.y for dot in dots]):
        y = y_at(value)
        out.append(f'<line x1="{left - 5}" y1="{y:.1f}" x2="{left}" y2="{y:.1f}" stroke="#999"/>')
        out.append(_text(left - 8, y + 4, y_text(value), "end"))
    out.append(_text((left + right) / 2, bottom + 36, names[0], "middle"))
    middle = (top + bottom) / 2
    out.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(names[1])}</text>'
    )
    for index, name in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        own = sorted((dot for dot in dots if dot.series == name), key=lambda dot: dot.x)
        if len(own) > 1:
            path = " ".join(f"{x_at(dot.x):.1f},{y_at(dot.y):.1f}" for dot in own)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-opacity="0.5"/>')
        for dot in own:
            place = f'cx="{x_at(dot.x):.1f}" cy="{y_at(dot.y):.1f}"'
            out.append(f'<circle {place} r="5" fill="{colour}"><title>{escape(dot.text)}</title></circle>')
        y = bottom + 58 + 20 * index
        out.append(f'<circle cx="{left + 6}" cy="{y - 4}" r="5" fill="{colour}"/>' + _text(left + 18, y, name))
    return "".join([*out, "</svg>"])


def _open(width: int, height: int, title: str) -> str:
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    style = 'font-family="system-ui, sans-serif" font-size="13" fill="#222"'
    name = escape(title)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style} role="img" aria-label="{name}"><title>{name}</title>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Decimal logarithms of the ends, at least a tenth of a decade apart."""
    low, high = math.log10(min(values)), math.log10(max(values))
    pad = max(0.0, (0.1 - (high - low)) / 2)
    return low - pad, high + pad


def _scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    low, high = _span(values)
    return lambda value: start + (end - start) * (math.log10(value) - low) / (high - low)


def _ticks(values: Sequence[float]) -> list[float]:
    """At most six round numbers within the span: powers of ten, or 1, 2 and 5 of each where these are few."""
    low, high = _span(values)
    found: list[float] = []
    for steps in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)):
        found = [
            step * 10.0**decade
            for decade in range(math.floor(low), math.ceil(high) + 1)
            for step in steps
            if low <= math.log10(step * 10.0**decade) <= high
        ]
        if len(found) >= 3:
            break
    return _thin(found) if len(found) > 1 else _even(low, high, 1.0)


def _times(values: Sequence[float]) -> list[float]:
    """At most six round times, in nanoseconds."""
    low, high = _span(values)
    found = [each for each in _ROUND_TIMES if low <= math.log10(each) <= high]
    unit = max((each for each in _TIME_UNITS if math.log10(each) <= low), default=1.0)
    return _thin(found) if len(found) > 1 else _even(low, high, unit)


def _even(low: float, high: float, unit: float) -> list[float]:
    """Three to six numbers of this unit at equal steps of 1, 2 or 5: for a span that holds one round number or none."""
    first, last = 10**low / unit, 10**high / unit
    size = 10.0 ** math.floor(math.log10((last - first) / 5))
    step = next(each * size for each in (1, 2, 5, 10) if each * size >= (last - first) / 5)
    return [index * step * unit for index in range(math.ceil(first / step), math.floor(last / step) + 1)]


def _thin(values: list[float]) -> list[float]:
    return values[:: max(1, math.ceil(len(values) / 6))]
