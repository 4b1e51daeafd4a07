"""An architecture: where sites are, which lanes join them, and which words entangle. ArchSpec JSON of version 2.0, as
bloqade-lanes writes it; distances in um."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from importlib import resources

import msgspec

from qmk.frontends.lanes.code import Lane, Location, lane
from qmk.models.atoms.machine import Transport
from qmk.models.atoms.motion import travel_us
from qmk.sdk.frontend import Refused, refuse

MOTION = Transport(jerk=4e-4, acceleration=1.5e-3, pick=5.0, drop=5.0)
"""FLAIR's law of motion in bloqade-lanes 0.11: um/us^3, um/us^2, and 5 us to take an atom up and to let it down"""
MAX_SITES = 1_000_000
FARTHEST = 1e6
KINDS = ("site", "word", "zone")

Point = tuple[float, float]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing that is written is left out."""


class Word(_Part, frozen=True):
    sites: list[tuple[int, int]]


class Grid(_Part, frozen=True):
    x_start: float
    y_start: float
    x_spacing: list[float]
    y_spacing: list[float]


class Bus(_Part, frozen=True):
    src: list[int]
    dst: list[int]


class ZoneBus(_Part, frozen=True):
    src: list[tuple[int, int]]
    dst: list[tuple[int, int]]


class Zone(_Part, frozen=True):
    grid: Grid
    name: str = ""
    site_buses: list[Bus] = []
    word_buses: list[Bus] = []
    words_with_site_buses: list[int] = []
    sites_with_word_buses: list[int] = []
    entangling_pairs: list[tuple[int, int]] = []


class Mode(_Part, frozen=True):
    name: str
    zones: list[int]
    bitstring_order: list[str | int] = []


class Path(_Part, frozen=True):
    lane: str
    waypoints: list[Point]


class Spec(_Part, frozen=True):
    version: str
    words: list[Word]
    zones: list[Zone]
    zone_buses: list[ZoneBus] = []
    modes: list[Mode] = []
    paths: list[Path] | None = None
    feed_forward: bool = False
    atom_reloading: bool = False
    blockade_radius: float | None = None


class Arch:
    """A specification with what follows from it."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        if spec.version != "2.0":
            refuse("LANES-04", f"ArchSpec has version {spec.version[:20]!r}, not '2.0'")
        if len(spec.zones) > 256 or sum(len(word.sites) for word in spec.words) * len(spec.zones) > MAX_SITES:
            refuse("LANES-04", f"more than 256 zones or {MAX_SITES} sites")
        self._grids = [_axes(zone.grid) for zone in spec.zones]
        for zone, (xs, ys) in zip(spec.zones, self._grids, strict=True):
            self._check_zone(zone, len(xs), len(ys))
        for bus in spec.zone_buses:
            found = {*bus.src, *bus.dst}
            if len(bus.src) != len(bus.dst) or any(
                not (0 <= z < len(spec.zones) and 0 <= w < len(spec.words)) for z, w in found
            ):
                refuse("LANES-04", "a zone bus joins what is not there")
        self._paths = {int(path.lane, 16): path.waypoints for path in spec.paths or () if _is_hex(path.lane)}
        if len(self._paths) != len(spec.paths or ()):
            refuse("LANES-04", "a path has no lane of its own")

    def _check_zone(self, zone: Zone, columns: int, rows: int) -> None:
        words = len(self.spec.words)
        longest = max((len(word.sites) for word in self.spec.words), default=0)
        for word in self.spec.words:
            if any(not (0 <= x < columns and 0 <= y < rows) for x, y in word.sites):
                refuse("LANES-04", f"zone '{zone.name[:40]}': a site is not on the grid of {columns} x {rows}")
        for buses, count, kind in ((zone.site_buses, longest, "site"), (zone.word_buses, words, "word")):
            for bus in buses:
                if len(bus.src) != len(bus.dst) or any(not 0 <= k < count for k in (*bus.src, *bus.dst)):
                    refuse("LANES-04", f"zone '{zone.name[:40]}': a {kind} bus joins what is not there")
        if any(not 0 <= k < words for pair in zone.entangling_pairs for k in pair):
            refuse("LANES-04", f"zone '{zone.name[:40]}': an entangling pair names a word that is not there")

    # -- places ------------------------------------------------------------------------------------------------------

    def check(self, at: Location) -> None:
        words = self.spec.words
        if at.zone >= len(self.spec.zones) or at.word >= len(words) or at.site >= len(words[at.word].sites):
            refuse("LANES-05", f"there is no site {at.site} of word {at.word} in zone {at.zone}")

    def point(self, at: Location) -> Point:
        xs, ys = self._grids[at.zone]
        x, y = self.spec.words[at.word].sites[at.site]
        return xs[x], ys[y]

    def locations(self, zone: int) -> Iterator[Location]:
        """All sites of a zone: word by word, site by site."""
        for word, row in enumerate(self.spec.words):
            for site in range(len(row.sites)):
                yield Location(zone, word, site)

    def pairs(self, zone: int) -> Iterator[tuple[Location, Location]]:
        """The sites that a CZ of the zone entangles."""
        for a, b in self.spec.zones[zone].entangling_pairs:
            for site in range(min(len(self.spec.words[a].sites), len(self.spec.words[b].sites))):
                yield Location(zone, a, site), Location(zone, b, site)

    # -- lanes -------------------------------------------------------------------------------------------------------

    def ends(self, lane: Lane) -> tuple[Location, Location]:
        """From where to where the lane carries an atom."""
        start = Location(lane.zone, lane.word, lane.site)
        self.check(start)
        zone = self.spec.zones[lane.zone]
        buses = (zone.site_buses, zone.word_buses, self.spec.zone_buses)[lane.kind]
        if lane.bus >= len(buses):
            refuse("LANES-05", f"there is no {KINDS[lane.kind]} bus {lane.bus}")
        bus = buses[lane.bus]
        if lane.kind == 0 and lane.word not in zone.words_with_site_buses:
            refuse("LANES-05", f"word {lane.word} of zone {lane.zone} has no site buses")
        if lane.kind == 1 and lane.site not in zone.sites_with_word_buses:
            refuse("LANES-05", f"site {lane.site} of zone {lane.zone} has no word buses")
        key = (lane.site, lane.word, (lane.zone, lane.word))[lane.kind]
        if key not in bus.src:
            refuse("LANES-05", f"{KINDS[lane.kind]} bus {lane.bus} does not begin at {key}")
        to = bus.dst[bus.src.index(key)]  # pyright: ignore[reportArgumentType, reportCallIssue]
        if isinstance(to, tuple):
            end = Location(to[0], to[1], lane.site)
        else:
            end = Location(lane.zone, lane.word, to) if lane.kind == 0 else Location(lane.zone, to, lane.site)
        self.check(end)
        return (end, start) if lane.back else (start, end)

    def duration(self, bits: int) -> float:
        """The time in us that the lane takes: along its waypoints, at rest in each, else straight."""
        start, end = self.ends(lane(bits))
        way = self._paths.get(bits) or [self.point(start), self.point(end)]
        return MOTION.pick + sum(travel_us(MOTION, math.dist(a, b)) for a, b in itertools.pairwise(way)) + MOTION.drop


