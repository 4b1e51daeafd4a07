"""From slots to fields: what light every atom meets at each ns, and the lines between those samples.

Source: the sampler of pulser-core 1.9 and the Hamiltonian of pulser-simulation 1.9 (Apache-2.0). There a coupling is
the complex W e^{-i phase}, at k ns for sample k, 0 after the last one, and a cubic spline (not-a-knot) through it all.
A spline's ns is two lines here, with the spline's ends and area; what it does beyond that is over before any atom
notices. Where channels of one kind light an atom together, Pulser adds their amplitudes and their phases, each for
itself, and so it is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from qmk.base.limits import check
from qmk.frontends.pulser.channel import Pulse
from qmk.frontends.pulser.timeline import Line, Timeline
from qmk.frontends.pulser.waveforms import Array
from qmk.models.atoms import Field
from qmk.qvm.families.analog import LARGEST
from qmk.sdk.frontend import Refused

Between = Literal["spline", "hold"]

RINGING = 64
"""After this many samples a spline has forgotten a jump: 0.268 to this power is 1e-37."""

LEVEL = 1e-12
"""A change of slope smaller than this, relative to the largest sample, counts as none."""

TRUE = 1e-9
"""How far lines may miss the samples that they leave out, relatively."""


@dataclass
class Light:
    """Samples of one source on ``atoms``, None for all alike. ``weights``: of the detuning, for a detuning map."""

    basis: str
    amplitude: Array
    detuning: Array
    phase: Array
    atoms: frozenset[int] | None = None
    weights: list[float] | None = None

    @property
    def is_dark(self) -> bool:
        return not (self.amplitude.any() or self.detuning.any())


def lights(lines: Timeline, duration: int) -> list[Light]:
    """Everything that shines for ``duration`` ns, and one sample more."""
    lit = {
        qubit for line in lines.values() if not line.channel.is_global for slot in line.slots for qubit in slot.targets
    }
    check("pulse_samples", (duration + 1) * (len(lines) + len(lit)), "the channels and the atoms lit one by one")
    whole: dict[str, Light] = {}
    single: dict[tuple[str, int], Light] = {}
    maps: list[Light] = []
    for line in lines.values():
        basis = line.channel.spec.basis
        amplitude, detuning, phase = _line(line, duration + 1)
        if line.weights is not None:
            maps.append(Light(basis, np.zeros(0), _in_pulses(line, detuning), phase, weights=line.weights))
        elif line.channel.is_global:
            if basis not in whole:
                whole[basis] = _dark(basis, duration + 1, None)
            _add(whole[basis], amplitude, detuning, phase, slice(None))
        else:
            for start, end, targets in _times(line):
                for qubit in targets:
                    if (basis, qubit) not in single:
                        single[basis, qubit] = _dark(basis, duration + 1, frozenset((qubit,)))
                    _add(single[basis, qubit], amplitude, detuning, phase, slice(start, end))
    return [light for light in (*whole.values(), *_group(single), *maps) if not light.is_dark]


def _dark(basis: str, length: int, atoms: frozenset[int] | None) -> Light:
    return Light(basis, np.zeros(length), np.zeros(length), np.zeros(length), atoms)


def _add(light: Light, amplitude: Array, detuning: Array, phase: Array, times: slice) -> None:
    light.amplitude[times] += amplitude[times]
    light.detuning[times] += detuning[times]
    light.phase[times] += phase[times]


def _group(single: dict[tuple[str, int], Light]) -> Iterator[Light]:
    """Atoms that meet the same light are lit together."""
    groups: dict[tuple[str, bytes, bytes, bytes], Light] = {}
    for (basis, _), light in single.items():
        key = basis, light.amplitude.tobytes(), light.detuning.tobytes(), light.phase.tobytes()
        group = groups.setdefault(key, light)
        group.atoms = (group.atoms or frozenset()) | (light.atoms or frozenset())
    yield from groups.values()


def _times(line: Line) -> Iterator[tuple[int, int, frozenset[int]]]:
    """When a channel's light is on its targets: from a pulse's start until it has fallen, or the next one begins."""
    played = [slot for slot in line.slots if isinstance(slot.what, Pulse)]
    for k, slot in enumerate(played):
        assert isinstance(slot.what, Pulse)
        fall = line.channel.fall(slot.what, line.was_in_eom(slot))
        if k + 1 < len(played):
            fall = min(fall, played[k + 1].start - slot.end)
        yield slot.start, slot.end + fall, slot.targets


def _in_pulses(line: Line, detuning: Array) -> Array:
    """A detuning map's light, where it has pulses."""
    found = np.zeros_like(detuning)
    for start, end, _ in _times(line):
        found[start:end] = detuning[start:end]
    return found


def _line(line: Line, length: int) -> tuple[Array, Array, Array]:
    """Amplitude, detuning and phase of a channel. A phase is there one phase jump before its pulse, if there is time,
    and until the next; delays at a detuning have none."""
    amplitude, detuning, phase = (np.zeros(length) for _ in range(3))
    before: int | None = None
    for slot in line.slots:
        if not isinstance(slot.what, Pulse):
            continue
        amplitude[slot.start : slot.end] += slot.what.amplitude.samples
        detuning[slot.start : slot.end] += slot.what.detuning.samples
        if slot.what.is_detuned_delay:
            continue
        phase[0 if before is None else max(slot.start - line.channel.phase_jump, before) :] = slot.what.phase
        before = slot.end
    if line.in_eom:
        detuning[line.end :] = line.blocks[-1].detuning_off
    return amplitude, detuning, phase


