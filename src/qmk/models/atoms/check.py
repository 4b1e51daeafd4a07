"""Programs for atoms against a device: every rule that one breaks, in one answer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from qmk.base.errors import Finding
from qmk.models.atoms.profile import Light, Profile
from qmk.models.atoms.program import AtomProgram, Drive, Field
from qmk.models.atoms.rules import ATOM_RULES

SLACK = 1e-9
"""Relative room at a bound, and the part of a step that a value may be off, since numbers are rounded to binary
fractions."""

STEP_SLACK = 1e-4


def check(program: AtomProgram, profile: Profile, shots: int | None = None) -> list[Finding]:
    """What ``profile`` refuses of ``program``, in the order of the rules. ``shots`` where the caller says how many."""
    shots = program.shots if shots is None else shots
    found = [*_sites(program, profile), *_times(program, profile)]
    for number, drive in enumerate(program.drives):
        found += _drive(number, drive, profile)
    found += [*_drives(program, profile), *_local(program, profile)]
    low, high = profile.shots
    if shots is not None and high and not low <= shots <= high:
        found.append(_finding("ATOM-21", f"{shots} shots, but {profile.name} takes {low} to {high}"))
    return sorted(found, key=lambda row: row.rule)


def _finding(rule: str, message: str) -> Finding:
    return Finding(rule, message, ATOM_RULES[rule].help)


def _is_below(value: float, bound: float) -> bool:
    return value < bound * (1 - SLACK)


def _is_above(value: float, bound: float) -> bool:
    return value > bound + SLACK * abs(bound)


def _off_step(value: float, step: float) -> bool:
    """Whether a value is not a multiple of the step; one of 0 is not a step."""
    return step > 0 and abs(value / step - round(value / step)) > STEP_SLACK


def _closest(points: list[tuple[float, ...]], bound: float) -> tuple[float, int, int] | None:
    """The closest two points that are nearer than ``bound``: (distance, first, second)."""
    order = sorted(range(len(points)), key=lambda k: points[k])
    best: tuple[float, int, int] | None = None
    for at, a in enumerate(order):
        for b in order[at + 1 :]:
            if not _is_below(points[b][0] - points[a][0], bound):
                break
            apart = math.dist(points[a], points[b])
            if _is_below(apart, bound) and (best is None or apart < best[0]):
                best = apart, min(a, b), max(a, b)
    return best


def _sites(program: AtomProgram, profile: Profile) -> Iterator[Finding]:
    can, sites = profile.arrangement, program.sites
    if can.sites and len(sites) > can.sites:
        yield _finding("ATOM-01", f"{len(sites)} sites, but {profile.name} has {can.sites}")
    for axis, name, bound in ((0, "wide", can.width), (1, "high", can.height)):
        extent = max((p[axis] for p in sites), default=0.0) - min((p[axis] for p in sites), default=0.0)
        if bound and _is_above(extent, bound):
            yield _finding("ATOM-02", f"the sites are {extent:g} um {name}, but {profile.name} has {bound:g} um")
    furthest = max((math.hypot(*point) for point in sites), default=0.0)
    if can.radius and _is_above(furthest, can.radius):
        text = f"a site is {furthest:g} um from the origin, but {profile.name} has {can.radius:g} um"
        yield _finding("ATOM-02", text)
    bound = can.spacing or 1e-6
    close = _closest(list(sites), bound)
    if close is not None:
        apart, a, b = close
        yield _finding("ATOM-03", f"sites {a} and {b} are {apart:g} um apart, but {profile.name} needs {bound:g} um")
    heights = sorted({p[1] for p in sites})
    gap = min((b - a for a, b in itertools.pairwise(heights)), default=math.inf)
    if _is_below(gap, can.row_spacing):
        yield _finding("ATOM-04", f"rows {gap:g} um apart, but {profile.name} needs {can.row_spacing:g} um")
    for site, point in enumerate(sites):
        if any(_off_step(x, can.step) for x in point):
            yield _finding("ATOM-05", f"site {site} at {point} um is between steps of {can.step:g} um")
            break


def _fields(drive: Drive) -> Iterator[tuple[str, Field]]:
    """Every field with what messages call it."""
    detuning = "local detuning" if drive.is_local else "detuning"
    for name, field in (("amplitude", drive.amplitude), ("phase", drive.phase), (detuning, drive.detuning)):
        if field is not None:
            yield name, field


def _times(program: AtomProgram, profile: Profile) -> Iterator[Finding]:
    if profile.duration and _is_above(program.duration, profile.duration):
        text = f"it takes {program.duration:g} us, but {profile.name} has {profile.duration:g} us"
        yield _finding("ATOM-06", text)
    if _is_below(program.duration, profile.least_duration):
        text = f"it takes {program.duration:g} us, but {profile.name} needs {profile.least_duration:g} us"
        yield _finding("ATOM-22", text)
    broken: set[str] = set()
    for drive in program.drives:
        for name, field in _fields(drive):
            for t in field.times:
                if _off_step(t, profile.time_step) and "ATOM-07" not in broken:
                    broken.add("ATOM-07")
                    text = f"{name}: the time {t:g} us is between steps of {profile.time_step:g} us"
                    yield _finding("ATOM-07", text)
            gap = min(b - a for a, b in itertools.pairwise(field.times))
            if _is_below(gap, profile.interval) and "ATOM-08" not in broken:
                broken.add("ATOM-08")
                text = f"{name}: two times are {gap:g} us apart, but {profile.name} needs {profile.interval:g} us"
                yield _finding("ATOM-08", text)


_OF_FIELD = {
    "amplitude": ("ATOM-09", "ATOM-10", "ATOM-11"),
    "detuning": ("ATOM-12", "ATOM-13", "ATOM-12"),
    "phase": ("ATOM-14", "", "ATOM-14"),
    "local detuning": ("ATOM-17", "ATOM-18", "ATOM-17"),
}
"""The rules of a field's range, slew rate and ends; a phase may jump."""