def _axes(grid: Grid) -> tuple[list[float], list[float]]:
    found = [
        list(itertools.accumulate(spacing, initial=start))
        for start, spacing in ((grid.x_start, grid.x_spacing), (grid.y_start, grid.y_spacing))
    ]
    if not all(abs(value) < FARTHEST for axis in found for value in axis):
        refuse("LANES-04", f"a coordinate is not within {FARTHEST:g} um")
    return found[0], found[1]


def _is_hex(text: str) -> bool:
    return text.lower().startswith("0x") and len(text) <= 18 and text[2:].isalnum() and text.isascii() and _hex(text)


def _hex(text: str) -> bool:
    try:
        return int(text, 16) >= 0
    except ValueError:
        return False


_DECODER = msgspec.json.Decoder(Spec)


@functools.cache
def shipped_archs() -> dict[str, Arch]:
    """The architectures by name: those of QuEra's Gemini in bloqade-lanes 0.11.9 (Apache-2.0)."""
    folder = resources.files("qmk.frontends.lanes") / "specs"
    return {
        item.name.removesuffix(".json"): Arch(_DECODER.decode(item.read_bytes()))
        for item in folder.iterdir()
        if item.name.endswith(".json")
    }


def arch(given: str) -> Arch:
    """An architecture by its name, or from the text of its specification."""
    if not given.lstrip().startswith("{"):
        if given not in shipped_archs():
            refuse(
                "LANES-04", f"there is no architecture {given[:40]!r}; there are {', '.join(sorted(shipped_archs()))}"
            )
        return shipped_archs()[given]
    try:
        return Arch(_DECODER.decode(given))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("LANES-04", f"not an ArchSpec: {error}") from error
