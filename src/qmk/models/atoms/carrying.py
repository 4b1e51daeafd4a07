"""Moves: what a device lets its atoms do, and which atoms go where so that a gate can run.

The plan is a simple one. Before a layer of gates, atoms that are away go home unless their next gate is with their
neighbour there; then each pair that is not joined is: one atom goes to a free site beside the other, or both go to a
free pair of sites in a zone that entangles. Homes of atoms stay free for them. Pairs are taken in order of place, so
that many of them move together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterator, Sequence

from qmk.models.atoms.array import SLACK, Array, Fault
from qmk.models.atoms.machine import Lane, Transport
from qmk.models.atoms.motion import move_us
from qmk.models.atoms.nearby import Cells, Neighbours
from qmk.models.atoms.rounds import Ends, Moves, Round

NEAREST = 8
"""How many free sites are tried beside an atom."""


class Carrier:
    """Moves on a device, with what they add up to in a shot."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.transport = array.profile.transport or Transport()
        self.sites = {site.point: site.id for site in array.sites.values()}
        self.lanes = {frozenset(lane.ends): lane for lane in self.transport.lanes}
        self.ways: dict[int, set[int]] = {}
        for a, b in (lane.ends for lane in self.transport.lanes):
            self.ways.setdefault(a, {a}).add(b)
            self.ways.setdefault(b, {b}).add(a)
        self.moved: dict[str, int] = {}
        self.gone: dict[str, float] = {}
        self.total = 0

    def lane(self, atom: str, site: int) -> Lane | None:
        return self.lanes.get(frozenset((self.array.where[atom], site)))

    def distance(self, atom: str, site: int) -> float:
        """The length of the way in um."""
        lane = self.lane(atom, site)
        return (
            lane.distance if lane and lane.distance else math.dist(self.array.point(atom), self.array.sites[site].point)
        )

    def duration(self, moves: Moves) -> float:
        """The time in us that all of them take together, which is that of the slowest."""
        times: list[float] = []
        for atom, site in moves.items():
            lane = self.lane(atom, site)
            times.append(
                lane.duration if lane and lane.duration else move_us(self.transport, self.distance(atom, site))
            )
        return max(times, default=0.0)

    def faults(self, moves: Moves) -> Iterator[Fault]:
        """What forbids these moves together, beside the places they end at. They count from here on."""
        limits, name = self.transport.limits, self.array.profile.name
        if self.array.profile.transport is None:
            yield Fault("ATOM-40", f"{name} does not move atoms")
            return
        ways = {atom: self.lane(atom, site) for atom, site in moves.items()}
        stuck = next((atom for atom, lane in ways.items() if self.lanes and lane is None), None)
        if stuck is not None:
            yield Fault("ATOM-40", f"no lane joins sites {self.array.where[stuck]} and {moves[stuck]}")
        elif len({lane.bus for lane in ways.values() if lane is not None}) > 1:
            yield Fault("ATOM-40", "the lanes of these moves are of several buses")
        if limits.at_once and len(moves) > limits.at_once:
            yield Fault("ATOM-42", f"{len(moves)} atoms move at once, but {name} moves {limits.at_once}")
        why = "" if self.transport.crossing else self._cross(moves)
        if why:
            yield Fault("ATOM-45", f"{len(moves)} atoms that move together {why}")
        for atom, site in moves.items():
            self.moved[atom] = self.moved.get(atom, 0) + 1
            self.gone[atom] = self.gone.get(atom, 0.0) + self.distance(atom, site)
        self.total += len(moves)
        most = max(moves, key=lambda atom: self.moved[atom])
        far = max(moves, key=lambda atom: self.gone[atom])
        if limits.per_atom and self.moved[most] > limits.per_atom:
            yield Fault(
                "ATOM-42", f"'{most}' moves {self.moved[most]} times, but {name} moves an atom {limits.per_atom}"
            )
        if limits.per_shot and self.total > limits.per_shot:
            yield Fault("ATOM-42", f"{self.total} moves in a shot, but {name} has {limits.per_shot}")
        if limits.distance and self.gone[far] > limits.distance * (1 + SLACK):
            text = f"'{far}' goes {self.gone[far]:g} um in all, but {name} moves an atom {limits.distance:g} um"
            yield Fault("ATOM-43", text)

    def ends(self, atom: str, site: int) -> Ends:
        return self.array.point(atom), self.array.sites[site].point

    def _cross(self, moves: Moves) -> str:
        """Why moves do not go together, or ""."""
        round = Round()
        for atom, site in moves.items():
            ends = self.ends(atom, site)
            if not round.keeps(ends, self.transport.separation):
                return "do not keep their order, or not their distance"
            round.add(atom, site, ends)
        if self.transport.separation and any(self.catches(round, self.array.point(atom)) for atom in moves):
            return "cross at an atom that stays"
        return ""

    def catches(self, round: Round, start: Sequence[float], going: Container[str] = ()) -> bool:
        """Whether tweezers of ``round`` and one at ``start`` cross at an atom that is neither of the round nor in
        ``going``."""
        for x, y in round.crossings(start):
            atom = self.array.taken.get(self.sites.get((x, y, start[2]), -1))
            if atom is not None and atom not in round.moves and atom not in going and (x, y) != (start[0], start[1]):
                return True
        return False

    def groups(self, moves: Moves) -> Iterator[Moves]:
        """The moves in as few rounds as first fit finds: each keeps the order of rows and columns. Each is to be made
        before the next is asked for; an atom whose site is taken waits until the other leaves."""
        rest = dict(moves)
        while rest:
            made = self._first_group(rest) or rest
            rest = {atom: site for atom, site in rest.items() if atom not in made}
            yield made

    def _first_group(self, rest: Moves) -> Moves:
        round, size = Round(), -1
        while size < len(round.moves) < len(rest):
            size = len(round.moves)
            for atom, site in rest.items():
                if atom not in round.moves and self.array.taken.get(site, atom) in (atom, *round.moves):
                    ends, lane = self.ends(atom, site), self.lane(atom, site)
                    if not round.moves or round.takes(ends, lane, self.transport):
                        round.add(atom, site, ends, lane)
        return self._without_catches(round) if self.transport.separation else round.moves

    def _without_catches(self, round: Round) -> Moves:
        """The moves of a round, the last ones left out until no tweezers cross at an atom that stays, and no atom goes
        where another stays."""
        moves = dict(round.moves)
        while len(moves) > 1:
            rest = Round()
            for atom, site in moves.items():
                rest.add(atom, site, self.ends(atom, site))
            bad = [atom for atom in moves if self.catches(rest, self.array.point(atom))]
            bad += [atom for atom, site in moves.items() if self.array.taken.get(site, atom) not in moves]
            if not bad:
                break
            del moves[bad[-1]]
        return moves