def _drive(number: int, drive: Drive, profile: Profile) -> Iterator[Finding]:
    local = Light() if profile.local is None else profile.local.field
    limits = {
        "amplitude": profile.amplitude,
        "detuning": profile.detuning,
        "phase": profile.phase,
        "local detuning": local,
    }
    for name, field in _fields(drive):
        yield from _light(f"drive {number}, {name}", field, limits[name], _OF_FIELD[name], profile)


def _light(what: str, field: Field, can: Light, rules: tuple[str, str, str], profile: Profile) -> Iterator[Finding]:
    in_range, slew, ends = rules
    least, most = min(field.values), max(field.values)
    room = SLACK * max(abs(can.low), abs(can.high))
    if can.low < can.high and (least < can.low - room or most > can.high + room):
        text = f"{what} goes from {least:g} to {most:g}, but {profile.name} has {can.low:g} to {can.high:g}"
        yield _finding(in_range, text)
    if slew and can.slew:
        fastest = max(_rates(field), default=0.0)
        if _is_above(fastest, can.slew):
            text = f"{what} changes by {fastest:g} rad/us^2, but {profile.name} allows {can.slew:g}"
            yield _finding(slew, text)
    if can.ends_at_0 and (field.values[0] != 0 or field.values[-1] != 0):
        text = f"{what} begins with {field.values[0]:g} and ends with {field.values[-1]:g} rad/us, not with 0"
        yield _finding(ends, text)
    strange = next((v for v in field.values if _off_step(v, can.step)), None)
    if strange is not None:
        yield _finding("ATOM-15", f"{what}: {strange:.12g} is between steps of {can.step:g}")


def _rates(field: Field) -> Iterator[float]:
    """Rate of change between the times; a jump is infinitely fast."""
    knots = zip(field.times, field.values, strict=True)
    for (t, v), (later, then) in itertools.pairwise(knots):
        if then != v:
            yield abs(then - v) / (later - t) if later > t else math.inf


def _drives(program: AtomProgram, profile: Profile) -> Iterator[Finding]:
    uniform = [drive for drive in program.drives if drive.pattern is None]
    if profile.drives is not None:
        if len(uniform) > profile.drives:
            yield _finding("ATOM-16", f"{len(uniform)} uniform drives, but {profile.name} has {profile.drives}")
        if any(drive.pattern is not None and drive.amplitude is not None for drive in program.drives):
            yield _finding("ATOM-16", f"an amplitude with a pattern, but {profile.name} drives all atoms alike")
        if sum(drive.pattern is not None for drive in program.drives) > 1:
            yield _finding("ATOM-16", f"several local detunings, but {profile.name} has one")
    if profile.local is None and any(drive.is_local for drive in program.drives):
        yield _finding("ATOM-16", f"a local detuning, but {profile.name} has none")


def _local(program: AtomProgram, profile: Profile) -> Iterator[Finding]:
    can = profile.local
    if can is None or profile.drives is None:
        return
    for drive in program.drives:
        weights = drive.pattern or ()
        if any(not 0.0 <= w <= 1.0 for w in weights):
            yield _finding("ATOM-19", f"a pattern from {min(weights):g} to {max(weights):g}, not within 0 and 1")
        addressed = [site for site, w in enumerate(weights) if w]
        if can.sites and len(addressed) > can.sites:
            text = f"{len(addressed)} sites with a local detuning, but {profile.name} addresses {can.sites}"
            yield _finding("ATOM-19", text)
        close = _closest([program.sites[site] for site in addressed], can.spacing) if can.spacing else None
        if close is not None:
            apart, a, b = close
            text = f"sites {addressed[a]} and {addressed[b]} with a local detuning are {apart:g} um apart, "
            yield _finding("ATOM-20", text + f"but {profile.name} needs {can.spacing:g} um")
