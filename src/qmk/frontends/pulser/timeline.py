"""When each pulse of a sequence is played: slots of the channels, with the delays that Pulser puts between them.

Source: the schedule of pulser-core 1.9 (Apache-2.0), whose results these rules reproduce. All times are in ns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from qmk.base import limits
from qmk.base.limits import LIMITS
from qmk.frontends.pulser.channel import Channel, Pulse, pulse
from qmk.frontends.pulser.waveforms import constant
from qmk.sdk.frontend import Refused

Targets = frozenset[int]


@dataclass(frozen=True, eq=False)
class Slot:
    """What a channel does from ``start`` to ``end``: a pulse, "delay" or "target". ``targets``: qubits by number."""

    what: Pulse | str
    start: int
    end: int
    targets: Targets


@dataclass
class Block:
    """A time in EOM mode; ``end`` None while it lasts."""

    amplitude: float
    detuning_on: float
    detuning_off: float
    start: int
    end: int | None = None


@dataclass(frozen=True)
class Drift:
    """Phase that drifts at ``rate`` rad/us from ``start`` on."""

    rate: float
    start: int

    def phase_at(self, time: int) -> float:
        return self.rate * (time - self.start) * 1e-3


class Steps:
    """Slots that a sequence has looked at: each operation looks back, and all of them together are bounded."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, count: int = 1) -> None:
        self.taken += count
        if self.taken > LIMITS.expansion_steps:
            limits.check("expansion_steps", self.taken, "slots that operations look back on")


@dataclass
class Line:
    """One declared channel. ``weights``: of its detuning map, by qubit; ``spots``: as the map lists them."""

    name: str
    channel: Channel
    steps: Steps
    slots: list[Slot] = field(default_factory=list[Slot])
    blocks: list[Block] = field(default_factory=list[Block])
    weights: list[float] | None = None
    spots: list[float] | None = None
    awaits_pulse: bool = False

    @property
    def last(self) -> Slot:
        if not self.slots:
            raise Refused("PULSER-08", f"channel '{self.name}' has no target yet")
        return self.slots[-1]

    @property
    def end(self) -> int:
        return self.slots[-1].end if self.slots else 0

    @property
    def in_eom(self) -> bool:
        return bool(self.blocks) and self.blocks[-1].end is None

    def was_in_eom(self, slot: Slot) -> bool:
        self.steps.take(len(self.blocks))
        return any(b.start <= slot.start < (self.end if b.end is None else b.end) for b in self.blocks)

    def pulses(self, with_detuned_delays: bool = True) -> Iterator[Slot]:
        """Slots with a pulse, the last one first."""
        for slot in self.slots_backwards():
            if isinstance(slot.what, Pulse) and (with_detuned_delays or not slot.what.is_detuned_delay):
                yield slot

    def slots_backwards(self) -> Iterator[Slot]:
        """All slots, the last one first."""
        for slot in reversed(self.slots):
            self.steps.take()
            yield slot

    def dark(self) -> int:
        """When the light of the last pulse has fallen."""
        found = self.end
        for at, slot in enumerate(self.slots_backwards()):
            if isinstance(slot.what, Pulse):
                return max(found, slot.end + self.channel.fall(slot.what, self.in_eom))
            if at and found - slot.end >= 2 * self.channel.rise:
                break
        return found

    def last_target(self) -> int:
        return next((slot.end for slot in self.slots_backwards() if slot.what == "target"), 0)

    def last_phase(self) -> float:
        return next((slot.what.phase for slot in self.pulses() if isinstance(slot.what, Pulse)), 0.0)