class Planner:
    """Which atoms go where."""

    def __init__(self, array: Array, carrier: Carrier) -> None:
        self.array = array
        self.carrier = carrier
        self.homes = set(array.home.values())
        self.least = array.profile.blockade.spacing * (1 - SLACK)
        self.lit = array.profile.blockade.light == "zone"
        self.bright = Neighbours({s.id: s.point for s in array.sites.values() if array.zone(s.id).entangles})
        self.pairs = self._pairs()

    def _gate_sites_near(self, site: int) -> Iterator[int]:
        """The nearest sites at which a gate with an atom at ``site`` can run, as far as these two say."""
        for _, other in self.bright.nearest(self.array.sites[site].point, NEAREST, self.least, self.array.reach):
            if not self.array.too_far(site, other):
                yield other

    def _pairs(self) -> list[tuple[int, int]]:
        """Pairs of sites where gates run: each site that entangles with the nearest such one, in order of place."""
        array, found = self.array, set[tuple[int, int]]()
        for site in self.bright.points:
            other = next(self._gate_sites_near(site), None)
            if other is not None:
                found.add((min(site, other), max(site, other)))
        return sorted(found, key=lambda pair: array.sites[pair[0]].point[::-1])

    def moves_home(self, staying: set[str]) -> Moves:
        """Atoms that go home: those away, but for ``staying``."""
        array = self.array
        return {a: array.home[a] for a, site in array.where.items() if site != array.home[a] and a not in staying}

    def places(self, gates: Sequence[tuple[str, str]]) -> tuple[list[int], Moves]:
        """Which of ``gates`` can be brought together now (indexes), and where their atoms go."""
        array = self.array
        self.homes = set(array.home.values())
        order = sorted(range(len(gates)), key=lambda k: array.point(gates[k][0])[::-1])
        planned: Cells[int] = Cells(array.reach if self.lit else self.least)
        rest = [
            pair for pair in self.pairs if not self.homes.intersection(pair) and not any(map(array.taken.get, pair))
        ]
        chosen: list[int] = []
        moves: Moves = {}
        for k in order:
            found = self._bring_one(gates[k], planned) or self._bring_both(gates[k], planned, rest)
            if found is not None:
                chosen.append(k)
                moves |= {atom: site for atom, site in found.items() if site != array.where[atom]}
                for site in found.values():
                    planned.put(site, array.sites[site].point)
        return sorted(chosen), moves

    def _bring_one(self, gate: tuple[str, str], planned: Cells[int]) -> Moves | None:
        """One atom stays, the other comes."""
        array = self.array
        best: tuple[float, Moves] | None = None
        for stays, comes in (gate, gate[::-1]):
            here = array.where[stays]
            if not array.zone(here).entangles:
                continue
            for site in self._gate_sites_near(here):
                if site not in self.homes and self._usable((here, site), {stays: here, comes: site}, planned):
                    length = self.carrier.distance(comes, site)
                    if best is None or length < best[0]:
                        best = length, {stays: here, comes: site}
                    break
        return None if best is None else best[1]

    def _bring_both(self, gate: tuple[str, str], planned: Cells[int], rest: list[tuple[int, int]]) -> Moves | None:
        """Both go to a pair of sites; what no gate can use any more is dropped from ``rest``."""
        a, b = gate
        if self.carrier.lanes:
            return self._by_lanes(a, b, planned)
        for at, (s, t) in enumerate(rest):
            aims = {a: s, b: t} if self.array.point(a) <= self.array.point(b) else {a: t, b: s}
            if self._usable((s, t), aims, planned):
                del rest[: at + 1]
                return aims
        return None

    def _by_lanes(self, a: str, b: str, planned: Cells[int]) -> Moves | None:
        """Each atom along one lane."""
        ways, array = self.carrier.ways, self.array
        for s in sorted(ways.get(array.where[a], ())):
            for t in sorted(ways.get(array.where[b], ())):
                free = s != t and not self.homes.intersection((s, t)) and s in self.bright.points
                if free and self._usable((s, t), {a: s, b: t}, planned):
                    return {a: s, b: t}
        return None

    def _usable(self, sites: tuple[int, int], aims: Moves, planned: Cells[int]) -> bool:
        array = self.array
        for atom, site in aims.items():
            if array.taken.get(site, atom) != atom or not array.zone(site).entangles or site in planned.points:
                return False
            if site != array.where[atom] and self.carrier.lanes and self.carrier.lane(atom, site) is None:
                return False
        apart = math.dist(array.sites[sites[0]].point, array.sites[sites[1]].point)
        if array.too_far(*sites) or apart < self.least or array.spectator(sites, frozenset(aims)):
            return False
        radius = array.reach if self.lit else self.least
        around = itertools.chain.from_iterable(planned.near(array.sites[site].point, radius) for site in sites)
        return not any(self.lit or distance < self.least for distance, _ in around)
