"""Drift: what changed between two calibrations of a device, and a device whose numbers wander on a seeded clock."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Callable

import msgspec

from qmk.models.devices.age import DAY_S, age_s
from qmk.models.devices.target import NativeGate, Site, Target, wrong

LARGE = 2.0
"""A number that grew or shrank by this factor is named in a comparison."""

Key = tuple[str, tuple[int, ...]]


class Change(msgspec.Struct, frozen=True):
    """One number in both calibrations: ``kind`` such as "error of cz" or "T1" (s), on these ``sites``."""

    kind: str
    sites: tuple[int, ...]
    before: float
    after: float

    @property
    def factor(self) -> float:
        """By what it grew or shrank, 1 or more; infinite from or to 0."""
        if self.before == self.after:
            return 1.0
        low, high = sorted((self.before, self.after))
        return high / low if low > 0 else math.inf


class Drift(msgspec.Struct, frozen=True):
    """``medians``: by kind, numbers in both, and the medians before and after. ``large``: what changed by ``LARGE`` or
    more, the worst first. ``gone``, ``new``: numbers in one calibration only."""

    seconds: float | None
    medians: dict[str, tuple[int, float, float]]
    large: tuple[Change, ...]
    gone: int
    new: int


def numbers(target: Target) -> dict[Key, float]:
    """What the calibration of ``target`` says: errors of gates and readings, and T1 and T2 in seconds, by kind and
    sites."""
    found: dict[Key, float] = {
        (f"error of {fact.name}", fact.sites): fact.error for fact in target.facts if fact.error is not None
    }
    for number, site in enumerate(target.readings):
        for kind, value in (("T1", site.t1_s), ("T2", site.t2_s), ("error of readings", site.readout_error)):
            if value is not None:
                found[kind, (number,)] = value
    return found


def compare(before: Target, after: Target) -> Drift:
    """The drift between two calibrations of one device. Raises INVALID_PARAMS for devices of different sizes."""
    if before.sites != after.sites:
        raise wrong(
            f"'{before.name}' has {before.sites} sites and '{after.name}' {after.sites}",
            "give two calibrations of one device",
        )
    old, new = numbers(before), numbers(after)
    changes = [Change(*key, old[key], new[key]) for key in old if key in new]
    medians: dict[str, tuple[int, float, float]] = {}
    for kind in dict.fromkeys(change.kind for change in changes):
        rows = [change for change in changes if change.kind == kind]
        middle = [statistics.median(getattr(row, name) for row in rows) for name in ("before", "after")]
        medians[kind] = (len(rows), middle[0], middle[1])
    large = sorted((row for row in changes if row.factor >= LARGE), key=lambda row: -row.factor)
    both = before.date and after.date
    seconds = age_s(before.date, 0.0) - age_s(after.date, 0.0) if both else None
    return Drift(seconds, medians, tuple(large), len(old.keys() - new.keys()), len(new.keys() - old.keys()))


def drift(target: Target, per_day: float, seed: int, age_s: float) -> Target:
    """``target`` as it is ``age_s`` seconds after its calibration, its numbers having wandered: the logarithm of each
    walks by a normal step of deviation ``per_day`` a day, by a generator of its own under ``seed``, linear within a
    day. Errors stay at 1 or below; the same seed and age give the same device. Raises INVALID_PARAMS for an age below
    0 or above 3650 days, and a deviation below 0 or above 1."""
    if not 0 <= age_s <= 3650 * DAY_S:
        raise wrong(f"'{target.name}': {age_s} s after its calibration", "give 0 to 3650 days, in seconds")
    if not 0 <= per_day <= 1:
        raise wrong(f"'{target.name}': drift is {per_day} per day", "give 0 to 1")
    if not per_day or not age_s:
        return target

    def wander(kind: str, sites: tuple[int, ...]) -> Callable[[float | None], float | None]:
        factor = math.exp(per_day * _walk(f"{seed} {kind} {sites}", age_s / DAY_S))
        return lambda value: None if value is None else value * factor

    def error(value: float | None) -> float | None:
        return None if value is None else min(value, 1.0)

    facts = tuple(
        NativeGate(fact.name, fact.sites, error(wander(fact.name, fact.sites)(fact.error)), fact.duration_s)
        for fact in target.facts
    )
    readings: list[Site] = []
    for number, site in enumerate(target.readings):
        at, read = (number,), wander("readings", (number,))
        times = wander("T1", at)(site.t1_s), wander("T2", at)(site.t2_s)
        chances = [error(read(chance)) for chance in (site.readout_error, site.p01, site.p10)]
        readings.append(Site(*times, chances[0], site.readout_s, chances[1], chances[2]))
    return msgspec.structs.replace(target, facts=facts, readings=tuple(readings))


LONGEST_DAYS = 4096
"""A power of two, and no age is above it."""


def _walk(name: str, days: float) -> float:
    """A random walk of standard normal steps at a moment, linear between whole days."""
    whole = int(days)
    here, there = walk_at(name, whole), walk_at(name, whole + 1)
    return here + (days - whole) * (there - here)


def walk_at(name: str, day: int) -> float:
    """The walk after whole days, by halving the span around it: given both ends of a span of L days, its middle is
    normal about their mean with variance L / 4 (Lévy's construction): a day of ten years takes a dozen numbers."""
    low, high = 0, LONGEST_DAYS
    before, after = 0.0, math.sqrt(LONGEST_DAYS) * _normal(f"{name} end")
    while low < day < high:
        middle = (low + high) // 2
        value = (before + after) / 2 + math.sqrt(high - low) / 2 * _normal(f"{name} {middle}")
        if day < middle:
            high, after = middle, value
        else:
            low, before = middle, value
    return before if day == low else after


def _normal(name: str) -> float:
    """A standard normal number that ``name`` determines (Box and Muller, Ann. Math. Stat. 29, 610 (1958))."""
    data = hashlib.sha256(name.encode()).digest()
    first, second = ((int.from_bytes(part, "big") + 0.5) / 2.0**64 for part in (data[:8], data[8:16]))
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)