# -- lines between samples -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """An amplitude (rad/us) at one phase, and a detuning; None where there is none."""

    amplitude: Field | None
    phase: float
    detuning: Field | None


def shapes(light: Light, between: Between) -> Iterator[Shape]:
    """One, or two where the phase changes: the coupling's parts along the first phase and a quarter turn from it."""
    on = light.amplitude != 0 if light.amplitude.size else np.zeros(0, dtype=bool)
    detuning = field(light.detuning, between) if light.detuning.any() else None
    phases = np.unique(light.phase[on])
    if len(phases) < 2:
        amplitude = field(light.amplitude, between) if len(phases) else None
        yield Shape(amplitude, float(phases[0]) if len(phases) else 0.0, detuning)
        return
    first = float(light.phase[int(np.argmax(on))])
    turned = light.phase - first
    real, imaginary = light.amplitude * np.cos(turned), light.amplitude * np.sin(turned)
    yield Shape(field(real, between), first, detuning)
    if float(np.abs(imaginary).max()) > LEVEL * float(light.amplitude.max()):
        yield Shape(field(imaginary, between), first + np.pi / 2, None)


def field(samples: Array, between: Between) -> Field:
    """``samples``, one a ns and one more, as a field in us with as few knots as do."""
    times, values = _hold(samples) if between == "hold" else _spline(samples)
    highest = float(np.abs(values).max())
    if highest > LARGEST:
        raise Refused("PULSER-03", f"light of {highest:g} rad/us, a spline's bends included")
    kept = _bends(times, values)
    check("field_knots", int(kept.sum()), "a waveform")
    return Field(tuple((times[kept] / 1000).tolist()), tuple(values[kept].tolist()))


def _hold(samples: Array) -> tuple[Array, Array]:
    """Every sample for its ns."""
    steps = np.arange(len(samples), dtype=float)
    return np.repeat(steps, 2)[1:-1], np.repeat(samples[:-1], 2)


def _spline(samples: Array) -> tuple[Array, Array]:
    """The spline's values at every ns and, between, those that give two lines its area."""
    if len(samples) < 5:
        raise Refused("PULSER-11", f"{len(samples) - 1} ns are too few for a spline")
    bend = curvature(samples)
    middle = 0.5 * (samples[:-1] + samples[1:]) - (bend[:-1] + bend[1:]) / 12
    values = np.empty(2 * len(samples) - 1)
    values[::2], values[1::2] = samples, middle
    return np.arange(len(values)) / 2, values


def curvature(samples: Array) -> Array:
    """Second derivatives of the cubic spline through equally spaced samples, four at least, whose third derivative does
    not jump at the second and the last but one.

    m[k-1] + 4 m[k] + m[k+1] = 6 (y[k-1] - 2 y[k] + y[k+1]); its Green's function falls by ``root`` each sample.
    """
    root = np.sqrt(3.0) - 2
    right = np.zeros(len(samples))
    right[1:-1] = 6 * np.diff(samples, 2)
    reach = min(RINGING, len(samples))
    green = np.asarray(root ** np.abs(np.arange(-reach, reach + 1)), dtype=np.float64) / (2 * np.sqrt(3.0))
    found = np.asarray(np.convolve(right, green)[reach : reach + len(samples)], dtype=np.float64)
    falling = np.asarray(root ** np.minimum(np.arange(len(samples)), 4 * RINGING), dtype=np.float64)
    rising = falling[::-1]
    ends = [[_third(part[:3]) for part in (falling, rising)], [_third(part[-3:]) for part in (falling, rising)]]
    first, last = np.linalg.solve(np.array(ends), -np.array([_third(found[:3]), _third(found[-3:])]))
    return found + first * falling + last * rising


def _third(three: Array) -> float:
    return float(three[0] - 2 * three[1] + three[2])


def _bends(times: Array, values: Array) -> npt.NDArray[np.bool_]:
    """Knots that lines need: those at a jump, and those where the slope changes."""
    scale = float(np.abs(values).max())
    kept = np.ones(len(times), dtype=bool)
    before, after = times[1:-1] - times[:-2], times[2:] - times[1:-1]
    span = np.where(before + after > 0, before + after, 1.0)
    on_line = (values[:-2] * after + values[2:] * before) / span
    kept[1:-1] = (before == 0) | (after == 0) | (np.abs(values[1:-1] - on_line) > LEVEL * scale)
    flat = (before == 0) & (values[1:-1] == values[:-2]) | (after == 0) & (values[1:-1] == values[2:])
    kept[1:-1] &= ~flat
    missed = np.abs(np.interp(times, times[kept], values[kept]) - values)[~kept]
    return kept if not missed.size or float(missed.max()) <= TRUE * scale else np.ones(len(times), dtype=bool)
