"""A sequence, operation by operation: what Pulser's ``Sequence`` does when it is built.

Source: ``Sequence`` of pulser-core 1.9 (Apache-2.0). A phase reference belongs to a qubit and a basis; pulses add it to
their phase, and their shift to it.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any

import numpy as np

from qmk.base.limits import check
from qmk.frontends.pulser import schema
from qmk.frontends.pulser.channel import Channel, Pulse, detuning_off, pulse
from qmk.frontends.pulser.register import DECIMALS, Register
from qmk.frontends.pulser.timeline import Block, Drift, Line, Slot, Targets, Timeline
from qmk.frontends.pulser.values import Values
from qmk.frontends.pulser.waveforms import Maker, Waveform, constant
from qmk.sdk.frontend import Refused


class Reference:
    """The phase reference of a qubit in a basis, as it changes; and when the qubit was used there."""

    def __init__(self) -> None:
        self.times, self.phases, self._used = [0], [0.0], [0]
        self.last_used = 0

    def use(self, time: int) -> None:
        self._used.append(time)
        self.last_used = max(self.last_used, time)

    def shift(self, phi: float) -> None:
        """From when the qubit was used last."""
        phase = (self.phases[-1] + phi) % (2 * np.pi)
        at = bisect.bisect_right(self.times, self.last_used)
        if self.times[at - 1] == self.last_used:
            self.phases[at - 1] = phase
        else:
            self.times.insert(at, self.last_used)
            self.phases.insert(at, phase)

    def truncate(self, time: int) -> None:
        kept = bisect.bisect_right(self.times, time)
        del self.times[kept:], self.phases[kept:]
        self._used = [t for t in self._used if t <= time]
        self.last_used = max(self._used)


class Sequence:
    """What ``document`` means on ``device`` for ``register``. ``found``: (rule, message) of bounds that it breaks."""

    def __init__(self, document: schema.Document, device: schema.Device, register: Register, values: Values) -> None:
        self.device, self.register, self.values = device, register, values
        self.maker = Maker(values)
        self.lines = Timeline(device.max_sequence_duration)
        self.found: list[tuple[str, str]] = []
        self.channels = {spec.id: Channel(spec) for spec in device.channels}
        self.dmms = {f"dmm_{k}": Channel(spec, is_dmm=True) for k, spec in enumerate(device.dmm_objects)}
        self.everyone: Targets = frozenset(range(len(register.names)))
        self.references: dict[str, dict[int, Reference]] = {}
        self.mask: tuple[str, Targets] | None = None
        check("expansion_steps", len(document.operations) * len(register.names), "operations, for each qubit")
        for name, channel_id in document.channels.items():
            self._declare(name, channel_id)
        if document.slm_mask_targets is not None:
            self._slm(schema.ConfigSlm(qubits=document.slm_mask_targets, dmm_id="dmm_0"))
        for at, op in enumerate(document.operations):
            name = op.__struct_config__.tag
            try:
                self._do[type(op)](self, op)
            except Refused as refused:
                raise refused.at_place(f"operations[{at}], {name}") from refused

    # -- channels ------------------------------------------------------------------------------------------------

    def _declare(self, name: str, channel_id: str) -> None:
        channel = self.channels.get(channel_id)
        if channel is None:
            have = ", ".join(self.channels)
            raise Refused("ATOM-83", f"channel '{name}': {self.device.name} has no '{channel_id}', but {have}"[:400])
        if channel.spec.basis == "XY":
            raise Refused("PULSER-09", f"channel '{name}' drives the XY basis")
        if name.startswith("dmm_"):
            raise Refused("PULSER-08", f"channel '{name}': names that begin with dmm_ are those of detuning maps")
        self._refuse_second(channel, channel_id)
        self.lines[name] = Line(name, channel, self.lines.steps)
        self._basis(channel.spec.basis)
        if channel.is_global:
            self.lines[name].slots.append(Slot("target", -1, 0, self.everyone))

    def _refuse_second(self, channel: Channel, name: str) -> None:
        if not self.device.reusable_channels and any(line.channel is channel for line in self.lines.values()):
            raise Refused("ATOM-83", f"channel '{name}' of {self.device.name} is declared twice")

    def _basis(self, basis: str) -> None:
        self.references.setdefault(basis, {qubit: Reference() for qubit in self.everyone})

    def line(self, name: str, eom: bool | None = False) -> Line:
        """A declared channel. ``eom``: whether it has to be in EOM mode, None if either will do."""
        found = self.lines.get(name)
        if found is None:
            raise Refused("PULSER-08", f"no channel '{name[:80]}' is declared")
        if eom is not None and found.in_eom != eom:
            raise Refused("PULSER-08", f"channel '{name}' is {'not ' if eom else ''}in EOM mode")
        return found

    # -- operations ----------------------------------------------------------------------------------------------

    def _target(self, op: schema.Target) -> None:
        line = self.line(op.channel)
        numbers = self.values.numbers(op.target, "target")
        spec = line.channel.spec
        if spec.addressing != "Local":
            raise Refused("ATOM-84", f"channel '{op.channel}' is global: it has all qubits as targets")
        targets = frozenset(self._qubit(x) for x in numbers)
        if not targets or (spec.max_targets is not None and len(targets) > spec.max_targets):
            raise Refused(
                "ATOM-84", f"{len(targets)} targets, but channel '{op.channel}' takes 1 to {spec.max_targets}"
            )
        self._phase(spec.basis, targets)
        self.lines.add_target(targets, op.channel)

    def _qubit(self, number: float) -> int:
        count = len(self.register.names)
        if number != int(number) or not -count <= number < count:
            raise Refused("PULSER-06", f"there is no qubit {number:g} of {count}")
        return int(number) % count

    def _phase(self, basis: str, targets: Targets) -> float:
        phases = {self.references[basis][qubit].phases[-1] for qubit in targets}
        if len(phases) != 1:
            raise Refused("PULSER-08", "its targets have different phase references")
        return phases.pop()

    def _align(self, op: schema.Align) -> None:
        if len(set(op.channels)) != len(op.channels) or len(op.channels) < 2:
            raise Refused("PULSER-08", "two channels or more are aligned, each once")
        lines = [self.line(name, eom=None) for name in op.channels]
        end = max(line.dark() if op.at_rest else line.end for line in lines)
        for line in lines:
            if end > line.end:
                self._wait(line, line.channel.adjust(end - line.end))

    def _delay(self, op: schema.Delay) -> None:
        line = self.line(op.channel, eom=None)
        if op.at_rest:
            self._not_waiting(line)
            self.lines.wait_for_fall(op.channel)
        self._wait(line, self.values.duration(op.time, "time"))

    def _wait(self, line: Line, duration: int) -> None:
        self._not_waiting(line)
        if duration:
            self.lines.add_delay(duration, line.name)

    def _not_waiting(self, line: Line) -> None:
        if line.awaits_pulse:
            raise Refused("PULSER-08", f"'{line.name}' masks qubits until a global channel has had its first pulse")

    def _phase_shift(self, op: schema.PhaseShift) -> None:
        targets = frozenset(self._qubit(self.values.number(t, "target")) for t in op.targets) or self.everyone
        self._shift(self.values.number(op.phi, "phi"), targets, op.basis)

    def _shift(self, phi: float, targets: Targets, basis: str) -> None:
        if basis not in self.references:
            raise Refused("PULSER-08", f"no channel drives the basis {basis}")
        for qubit in targets:
            self.references[basis][qubit].shift(phi)

    def _pulse(self, op: schema.AddPulse) -> None:
        made: list[Waveform | None] = [None, None]
        specs = (op.amplitude, op.detuning)
        flat = [isinstance(spec, schema.Constant) and spec.duration == 0.0 for spec in specs]
        if flat[0]:
            flat[1] = False
        for k in (0, 1):  # a constant of 0 ns is one that takes the other's duration
            if not flat[k]:
                made[k] = self._waveform(("amplitude", "detuning")[k], specs[k])
        for k in (0, 1):
            spec, other = specs[k], made[1 - k]
            if made[k] is None and isinstance(spec, schema.Constant) and other is not None:
                self.maker.count(other.duration)
                made[k] = constant(other.duration, self.values.number(spec.value, "value"))
        amplitude, detuning = made
        assert amplitude is not None
        assert detuning is not None
        phase, shift = self.values.number(op.phase, "phase"), self.values.number(op.post_phase_shift, "shift")
        self._play(pulse(amplitude, detuning, phase, shift), op.channel, op.protocol)

    def _waveform(self, what: str, spec: schema.WaveformSpec) -> Waveform:
        try:
            return self.maker.make(spec)
        except Refused as refused:
            raise refused.at_place(what) from refused

    def _phase_pulse(self, op: schema.AddPhasePulse) -> None:
        """The detuning is what makes the phase that is asked for: minus its rate."""
        amplitude, phase = self._waveform("amplitude", op.amplitude), self._waveform("phase", op.phase)
        if phase.slope is not None:
            detuning = constant(phase.duration, -phase.slope * 1e3)
        elif phase.duration < 2:
            raise Refused("PULSER-07", "a phase of 1 ns has no rate")
        else:
            rates = -np.diff(phase.samples) * 1e3
            detuning = Waveform(np.concatenate((rates[:1], rates)))
        start = float(phase.samples[0]) + float(detuning.samples[0]) * 1e-3
        shift = self.values.number(op.post_phase_shift, "shift")
        self._play(pulse(amplitude, detuning, start, shift), op.channel, op.protocol)

    def _play(self, played: Pulse, name: str, protocol: str) -> None:
        line = self.line(name)
        if line.channel.is_dmm:
            raise Refused("PULSER-08", f"'{name}' is a detuning map: it takes add_dmm_detuning")
        self._add(played, line, protocol)

    def _add(self, played: Pulse, line: Line, protocol: str, drift: Drift | None = None) -> None:
        channel, targets = line.channel, line.last.targets
        references = self.references[channel.spec.basis]
        phase = 0.0 if channel.is_dmm else self._phase(channel.spec.basis, targets)
        self.found += channel.complaints(played, line.spots)
        played = self._fit(played, channel, phase)
        barriers = [references[qubit].times[-1] for qubit in targets]
        slot = self.lines.add_pulse(played, line.name, barriers, protocol, drift)
        for qubit in targets:
            references[qubit].use(slot.end)
        shift = played.shift - (drift.phase_at(slot.start) if drift else 0.0)
        if shift:
            self._shift(shift, targets, channel.spec.basis)
        waiting = self.mask is not None and self.lines[self.mask[0]].awaits_pulse
        if waiting and channel.is_global and not played.is_detuned_delay and not channel.is_dmm:
            self._mask_until(line.end, float(played.amplitude.samples.max()))

    def _fit(self, played: Pulse, channel: Channel, reference: float) -> Pulse:
        """With a duration that the channel's clock knows, and the phase reference in its phase."""
        amplitude, detuning = played.amplitude, played.detuning
        duration = channel.fit_duration(played.duration)
        if duration != played.duration:
            if amplitude.stretched is None or detuning.stretched is None:
                text = f"{played.duration} ns is between ticks of {channel.spec.clock_period} ns"
                raise Refused("ATOM-82", text, "make the waveform longer: it is not stretched")
            self.maker.count(2 * duration)
            amplitude, detuning = amplitude.stretched(duration), detuning.stretched(duration)
        return pulse(amplitude, detuning, played.phase + reference, played.shift)

    # -- EOM mode ------------------------------------------------------------------------------------------------

    def _eom_block(self, op: schema.EnableEom | schema.ModifyEom, line: Line) -> Block:
        amplitude, on = self.values.number(op.amp_on, "amp_on"), self.values.number(op.detuning_on, "detuning_on")
        least = line.channel.spec.min_duration
        self.maker.count(2 * least)
        self.found += line.channel.complaints(pulse(constant(least, amplitude), constant(least, on), 0.0))
        optimal = self.values.number(op.optimal_detuning_off, "optimal_detuning_off")
        return Block(amplitude, on, detuning_off(line.channel.eom, amplitude, on, optimal), 0)

    def _enable(self, op: schema.EnableEom) -> None:
        line = self.line(op.channel)
        block = self._eom_block(op, line)
        drift = Drift(-block.detuning_off, line.dark())
        self.lines.enable_eom(op.channel, block)
        if op.correct_phase_drift:
            self._shift(-drift.phase_at(line.last.end), line.last.targets, line.channel.spec.basis)

    def _modify(self, op: schema.ModifyEom) -> None:
        line = self.line(op.channel, eom=True)
        block = self._eom_block(op, line)
        self.lines.disable_eom(op.channel, buffer=False)
        old, new = self._eom_drift(line), Drift(-block.detuning_off, line.end)
        self.lines.enable_eom(op.channel, block, wait=False)
        if op.correct_phase_drift:
            drift = old.phase_at(line.last.start) + new.phase_at(line.last.end)
            self._shift(-drift, line.last.targets, line.channel.spec.basis)

    def _disable(self, op: schema.DisableEom) -> None:
        line = self.line(op.channel, eom=True)
        self.lines.disable_eom(op.channel)
        if op.correct_phase_drift:
            end = line.blocks[-1].end or 0
            self._shift(-self._eom_drift(line).phase_at(end), line.last.targets, line.channel.spec.basis)

    def _eom_drift(self, line: Line) -> Drift:
        block = line.blocks[-1]
        last = next(line.pulses(with_detuned_delays=False), None)
        return Drift(-block.detuning_off, max(block.start, last.end if last else 0))

    def _eom_pulse(self, op: schema.AddEomPulse) -> None:
        line = self.line(op.channel, eom=True)
        block, length = line.blocks[-1], self.maker.length(op.duration)
        self.maker.count(length)
        phase, shift = self.values.number(op.phase, "phase"), self.values.number(op.post_phase_shift, "shift")
        played = pulse(constant(length, block.amplitude), constant(length, block.detuning_on), phase, shift)
        self._add(played, line, op.protocol, self._eom_drift(line) if op.correct_phase_drift else None)

    # -- detuning maps -------------------------------------------------------------------------------------------

    def _map(self, op: schema.ConfigMap) -> None:
        spots = {(round(s.x, DECIMALS) + 0.0, round(s.y, DECIMALS) + 0.0): s.weight for s in op.detuning_map.traps}
        if len(spots) != len(op.detuning_map.traps) or not all(0 <= w <= 1 for w in spots.values()):
            raise Refused("ATOM-86", "the map's places are apart, and its weights from 0 to 1")
        if len(self.register.points[0]) != 2:
            raise Refused("PULSER-06", "a detuning map is for a register in a plane")
        weights = [_weight(point, spots) for point in self.register.points]
        self._dmm(op.dmm_id, weights, list(spots.values()))

    def _dmm(self, dmm_id: str, weights: list[float], spots: list[float]) -> Line:
        channel = self.dmms.get(dmm_id)
        if channel is None:
            raise Refused("ATOM-83", f"{self.device.name} has no '{dmm_id[:80]}', but {', '.join(self.dmms) or 'none'}")
        self._refuse_second(channel, dmm_id)
        number = sum(line.channel is channel for line in self.lines.values())
        name = f"{dmm_id}_{number}" if number else dmm_id
        line = self.lines[name] = Line(name, channel, self.lines.steps, weights=weights, spots=spots)
        line.slots.append(Slot("target", -1, 0, self.everyone))
        self._basis("ground-rydberg")
        return line

    def _dmm_pulse(self, op: schema.AddDmm) -> None:
        line = self.line(op.dmm_name, eom=None)
        if not line.channel.is_dmm:
            raise Refused("PULSER-08", f"'{op.dmm_name}' is not a detuning map")
        self._not_waiting(line)
        detuning = self._waveform("waveform", op.waveform)
        self.maker.count(detuning.duration)
        self._add(pulse(constant(detuning.duration, 0.0), detuning, 0.0), line, op.protocol)

    def _slm(self, op: schema.ConfigSlm) -> None:
        """A mask is a detuning map that is deep until the first pulse of a global channel has ended."""
        if not self.device.supports_slm_mask or self.mask is not None:
            raise Refused("ATOM-83", f"{self.device.name} has {'one SLM mask' if self.mask else 'no SLM mask'}")
        targets = self.register.indices(op.qubits)
        weights = [1.0 if qubit in targets else 0.0 for qubit in range(len(self.register.names))]
        line = self._dmm(op.dmm_id, weights, weights)
        self.mask = line.name, targets
        first = self.lines.first_global_pulse()
        if first is None:
            line.awaits_pulse = True
        else:
            self._mask_until(first[1], self._highest(first[1]))

    def _highest(self, end: int) -> float:
        """The largest amplitude of a global channel before ``end``."""
        lines = (line for line in self.lines.values() if line.channel.is_global and not line.channel.is_dmm)
        slots = (s for line in lines for s in line.slots if isinstance(s.what, Pulse) and s.start < end)
        return max(float(s.what.amplitude.samples[: end - s.start].max()) for s in slots if isinstance(s.what, Pulse))

    def _mask_until(self, end: int, amplitude: float) -> None:
        assert self.mask is not None
        line, spec = self.lines[self.mask[0]], self.lines[self.mask[0]].channel.spec
        lowest = -10 * amplitude
        if spec.bottom_detuning and lowest < spec.bottom_detuning:
            lowest = spec.bottom_detuning
        count = len(self.mask[1])
        if spec.total_bottom_detuning and lowest * count < spec.total_bottom_detuning:
            lowest = spec.total_bottom_detuning / count
        line.awaits_pulse = False
        self.maker.count(2 * end)
        self._add(pulse(constant(end, 0.0), constant(end, lowest), 0.0), line, "no-delay")

    def _truncate(self, op: schema.Truncate) -> None:
        duration = self.values.duration(op.duration, "duration")
        for line in self.lines.values():
            line.channel.fit_duration(duration, round_up=False)
        for references in self.references.values():
            for reference in references.values():
                reference.truncate(duration)
        self.lines.truncate(duration)

    _do: dict[type, Callable[[Any, Any], None]] = {  # noqa: RUF012
        schema.Target: _target,
        schema.Align: _align,
        schema.Delay: _delay,
        schema.PhaseShift: _phase_shift,
        schema.AddPulse: _pulse,
        schema.AddPhasePulse: _phase_pulse,
        schema.EnableEom: _enable,
        schema.ModifyEom: _modify,
        schema.DisableEom: _disable,
        schema.AddEomPulse: _eom_pulse,
        schema.ConfigMap: _map,
        schema.ConfigSlm: _slm,
        schema.AddDmm: _dmm_pulse,
        schema.Truncate: _truncate,
    }


def _weight(point: tuple[float, ...], spots: dict[tuple[float, float], float]) -> float:
    """The weight of the spot at a place, 0 where there is none."""
    reach = 2**0.5 * 10**-DECIMALS
    near = (w for (x, y), w in spots.items() if ((x - point[0]) ** 2 + (y - point[1]) ** 2) ** 0.5 < reach)
    return sum(round(w, DECIMALS) for w in near)
