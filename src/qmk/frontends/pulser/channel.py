"""Channels of a device: what durations they take, how long their light needs to fall, and what pulses they refuse.

Source: channels of pulser-core 1.9 (Apache-2.0). All times are in ns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from qmk.frontends.pulser.schema import ChannelSpec, EomSpec
from qmk.frontends.pulser.waveforms import Array, Waveform
from qmk.sdk.frontend import Refused

BANDWIDTH_TO_RISE = 0.48
"""Rise time of the intensity, 10 to 90 per cent, times the bandwidth as Pulser defines it; that of the amplitude is
sqrt(2) longer."""

SETTLED = 1e-2
"""How far settled light may be from what was asked for, in rad/us."""


@dataclass(frozen=True, eq=False)
class Pulse:
    """``phase`` and ``shift``, which follows it, are in [0, 2 pi) but for a phase corrected for a drift."""

    amplitude: Waveform
    detuning: Waveform
    phase: float
    shift: float = 0.0
    falls: dict[bool, int] = field(default_factory=dict[bool, int])

    @property
    def duration(self) -> int:
        return self.amplitude.duration

    @property
    def is_detuned_delay(self) -> bool:
        """No light, at a constant detuning."""
        dark = self.amplitude.is_constant and self.amplitude.samples[0] == 0
        return bool(dark) and self.detuning.is_constant


def pulse(amplitude: Waveform, detuning: Waveform, phase: float, shift: float = 0.0) -> Pulse:
    if amplitude.duration != detuning.duration:
        raise Refused("PULSER-07", f"amplitude of {amplitude.duration} ns, but detuning of {detuning.duration} ns")
    if bool((amplitude.samples < 0).any()):
        raise Refused("PULSER-07", f"an amplitude is {amplitude.samples.min():g} rad/us, below 0")
    return Pulse(amplitude, detuning, phase % (2 * np.pi), shift % (2 * np.pi))


def rise_time(bandwidth: float) -> int:
    return round(BANDWIDTH_TO_RISE / bandwidth * 1e3 * float(np.sqrt(2)))


def modulate(samples: Array, bandwidth: float, padding: int) -> Array:
    """``samples`` after light of ``bandwidth`` (MHz), 0 before and after; longer by ``padding`` at both ends."""
    padded = np.pad(samples, padding)
    cutoff = bandwidth * 1e-3 / np.sqrt(2 * np.log(2))
    transfer = np.exp(-((np.fft.fftfreq(padded.size) / cutoff) ** 2))
    return np.fft.ifft(np.fft.fft(padded) * transfer).real


class Channel:
    """A channel of the device, or a modulator of a detuning map."""

    def __init__(self, spec: ChannelSpec, is_dmm: bool = False) -> None:
        self.spec = spec
        self.is_dmm = is_dmm
        for bandwidth in (spec.mod_bandwidth, spec.eom_config.mod_bandwidth if spec.eom_config else None):
            if bandwidth is not None and not (bandwidth > 0 and 1 <= BANDWIDTH_TO_RISE / bandwidth * 1.4143e3 < 1e6):
                raise Refused("PULSER-03", f"channel '{spec.id}': a bandwidth of {bandwidth:g} MHz")
        if spec.clock_period < 1 or spec.min_duration < 1:
            raise Refused("PULSER-03", f"channel '{spec.id}': clock_period and min_duration are 1 ns or more")
        if spec.eom_config and not spec.mod_bandwidth:
            raise Refused("PULSER-08", f"channel '{spec.id}' has an EOM but no bandwidth")
        self.rise = rise_time(spec.mod_bandwidth) if spec.mod_bandwidth else 0
        self.phase_jump = 2 * self.rise if spec.custom_phase_jump_time is None else spec.custom_phase_jump_time
        self.eom_rise = rise_time(spec.eom_config.mod_bandwidth) if spec.eom_config else 0

    @property
    def is_global(self) -> bool:
        return self.spec.addressing == "Global"

    @property
    def eom(self) -> EomSpec:
        if self.spec.eom_config is None:
            raise Refused("PULSER-08", f"channel '{self.spec.id}' has no EOM")
        return self.spec.eom_config

    @property
    def eom_buffer(self) -> int:
        return int(self.eom.custom_buffer_time or 2 * self.rise)

    def fit_duration(self, duration: int, round_up: bool = True) -> int:
        """``duration`` as the channel plays it: rounded up to its clock. Raises ``Refused`` ATOM-82 where it is not
        within the channel's bounds."""
        spec = self.spec
        if duration < spec.min_duration or (spec.max_duration is not None and duration > spec.max_duration):
            most = "any" if spec.max_duration is None else spec.max_duration
            raise Refused("ATOM-82", f"{duration} ns on channel '{spec.id}', which takes {spec.min_duration} to {most}")
        return -(-duration // spec.clock_period) * spec.clock_period if round_up else duration

    def adjust(self, duration: int) -> int:
        return self.fit_duration(max(duration, self.spec.min_duration))

    def fall(self, played: Pulse, eom: bool) -> int:
        """How long the light of a pulse goes on after its last sample."""
        if eom not in played.falls:
            rise = self.eom_rise if eom else self.rise
            ends = (self._end(wave.samples, eom) for wave in (played.amplitude, played.detuning))
            played.falls[eom] = rise + (max(ends) if self.spec.mod_bandwidth else 0)
        return played.falls[eom]

    def _end(self, samples: Array, eom: bool) -> int:
        """The first ns after the samples at which the light is as good as dark."""
        bandwidth = self.eom.mod_bandwidth if eom else self.spec.mod_bandwidth
        if not bandwidth or not self.spec.mod_bandwidth:
            return 0
        rise = self.eom_rise if eom else self.rise
        tail = np.abs(modulate(samples, bandwidth, rise)[-rise:]) <= SETTLED
        return int(np.argmax(tail)) if bool(tail.any()) else rise

    def complaints(self, played: Pulse, weights: list[float] | None = None) -> Iterator[tuple[str, str]]:
        """(rule, message) for every bound that a pulse breaks. ``weights``: of the detuning map it is played on."""
        spec, name = self.spec, f"channel '{self.spec.id}'"
        amplitude, detuning = played.amplitude.samples, played.detuning.samples
        if spec.max_amp is not None and amplitude.max() > spec.max_amp:
            yield "ATOM-09", f"an amplitude of {amplitude.max():g} rad/us, but {name} has {spec.max_amp:g}"
        largest = np.round(np.abs(detuning), 6).max()
        if spec.max_abs_detuning is not None and largest > spec.max_abs_detuning:
            yield "ATOM-12", f"a detuning of {largest:g} rad/us, but {name} has {spec.max_abs_detuning:g}"
        average = float(amplitude.mean())
        if 0 < average < spec.min_avg_amp:
            yield "ATOM-85", f"an amplitude of {average:g} rad/us on average, but {name} needs {spec.min_avg_amp:g}"
        if weights is not None:
            yield from self._of_a_map(np.round(detuning, 6), weights)

    def _of_a_map(self, detuning: Array, weights: list[float]) -> Iterator[tuple[str, str]]:
        spec, name = self.spec, f"channel '{self.spec.id}'"
        lowest, most, total = float(detuning.min()), max(weights, default=0.0), sum(weights)
        if bool((detuning > 0).any()):
            yield "ATOM-86", f"a detuning of {detuning.max():g} rad/us, but {name} has none above 0"
        for what, bound, weight in (("a site", spec.bottom_detuning, most), ("all", spec.total_bottom_detuning, total)):
            if bound is not None and weight * lowest < bound:
                yield "ATOM-86", f"{weight * lowest:g} rad/us on {what}, but {name} goes down to {bound:g}"
        least = min((w for w in weights if w), default=0.0) * float(np.abs(detuning).mean())
        if 0 < least < spec.min_avg_abs_detuning:
            yield "ATOM-86", f"{least:g} rad/us on average, but {name} needs {spec.min_avg_abs_detuning:g}"


def detuning_off(eom: EomSpec, amp_on: float, detuning_on: float, optimal: float) -> float:
    """The detuning between pulses in EOM mode that is closest to ``optimal``, among those that switching beams can
    give: the light shift of what stays on, relative to that of both beams."""
    controlled = [(beam,) for beam in eom.controlled_beams]
    if len(controlled) > 1 and eom.multiple_beam_control:
        controlled.append(("BLUE", "RED"))  # type: ignore[arg-type]
    if not controlled or min(eom.intermediate_detuning, eom.max_limiting_amp) <= 0 or amp_on < 0:
        raise Refused("PULSER-08", "the EOM has no beam to switch, or numbers that are not above 0")
    both = _light_shift(eom, amp_on, ("RED", "BLUE"))
    options = [
        detuning_on - both + _light_shift(eom, amp_on, tuple(b for b in ("RED", "BLUE") if b not in off))
        for off in controlled
    ]
    return min(options, key=lambda option: abs(option - optimal))


def _light_shift(eom: EomSpec, rabi: float, on: tuple[str, ...]) -> float:
    red, blue = eom.red_shift_coeff, eom.blue_shift_coeff
    factor = float(np.sqrt(red / blue if eom.limiting_beam == "RED" else blue / red))
    both = 2 * rabi * eom.intermediate_detuning
    if rabi <= factor * eom.max_limiting_amp**2 / (2 * eom.intermediate_detuning):
        limiting, other = both / factor, both * factor  # squares of the beams' Rabi frequencies
    else:
        limiting, other = eom.max_limiting_amp**2, (both / eom.max_limiting_amp) ** 2
    squares = {eom.limiting_beam: limiting, "BLUE" if eom.limiting_beam == "RED" else "RED": other}
    bias = {"RED": -red, "BLUE": blue}
    return sum(bias[beam] * squares[beam] for beam in on) / (4 * eom.intermediate_detuning)