class Timeline(dict[str, Line]):
    """The channels of a sequence by their names. ``longest``: what the device allows."""

    def __init__(self, longest: int | None) -> None:
        super().__init__()
        self.longest = longest
        self.steps = Steps()

    def check(self, time: int) -> None:
        if self.longest is not None and time > self.longest:
            raise Refused("ATOM-06", f"it takes {time} ns, but the device has {self.longest} ns")

    def add_pulse(
        self, played: Pulse, name: str, barriers: list[int], protocol: str, drift: Drift | None = None
    ) -> Slot:
        """Plays ``played`` once what is before it allows: ``barriers``, pulses on the same qubits (min-delay) or on any
        (wait-for-all), and the time that a new phase takes."""
        line = self[name]
        last, channel = line.last, line.channel
        at = max(last.end, *barriers) if barriers else last.end
        jump = 0
        if protocol != "no-delay":
            at = self._after_others(at, line, protocol)
            before = next(line.pulses(with_detuned_delays=False), None)
            if before is not None and isinstance(before.what, Pulse):
                wanted = played.phase - (drift.phase_at(at) if drift else 0.0)
                if before.what.phase != wanted:
                    eom = line.in_eom
                    least = max(channel.phase_jump, 2 * channel.rise if eom else 0)
                    jump = least + channel.fall(before.what, eom) - (last.end - before.end)
        delay = max(at - last.end, jump)
        if delay > 0:
            self.add_delay(channel.adjust(delay), name)
        start = line.last.end
        self.check(start + played.duration)
        if drift is not None:
            played = pulse(played.amplitude, played.detuning, played.phase - drift.phase_at(start), played.shift)
        line.slots.append(Slot(played, start, start + played.duration, last.targets))
        return line.last

    def _after_others(self, at: int, line: Line, protocol: str) -> int:
        for other in self.values():
            if other is line:
                continue
            eom, channel = other.in_eom, other.channel
            for slot in other.slots_backwards():
                if not isinstance(slot.what, Pulse):
                    if slot.end + 2 * channel.rise <= at:
                        break
                    continue
                dark = slot.end + channel.fall(slot.what, eom)
                if dark <= at:
                    break
                if protocol == "wait-for-all" or slot.targets & line.last.targets:
                    at = dark
                    break
        return at

    def add_delay(self, duration: int, name: str) -> None:
        line = self[name]
        last = line.last
        end = last.end + line.channel.fit_duration(duration)
        self.check(end)
        off = line.blocks[-1].detuning_off if line.in_eom else 0.0
        what: Pulse | str = "delay"
        if off != 0:
            length = end - last.end
            check_length(length)
            what = pulse(constant(length, 0.0), constant(length, off), line.last_phase())
        line.slots.append(Slot(what, last.end, end, last.targets))

    def add_target(self, targets: Targets, name: str) -> None:
        line = self[name]
        if not line.slots:
            line.slots.append(Slot("target", -1, 0, targets))
            return
        self.wait_for_fall(name)
        last, spec = line.last, line.channel.spec
        if last.targets == targets:
            return
        between = spec.min_retarget_interval or 0
        delta = min(max(between - (last.end - line.last_target()), 0), between)
        delta = max(delta, spec.fixed_retarget_t or 0)
        if delta:
            delta = line.channel.adjust(delta)
        self.check(last.end + delta)
        line.slots.append(Slot("target", last.end, last.end + delta, targets))

    def wait_for_fall(self, name: str) -> None:
        line = self[name]
        fall = line.dark() - line.end
        if fall > 0:
            self.add_delay(line.channel.adjust(fall), name)

    def enable_eom(self, name: str, block: Block, wait: bool = True) -> None:
        """Goes into EOM mode, after a buffer at its detuning unless the channel is empty."""
        line = self[name]
        if line.end:
            if wait:
                self.wait_for_fall(name)
            buffer = line.channel.adjust(line.channel.eom_buffer)
            if block.detuning_off != 0:
                check_length(buffer)
                idle = pulse(constant(buffer, 0.0), constant(buffer, block.detuning_off), line.last_phase())
                self.add_pulse(idle, name, [0], "no-delay")
            else:
                self.add_delay(buffer, name)
        line.blocks.append(replace(block, start=line.last.end))

    def disable_eom(self, name: str, buffer: bool = True) -> None:
        line = self[name]
        line.blocks[-1].end = line.last.end
        if not buffer:
            return
        if line.channel.eom.custom_buffer_time:
            self.add_delay(line.channel.adjust(line.channel.eom_buffer), name)
        else:
            self.wait_for_fall(name)

    def first_global_pulse(self) -> tuple[int, int] | None:
        """When the first pulse of a global channel begins and ends."""
        found: tuple[int, int] | None = None
        for line in self.values():
            if line.channel.is_dmm or not line.channel.is_global:
                continue
            played = (s for s in line.slots if isinstance(s.what, Pulse) and not s.what.is_detuned_delay)
            first = next(played, None)
            if first is not None and (found is None or first.start < found[0]):
                found = first.start, first.end
        return found

    def truncate(self, duration: int) -> None:
        """Leaves out what comes after ``duration``, or after the last tick of a channel's clock before it."""
        for line in self.values():
            if line.end > duration:
                tick = line.channel.spec.clock_period
                self._truncate(line, duration // tick * tick)

    def _truncate(self, line: Line, end: int) -> None:
        slots = line.slots
        at, slot = next((k, s) for k, s in enumerate(slots) if s.start < end <= s.end)
        if slot.end == end:
            line.blocks = _cut_blocks(line.blocks, end)
            line.slots = slots[: at + 1]
            return
        line.slots = slots[:at]  # before the questions below, whose answers depend on it in Pulser
        into_eom = not line.was_in_eom(slot) and at + 1 < len(slots) and line.was_in_eom(slots[at + 1])
        out_of_eom = not line.was_in_eom(slot) and line.was_in_eom(slots[at - 1])
        line.blocks = _cut_blocks(line.blocks, end)
        if out_of_eom and not into_eom:
            line.blocks[-1] = replace(line.blocks[-1], end=None)
        length = end - slot.start
        if into_eom or out_of_eom or slot.what == "target" or length < line.channel.spec.min_duration:
            return
        if isinstance(slot.what, Pulse):
            cut = pulse(slot.what.amplitude.truncate(length), slot.what.detuning.truncate(length), slot.what.phase)
            self.add_pulse(cut, line.name, [0], "no-delay")
        else:
            self.add_delay(length, line.name)


def _cut_blocks(blocks: list[Block], end: int) -> list[Block]:
    for at, block in enumerate(blocks):
        if block.start < end <= (block.end or end):  # in Pulser an empty one at 0 opens again too
            return [*blocks[:at], replace(block, end=None)]
        if end < block.start:
            return blocks[:at]
    return blocks


def check_length(duration: int) -> None:
    """A delay that is written out as samples is no longer than all waveforms may be."""
    limits.check("pulse_samples", duration, "a delay at a detuning")
