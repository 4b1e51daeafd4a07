"""Moves on zoned devices: which atoms stay where they met, who comes to whom, and where the others wait.

The light of a gate reaches every atom of the zones that entangle. An atom there that takes no part suffers, an atom
that is carried suffers, all of them wait while others are carried. The planner has one price for each, in natural
logarithms of fidelity, and takes for each gate what costs least with what was decided before in its step: the rounds
(``rounds``) that its moves join or add are priced as they are. An atom without a gate in the next pulse goes to the
storage if that costs less than the light until its next gate; a ``patient`` planner lets it wait until the light has
cost as much as the round that takes it away.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence

from qmk.models.atoms.array import SLACK, Array
from qmk.models.atoms.carrying import Carrier
from qmk.models.atoms.geometry import Point
from qmk.models.atoms.motion import move_us
from qmk.models.atoms.nearby import Neighbours
from qmk.models.atoms.rounds import Moves
from qmk.models.atoms.steps import Future, Option, Pair, Prices, Step, Style

ORDERS: tuple[Callable[[Point, Point], tuple[float, ...]], ...] = (
    lambda a, b: (a[0] + b[0], a[1] + b[1]),
    lambda a, b: (-a[0] - b[0], a[1] + b[1]),
    lambda a, b: (-math.dist(a, b), a[0] + b[0]),
    lambda a, b: (a[1] + b[1], a[0] + b[0]),
)
"""Orders in which the gates of a step are taken, by where their atoms are."""


class ZonePlanner:
    """Which atoms go where on a device whose light reaches whole zones. ``fits`` says whether it is for a device."""

    def __init__(self, array: Array, carrier: Carrier, future: Future, prices: Prices, style: Style) -> None:
        self.array, self.carrier, self.future, self.prices, self.style = array, carrier, future, prices, style
        self.mate = mates(array)
        self.pairs = sorted({(min(a, b), max(a, b)) for a, b in self.mate.items()}, key=self._place)
        self.lines: dict[float, list[tuple[float, tuple[int, int]]]] = {}
        for pair in self.pairs:
            x, y, _ = array.sites[pair[0]].point
            self.lines.setdefault(y, []).append((x, pair))
        self.pair_of = {site: pair for pair in self.pairs for site in pair}
        self.storage = _rows(array)
        self.paid: dict[str, float] = {}
        self.cleared = False

    def _place(self, pair: tuple[int, int]) -> tuple[float, ...]:
        return self.array.sites[pair[0]].point[::-1]

    # -- atoms without a gate

    def leave(self, gates: Sequence[Pair]) -> Iterator[Moves]:
        """Rounds in which atoms that have none of the next ``gates`` go to the storage."""
        busy = {atom for gate in gates for atom in gate}
        idle = [atom for atom, site in self.array.where.items() if site in self.mate and atom not in busy]
        if not self.future.uses or not idle:
            self.cleared = True
            return iter(())
        step = Step(self.array, self.carrier, self.prices, set(idle))
        idle.sort(key=lambda atom: self.array.point(atom)[::-1])
        must = [atom for atom in idle if self._must_go(atom, busy, idle)]
        free = [atom for atom in idle if atom not in must]
        due = [atom for atom in free if self._staying(atom) > self._going(atom)]
        probe = Step(self.array, self.carrier, self.prices, set(idle))
        whole = self._send([*must, *due], probe)
        spent = sum(self.paid.get(atom, 0.0) + self.prices.idle for atom in due)
        if must or not self.style.patient or (due and spent >= whole):
            self._send(sorted([*must, *due], key=lambda atom: self.array.point(atom)[::-1]), step)
            for atom in free:
                if atom not in due and not self._has_mate(atom, step):
                    self._join_if_cheap(atom, step)
        for atom in idle:
            if step.where[atom] == self.array.where[atom]:
                self.paid[atom] = self.paid.get(atom, 0.0) + self.prices.idle
            else:
                self.paid.pop(atom, None)
        self.cleared = True
        return step.moves()

    def _must_go(self, atom: str, busy: set[str], idle: Sequence[str]) -> bool:
        """Of two atoms of one pair without a gate the one that is needed later goes; one beside an atom with a gate
        elsewhere may stay."""
        other = self.array.taken.get(self.mate[self.array.where[atom]])
        if other is None or other in busy:
            return False
        mine, its = (self.future.next_use(each) for each in (atom, other))
        return (mine[0] if mine else math.inf, atom) > (its[0] if its else math.inf, other)

    def _staying(self, atom: str) -> float:
        """What waiting in the light until the next gate costs."""
        use = self.future.next_use(atom)
        return math.inf if use is None else self.prices.idle * use[0]

    def _going(self, atom: str) -> float:
        """What the storage and the way back cost, if others go too."""
        use = self.future.next_use(atom)
        return self.prices.move if use is None else 2 * self.prices.move

    def _has_mate(self, atom: str, step: Step) -> bool:
        return self.mate[step.where[atom]] in step.taken

    def _join_if_cheap(self, atom: str, step: Step) -> None:
        best = self._best_storage(atom, step)
        if best is not None and best[0] + self.prices.move < self._staying(atom):
            step.commit([(atom, best[1])], best[2])

    def _send(self, atoms: Sequence[str], step: Step) -> float:
        total = 0.0
        for atom in atoms:
            best = self._best_storage(atom, step)
            if best is not None:
                total += best[0]
                step.commit([(atom, best[1])], best[2])
        return total

    def _best_storage(self, atom: str, step: Step) -> tuple[float, int, list[int]] | None:
        use = self.future.next_use(atom)
        partner = None if use is None else self.array.sites[step.where[use[1]]].point
        best: tuple[float, float, int, list[int]] | None = None
        for site in self._storage_near(self.array.point(atom), step, 3 * self.style.near):
            price, chosen = step.price([(atom, site)])
            value = price
            if partner is not None:
                away = abs(self.array.sites[site].point[0] - partner[0])
                value += self.style.ahead * self.prices.time * move_us(self.carrier.transport, away)
            if best is None or value < best[0]:
                best = value, price, site, chosen
        return None if best is None else best[1:]

    def _storage_near(self, point: Sequence[float], step: Step, count: int) -> Iterator[int]:
        """Free dark sites about x, a few in each of the nearest rows."""
        rows = sorted(self.storage, key=lambda y: abs(y - point[1]))
        found = 0
        for y in rows:
            row = self.storage[y]
            at = bisect.bisect_left(row, (point[0], -1))
            here = 0
            for k in _outwards(at, len(row)):
                site = row[k][1]
                if site not in step.taken:
                    yield site
                    here += 1
                    if here == count:
                        break
            found += here > 0
            if found == 2:
                return

    # -- gates

    def bring(self, gates: Sequence[Pair]) -> tuple[list[int], Iterator[Moves]]:
        """Which of ``gates`` can run in the next pulse (indexes), and the rounds that bring their atoms together."""
        array = self.array
        chosen = [k for k, (a, b) in enumerate(gates) if self.mate.get(array.where[a]) == array.where[b]]
        done = set(chosen)
        rest = [k for k in range(len(gates)) if k not in done]
        closed = {self.pair_of[array.where[gates[k][0]]] for k in chosen}
        best: tuple[float, list[int], Step] | None = None
        for order in ORDERS[: self.style.orders]:
            rest.sort(key=lambda k: order(*(array.point(atom) for atom in gates[k])))
            step = Step(array, self.carrier, self.prices, {atom for k in rest for atom in gates[k]})
            step.closed = set(closed)
            step.busy = {atom for gate in gates for atom in gate}
            placed, value = self._place_all(gates, list(rest), step)
            value += (len(rest) - len(placed)) * self.prices.time * 1e3
            if best is None or value < best[0]:
                best = value, placed, step
        assert best is not None, "there is at least one order"
        self.cleared = False
        return sorted([*chosen, *best[1]]), best[2].moves()

    def _place_all(self, gates: Sequence[Pair], rest: list[int], step: Step) -> tuple[list[int], float]:
        """Which of ``rest`` have a place, and what that costs."""
        chosen: list[int] = []
        total = 0.0
        left_over: list[int] = []
        while rest:
            waiting: list[tuple[float, int, Option]] = []
            placed: set[int] = set()
            for k in rest:
                best, hope = self._best_option(gates[k], step)
                if best is None:
                    continue
                if best.value <= hope + SLACK:
                    total += self._take(best, gates[k], step)
                    placed.add(k)
                else:
                    waiting.append((best.value - hope, k, best))
            if not placed and waiting:
                _, k, best = min(waiting, key=lambda row: row[:2])
                total += self._take(best, gates[k], step)
                placed.add(k)
            if not placed:
                left_over = rest
                break
            chosen += sorted(placed)
            rest = [k for k in rest if k not in placed]
        for atom in (atom for k in left_over for atom in gates[k]):
            if step.where[atom] in self.mate and self._has_mate(atom, step):
                total += self._send([atom], step)
        return chosen, total

    def _take(self, option: Option, gate: Pair, step: Step) -> float:
        step.commit(option.moves, option.rounds)
        step.going.difference_update(gate)
        step.closed.add(option.pair)
        return option.value

    def _best_option(self, gate: Pair, step: Step) -> tuple[Option | None, float]:
        """The cheapest that can be done now, and the least price of one whose site another gate's atom may leave."""
        best: Option | None = None
        hope = math.inf
        for pair, aims in self._options(gate, step):
            moves = [(atom, site) for atom, site in aims if self.array.where[atom] != site]
            blocking = {other for atom, site in aims if (other := step.taken.get(site, atom)) != atom}
            if blocking - step.going - step.idle():
                continue
            price, rounds = step.price(moves)
            value = price + self._ahead(aims, step)
            if blocking:
                hope = min(hope, value) if blocking <= step.going else hope
                if len(blocking) == 1 and blocking <= step.idle():
                    made = self._displace(blocking.pop(), pair, moves, value - price, step)
                    best = made if made is not None and (best is None or made.value < best.value) else best
            elif best is None or value < best.value:
                best = Option(value, pair, moves, rounds)
        return best, hope

    def _displace(
        self, idle: str, pair: tuple[int, int], moves: list[tuple[str, int]], ahead: float, step: Step
    ) -> Option | None:
        """An option whose site an atom without a gate leaves, for another pair or the storage."""
        best: Option | None = None
        for site, kept in self._refuges(idle, step):
            if site in pair:
                continue
            price, rounds = step.price([(idle, site), *moves])
            value = price + kept + ahead
            if best is None or value < best.value:
                best = Option(value, pair, [(idle, site), *moves], rounds)
        return best

    def _refuges(self, atom: str, step: Step) -> Iterator[tuple[int, float]]:
        """Where an atom without a gate can go, with what comes after."""
        point = self.array.point(atom)
        wait = min(self._staying(atom), 8 * self.prices.idle)
        for pair in self._free_pairs(point, step, 2):
            for site in pair:
                yield site, wait
        back = self._going(atom) - self.prices.move
        for site in self._storage_near(point, step, 2):
            yield site, back

    def _free_pairs(self, point: Sequence[float], step: Step, count: int) -> Iterator[tuple[int, int]]:
        """Empty pairs about a point: the nearest two to either side in each of the nearest rows."""
        found = 0
        for y in sorted(self.lines, key=lambda y: abs(y - point[1])):
            line = self.lines[y]
            at = bisect.bisect_left(line, (point[0], (-1, -1)))
            before = found
            for side in (range(at - 1, -1, -1), range(at, len(line))):
                here = 0
                for k in side:
                    pair = line[k][1]
                    if pair not in step.closed and not any(site in step.taken for site in pair):
                        yield pair
                        here += 1
                        if here == self.style.near:
                            break
                found += here
            if found >= count and before:
                return

    def _options(self, gate: Pair, step: Step) -> Iterator[tuple[tuple[int, int], list[tuple[str, int]]]]:
        """Pairs of sites for a gate: where one of its atoms is, and free ones near them."""
        a, b = gate
        here = [self.array.where[atom] for atom in gate]
        for stays, comes, site in ((a, b, here[0]), (b, a, here[1])):
            pair = self.pair_of.get(site)
            if pair is not None and pair not in step.closed:
                yield pair, [(stays, site), (comes, self.mate[site])]
        points = [self.array.sites[site].point for site in here]
        middle = tuple(sum(axis) / 2 for axis in zip(*points, strict=True))
        first, second = gate if points[0] <= points[1] else gate[::-1]
        seen: set[tuple[int, int]] = set()
        for point in (middle, *points):
            for pair in self._free_pairs(point, step, 4 * self.style.near):
                if pair not in seen:
                    seen.add(pair)
                    low, high = sorted(pair, key=lambda site: self.array.sites[site].point)
                    yield pair, [(first, low), (second, high)]

    def _ahead(self, aims: Sequence[tuple[str, int]], step: Step) -> float:
        """The way to the partners of the gates after this one."""
        total = 0.0
        for atom, site in aims:
            use = self.future.next_use(atom, 1)
            if use is not None:
                there = self.array.sites[step.where[use[1]]].point
                away = math.dist(self.array.sites[site].point, there)
                total += move_us(self.carrier.transport, away) / max(1, use[0])
        return self.style.ahead * self.prices.time * total


