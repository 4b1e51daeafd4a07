"""Waveforms as samples of 1 ns, with Pulser's formulas: sample k is the value at k ns.

Source: waveforms of pulser-core 1.9 (Apache-2.0). Windows are normalised so that their samples sum to the area.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.base.limits import check
from qmk.frontends.pulser import schema
from qmk.frontends.pulser.values import DEEPEST, Values
from qmk.sdk.frontend import Refused

Array = npt.NDArray[np.float64]

SEARCH_SAMPLES = 1 << 24
"""Most samples that the search for the duration of one window may look at."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """``samples``: one a ns. ``stretched`` makes it again for another duration, None where Pulser cannot.
    ``slope``: per ns, of a constant (0) or a ramp."""

    samples: Array
    stretched: Callable[[int], Waveform] | None = None
    slope: float | None = None
    is_constant: bool = False

    @property
    def duration(self) -> int:
        return len(self.samples)

    def truncate(self, duration: int) -> Waveform:
        if self.is_constant:
            return constant(duration, float(self.samples[0]))
        return Waveform(self.samples[:duration])


def constant(duration: int, value: float) -> Waveform:
    return Waveform(np.full(duration, value), lambda n: constant(n, value), 0.0, True)


def ramp(duration: int, start: float, stop: float) -> Waveform:
    if duration == 1:
        if start != stop:
            raise Refused("PULSER-07", "a ramp of 1 ns has no way to go")
        return Waveform(np.full(1, start), lambda n: ramp(n, start, stop), 0.0)
    slope = (stop - start) / (duration - 1)
    line = np.clip(slope * np.arange(duration, dtype=float) + start, min(start, stop), max(start, stop))
    return Waveform(line, lambda n: ramp(n, start, stop), slope)


def _window(shape: Callable[[int], Array], duration: int, area: float) -> Waveform:
    norm = np.clip(shape(duration), 0.0, np.inf)
    total = float(norm.sum())
    if not 0 < total < np.inf:
        raise Refused("PULSER-07", f"a window of {duration} ns has no area")
    return Waveform(norm * (area / total * 1e3), lambda n: _window(shape, n, area))


def blackman(duration: int, area: float) -> Waveform:
    return _window(np.blackman, duration, area)


def kaiser(duration: int, area: float, beta: float) -> Waveform:
    if beta < 0:
        raise Refused("PULSER-07", f"beta of a Kaiser window is {beta:g}, below 0")
    return _window(lambda n: np.kaiser(n, beta), duration, area)


class _Search:
    """Windows of one area while their duration is sought: their number is bounded."""

    def __init__(self, shape: Callable[[int], Array], area: float) -> None:
        self.shape, self.area, self.seen = shape, area, 0

    def heights(self, duration: int) -> tuple[float, float]:
        """What the window is scaled by, and its highest sample; infinite where it has no area."""
        self.seen += duration
        if self.seen > SEARCH_SAMPLES:
            raise Refused("PULSER-07", "no duration was found for the window in time", "give its duration")
        norm = np.clip(self.shape(duration), 0.0, np.inf)
        total = float(norm.sum())
        if not 0 < total < np.inf:
            return np.inf, np.inf
        scale = 1e3 * self.area / total
        return scale, float(norm.max()) * scale


def _signs(most: float, area: float) -> tuple[float, float, float]:
    if np.sign(most) != np.sign(area) or area == 0:
        raise Refused("PULSER-07", f"max_val {most:g} and area {area:g} are not of one sign")
    return abs(most), abs(area), float(np.sign(area))


def blackman_max(most: float, area: float) -> Waveform:
    """The shortest window of this area that stays below ``most``; an even duration may come closer to it."""
    most, size, sign = _signs(most, area)
    search = _Search(np.blackman, size)
    duration = int(np.ceil(size / (0.42 * most) * 1e3))
    scale, height = search.heights(duration)
    before: tuple[int, float] | None = None
    while scale > most:
        before = duration, height
        duration += 1
        scale, height = search.heights(duration)
    if before is not None and duration % 2 == 1 and height < before[1] <= most:
        duration = before[0]
    return blackman(duration, sign * size)


def kaiser_max(most: float, area: float, beta: float) -> Waveform:
    """The window of this area that comes closest to ``most`` from below."""
    most, size, sign = _signs(most, area)
    if beta < 0:
        raise Refused("PULSER-07", f"beta of a Kaiser window is {beta:g}, below 0")
    search = _Search(lambda n: np.kaiser(n, beta), size)
    filled = most * float(np.kaiser(100, beta).sum()) / 100
    if not 0 < filled < np.inf or size * 1e3 / filled > SEARCH_SAMPLES:
        raise Refused("PULSER-07", "no duration was found for the window in time", "give its duration")
    guess = int(size * 1e3 / filled)
    if guess < 11:
        heights = {n: search.heights(n)[1] for n in range(1, 16)}
        below = [n for n, height in heights.items() if height <= most]
        if not below:
            raise Refused("PULSER-07", f"no window of area {area:g} stays below {most:g}")
        return kaiser(max(below, key=lambda n: (heights[n], -n)), sign * size, beta)
    step = 1 if search.heights(guess)[1] >= most else -1
    duration = guess
    while np.sign(search.heights(duration)[1] - most) == step:
        duration += step
    return kaiser(duration if step == 1 else duration + 1, sign * size, beta)


def pchip(x: Array, y: Array, at: Array) -> Array:
    """The monotone cubic of Fritsch and Butland through (x, y), continued beyond its ends, as SciPy's
    PchipInterpolator has it. ``x`` rises; two points at least."""
    h = np.diff(x)
    slope = np.diff(y) / h
    if len(x) == 2:
        d = np.array([slope[0], slope[0]])
    else:
        d = np.zeros(len(x))
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        same = slope[1:] * slope[:-1] > 0
        d[1:-1][same] = (w1 + w2)[same] / (w1[same] / slope[:-1][same] + w2[same] / slope[1:][same])
        d[0] = _end_slope(h[0], h[1], slope[0], slope[1])
        d[-1] = _end_slope(h[-1], h[-2], slope[-1], slope[-2])
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(h) - 1)
    s = at - x[k]
    c2 = (3 * slope[k] - 2 * d[k] - d[k + 1]) / h[k]
    c3 = (d[k] + d[k + 1] - 2 * slope[k]) / h[k] ** 2
    return y[k] + s * (d[k] + s * (c2 + s * c3))


def _end_slope(h0: float, h1: float, m0: float, m1: float) -> float:
    found = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    if np.sign(found) != np.sign(m0):
        return 0.0
    return 3 * m0 if np.sign(m0) != np.sign(m1) and abs(found) > 3 * abs(m0) else found


def interpolate(duration: int, values: list[float], times: list[float]) -> Waveform:
    """``times`` are parts of the time to the last sample."""
    if len(values) != len(times) or len(values) < 2:
        raise Refused("PULSER-07", f"{len(values)} values at {len(times)} times are not interpolated")
    x, y = np.array(times) * (duration - 1), np.array(values)
    if min(times) < 0 or max(times) > 1 or not bool(np.all(np.diff(x) > 0)):
        raise Refused("PULSER-07", "the times of an interpolated waveform rise from 0 to 1 at most")
    samples = np.clip(pchip(x, y, np.arange(duration, dtype=float)), y.min(), y.max())
    return Waveform(samples, lambda n: interpolate(n, values, times))


class Maker:
    """Waveforms of a sequence; all their samples together are bounded."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._samples = 0

    def length(self, given: schema.Number) -> int:
        found = self.values.duration(given, "a duration")
        if found < 1:
            raise Refused("PULSER-03", f"a duration is {found} ns")
        self.count(found)
        return found

    def count(self, samples: int) -> None:
        self._samples += samples
        check("pulse_samples", self._samples, "waveforms")

    def make(self, spec: schema.WaveformSpec, depth: int = 0) -> Waveform:
        """Raises ``Refused``, and QUOTA_EXCEEDED for ``LIMITS.pulse_samples``."""
        with np.errstate(all="ignore"):
            made = self._composite(spec, depth) if isinstance(spec, schema.Composite) else self._plain(spec)
        if not bool(np.isfinite(made.samples).all()):
            raise Refused("PULSER-07", "its samples are not finite")
        return made

    def _composite(self, spec: schema.Composite, depth: int) -> Waveform:
        if depth > DEEPEST:
            raise Refused("PULSER-07", f"composite waveforms are nested more than {DEEPEST} deep")
        if len(spec.waveforms) < 2:
            raise Refused("PULSER-07", "a composite waveform has two parts or more")
        return Waveform(np.concatenate([self.make(part, depth + 1).samples for part in spec.waveforms]))

    def _plain(self, spec: schema.WaveformSpec) -> Waveform:
        number, numbers = self.values.number, self.values.numbers
        match spec:
            case schema.Constant():
                return constant(self.length(spec.duration), number(spec.value, "value"))
            case schema.Ramp():
                return ramp(self.length(spec.duration), number(spec.start, "start"), number(spec.stop, "stop"))
            case schema.Blackman():
                return blackman(self.length(spec.duration), number(spec.area, "area"))
            case schema.Kaiser():
                return kaiser(self.length(spec.duration), number(spec.area, "area"), number(spec.beta, "beta"))
            case schema.Interpolated():
                values, times = numbers(spec.values, "values"), numbers(spec.times, "times")
                return interpolate(self.length(spec.duration), values, times)
            case schema.Custom():
                samples = numbers(spec.samples, "samples")
                if not samples:
                    raise Refused("PULSER-07", "a custom waveform has no samples")
                self.count(len(samples))
                return Waveform(np.array(samples))
            case schema.BlackmanMax():
                made = blackman_max(number(spec.max_val, "max_val"), number(spec.area, "area"))
            case schema.KaiserMax():
                most, area = number(spec.max_val, "max_val"), number(spec.area, "area")
                made = kaiser_max(most, area, number(spec.beta, "beta"))
            case _:
                raise AssertionError(spec)
        self.count(made.duration)
        return made
