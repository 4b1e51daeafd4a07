"""Where each atom is while a program runs, and which gates that allows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qmk.ir.lazy import lazy
from qmk.models.atoms.geometry import Point, Site, Zone
from qmk.models.atoms.machine import NativeGate
from qmk.models.atoms.nearby import Cells
from qmk.models.atoms.profile import Profile

TOLERANCE = 1e-3
"""How far a coordinate in a program may be from its site, in um."""

SLACK = 1e-9
"""Relative room at a radius, since coordinates are rounded to binary fractions."""

NOWHERE = Zone("")


class Fault(NamedTuple):
    """A rule that something breaks, and how."""

    rule: str
    message: str


class Array:
    """Atoms by the handles of their qubits, at the sites of ``profile`` in one configuration."""

    def __init__(self, profile: Profile, configuration: str = "") -> None:
        assert profile.geometry is not None
        self.profile = profile
        self.sites: dict[int, Site] = {site.id: site for site in profile.geometry.sites}
        self.zones = {zone.id: zone for zone in profile.geometry.zones}
        self.free = list(reversed(profile.geometry.occupied_sites(configuration)))
        self.atoms = len(self.free)
        self.slot = {site: k for k, site in enumerate(reversed(self.free))}
        self.home: dict[str, int] = {}
        self.where: dict[str, int] = {}
        self.taken: dict[int, str] = {}
        blockade = profile.blockade
        self.reach = max([blockade.radius, blockade.spacing, TOLERANCE, *blockade.zones.values()]) * (1 + SLACK)
        self.spaced: Cells[str] = Cells(blockade.spacing)
        self.lit: Cells[str] = Cells(self.reach)
        self.places: Cells[int] = Cells(TOLERANCE)
        for site in profile.geometry.sites:
            self.places.put(site.id, site.point)
        self.joined = {row.gate: {frozenset(pair) for pair in row.pairs} for row in profile.interactions}

    def point(self, atom: str) -> Point:
        return self.sites[self.where[atom]].point

    def zone(self, site: int) -> Zone:
        return self.zones.get(self.sites[site].zone, NOWHERE)

    def load(self, atom: str, wish: int | None = None) -> bool:
        """Put an atom at the site ``wish`` of the configuration, or at its next one that is free; False where there is
        none."""
        at = next((k for k in reversed(range(len(self.free))) if self.free[k] not in self.taken), None)
        if wish is not None and wish not in self.taken and wish in self.free:
            at = self.free.index(wish)
        if at is None:
            return False
        self.home[atom] = self.free.pop(at)
        self._put(atom, self.home[atom])
        return True

    def begin(self, sites: Mapping[str, int]) -> None:
        """Atoms where a timeline has them first; one whose site is taken by an earlier atom comes later."""
        for atom, site in sites.items():
            if atom not in self.where and site not in self.taken:
                self.home[atom] = site
                self._put(atom, site)

    def unload(self, atom: str) -> None:
        """Its home is free for another qubit."""
        if atom in self.where:
            self._take(atom)
            self.free.append(self.home.pop(atom))

    def site_at(self, point: Sequence[float]) -> int | None:
        """The site at a point [x, y] or [x, y, z], if there is one."""
        x, y, z = (*map(float, point), 0.0)[:3]
        near = min(self.places.near((x, y, z), TOLERANCE), default=None)
        return None if near is None else near[1]

    def put(self, moves: dict[str, int]) -> Fault | None:
        """Move atoms to sites, all at once. A fault leaves them where they were."""
        before = {atom: self.where[atom] for atom in moves}
        for atom in moves:
            self._take(atom)
        fault = self._fits(moves)
        for atom, site in (before if fault else moves).items():
            self._put(atom, site)
        return fault

    def _put(self, atom: str, site: int) -> None:
        self.where[atom] = site
        self.taken[site] = atom
        if self.profile.blockade.spacing:
            self.spaced.put(atom, self.sites[site].point)
        if self.profile.blockade.light == "zone" and self.zone(site).entangles:
            self.lit.put(atom, self.sites[site].point)

    def _take(self, atom: str) -> None:
        self.taken.pop(self.where.pop(atom), None)
        self.spaced.drop(atom)
        self.lit.drop(atom)

    def _fits(self, moves: dict[str, int]) -> Fault | None:
        aims: dict[int, str] = {}
        for atom, site in moves.items():
            other = self.taken.get(site) or aims.setdefault(site, atom)
            if other != atom:
                return Fault("ATOM-30", f"'{atom}' and '{other}' are both at site {site}")
        spacing = self.profile.blockade.spacing * (1 - SLACK)
        if not spacing:
            return None
        new: Cells[str] = Cells(spacing)
        for atom, site in moves.items():
            point = self.sites[site].point
            for apart, other in itertools.chain(self.spaced.near(point, spacing), new.near(point, spacing)):
                if apart < spacing:
                    least = self.profile.blockade.spacing
                    return Fault("ATOM-31", f"'{atom}' and '{other}' are {apart:g} um apart, but need {least:g} um")
            new.put(atom, point)
        return None

    def crowding_fault(self, atom: str) -> Fault | None:
        """Whether an atom that was loaded is too close to another."""
        spacing = self.profile.blockade.spacing * (1 - SLACK)
        for apart, other in self.spaced.near(self.point(atom), spacing) if spacing else ():
            if other != atom and apart < spacing:
                least = self.profile.blockade.spacing
                return Fault("ATOM-31", f"'{atom}' and '{other}' are {apart:g} um apart, but need {least:g} um")
        return None

    def radius(self, a: int, b: int) -> float:
        """The distance in um within which two atoms at these sites are joined by a gate; 0 for any distance."""
        blockade = self.profile.blockade
        radii = [blockade.zones.get(self.sites[site].zone, blockade.radius) for site in (a, b)]
        return min((radius for radius in radii if radius), default=0.0)

    def too_far(self, a: int, b: int) -> str:
        """Why atoms at two sites are not joined by a gate, or ""."""
        first, second = self.sites[a].point, self.sites[b].point
        radius = self.radius(a, b)
        apart = math.dist(first, second)
        if radius and apart > radius * (1 + SLACK):
            return f"they are {apart:.6g} um apart, but the radius is {radius:g} um"
        for axis, bound in enumerate(self.profile.blockade.axes):
            along = abs(first[axis] - second[axis])
            if bound and along > bound * (1 + SLACK):
                return f"they are {along:.6g} um apart along {'xyz'[axis]}, but {bound:g} um is the most"
        return ""

    def spectator(self, sites: Sequence[int], atoms: frozenset[str]) -> tuple[str, str] | None:
        """An atom, other than ``atoms``, within the radius of one of ``sites``: (the atom, its distance in words). Only
        where light reaches whole zones; atoms in zones that do not entangle are in the dark."""
        if self.profile.blockade.light != "zone":
            return None
        for site in sites:
            for apart, other in self.lit.near(self.sites[site].point, self.reach):
                radius = self.radius(site, self.where[other])
                if other not in atoms and (not radius or apart <= radius * (1 + SLACK)):
                    return other, f"{apart:.6g} um"
        return None

    def gate_fault(self, native: NativeGate, atoms: tuple[str, ...]) -> Fault | None:
        """Why a gate on several atoms where they are does not run, if it does not."""
        gate = native.name
        sites = [self.where[atom] for atom in atoms]
        pairs = list(itertools.combinations(sites, 2))
        names = " and ".join(f"'{atom}'" for atom in atoms[:4])
        dark = next((site for site in sites if not self.zone(site).entangles), None)
        if dark is not None:
            return Fault(
                "ATOM-38", f"{gate}: site {dark} is in zone '{self.sites[dark].zone}', which does not entangle"
            )
        far = next((why for a, b in pairs if (why := self.too_far(a, b))), "")
        if far:
            return Fault("ATOM-36", f"{gate} on {names}: {far}")
        strange = next((pair for pair in pairs if not self._neighbours(native.connectivity, *pair)), None)
        if strange is not None:
            return Fault("ATOM-34", f"{gate} on {names}: sites {strange[0]} and {strange[1]} are not neighbours")
        joined = self.joined.get(gate)
        apart = next((pair for pair in pairs if joined is not None and frozenset(pair) not in joined), None)
        if apart is not None:
            return Fault("ATOM-35", f"{gate} on {names}: sites {apart[0]} and {apart[1]} are not a pair of its graph")
        near = self.spectator(sites, frozenset(atoms))
        if near is not None:
            return Fault("ATOM-37", f"{gate} on {names}: '{near[0]}' is {near[1]} away")
        return None

    def _neighbours(self, connectivity: str, a: int, b: int) -> bool:
        if connectivity == "chain":
            return a in self.slot and b in self.slot and abs(self.slot[a] - self.slot[b]) == 1
        if connectivity == "grid":
            return frozenset((a, b)) in self.grid
        return True

    @lazy
    def grid(self) -> set[frozenset[int]]:
        """Sites that follow each other along x, y or z, the other coordinates being equal."""
        found: set[frozenset[int]] = set()
        for axis in range(3):
            lines: dict[tuple[int, ...], list[tuple[float, int]]] = {}
            for site in self.sites.values():
                rest = tuple(round(x / TOLERANCE) for k, x in enumerate(site.point) if k != axis)
                lines.setdefault(rest, []).append((site.point[axis], site.id))
            for line in lines.values():
                found |= {frozenset((a, b)) for (_, a), (_, b) in itertools.pairwise(sorted(line))}
        return found