def mates(array: Array) -> dict[int, int]:
    """By site of a zone that entangles the other of its pair: the only one within reach, and its only one."""
    bright = {site.id: site.point for site in array.sites.values() if array.zone(site.id).entangles}
    near = Neighbours(bright)
    least = array.profile.blockade.spacing * (1 - SLACK)
    found: dict[int, int] = {}
    for site, point in bright.items():
        others = [other for _, other in near.nearest(point, 2, least, array.reach) if not array.too_far(site, other)]
        if len(others) == 1:
            found[site] = others[0]
    return {site: other for site, other in found.items() if found.get(other) == site}


def fits(array: Array) -> bool:
    """Whether a device has light that reaches zones, pairs of sites far from each other, and dark sites to wait at."""
    profile = array.profile
    if profile.transport is None or profile.transport.lanes or profile.blockade.light != "zone":
        return False
    bright = [site for site in array.sites if array.zone(site).entangles]
    dark = len(array.sites) - len(bright)
    return bool(bright) and dark >= array.atoms and len(mates(array)) == len(bright) and not profile.interactions


def _rows(array: Array) -> dict[float, list[tuple[float, int]]]:
    """Dark sites by their height, each row in order of x."""
    rows: dict[float, list[tuple[float, int]]] = {}
    for site in array.sites.values():
        if not array.zone(site.id).entangles:
            rows.setdefault(site.y, []).append((site.x, site.id))
    return {y: sorted(row) for y, row in rows.items()}


def _outwards(at: int, count: int) -> Iterator[int]:
    """Indexes from ``at`` to both sides, the nearer first."""
    for away in range(count):
        if at - 1 - away >= 0:
            yield at - 1 - away
        if at + away < count:
            yield at + away
