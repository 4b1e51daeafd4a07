"""Programs on a device where only some pairs of sites are coupled: qubits are placed on sites, and exchanged where the
two of a gate are apart.

A placement that needs no exchange is searched first, within ``STEPS`` steps. Where there is none the qubits are placed
close to their partners and each gate's two walk towards each other, by the exchange that leaves the next gates closest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from qmk.ir.program import Barrier, Gate, Instruction, Logic, Measure, Program, Reset, Unsupported

STEPS = 20_000
"""Placements of one qubit that the search for a placement without exchanges tries."""
AHEAD = 16
"""Gates to come that the choice of an exchange looks at."""
ROUNDS = 4
"""Placements that are tried where there must be exchanges."""
FAR = 1 << 20

Pair = tuple[int, int]
Neighbours = Mapping[int, set[int]]
Distances = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True)
class Routed:
    """``program``: its qubits are sites, its two-qubit gates are on coupled pairs; gates "swap" were added. ``sites``:
    where each qubit that the program uses starts."""

    program: Program
    sites: dict[int, int]
    swaps: int


def route(program: Program, couplings: Iterable[Pair], sites: Sequence[int]) -> Routed:
    """``program``, of gates on one and two qubits, on ``sites``. Raises ``Unsupported`` where it does not fit."""
    near: dict[int, set[int]] = {site: set() for site in sites}
    for a, b in couplings:
        if a in near and b in near and a != b:
            near[a].add(b)
            near[b].add(a)
    pairs = [item.qubits for item in program.instructions if isinstance(item, Gate) and len(item.qubits) > 1]
    for qubits in pairs:
        if len(qubits) > 2:
            raise Unsupported(f"a gate on {len(qubits)} qubits: only one- and two-qubit gates are placed on sites")
    used = sorted({qubit for item in program.instructions for qubit in _qubits_of(item)})
    if len(used) > len(near):
        raise Unsupported(f"{len(used)} qubits: the device has {len(near)} that can be used")
    two = [(a, b) for a, b in pairs]
    far = {site: _distances(near, site) for site in near}
    start = _without_swaps(two, used, near) or _improve(near, far, _close(two, used, far, near), two)
    return _Router(near, far, start, two).route(program, max(sites, default=-1) + 1)


def _qubits_of(item: Instruction) -> tuple[int, ...]:
    if isinstance(item, Gate):
        return item.qubits
    return (item.qubit,) if isinstance(item, Measure | Reset) else ()


def _without_swaps(pairs: list[Pair], used: list[int], near: Neighbours) -> dict[int, int] | None:
    """Sites at which all pairs are coupled; None where the search finds none."""
    partners: dict[int, set[int]] = {qubit: set() for qubit in used}
    for a, b in pairs:
        partners[a].add(b)
        partners[b].add(a)
    order = _connected_order(partners)
    at: dict[int, int] = {}
    taken: set[int] = set()
    waiting: list[list[int]] = []
    for _ in range(STEPS):
        if len(waiting) == len(at) < len(order):
            qubit = order[len(at)]
            near_all = [near[at[other]] for other in partners[qubit] if other in at]
            fits = set(near).intersection(*near_all)
            enough = [site for site in fits - taken if len(near[site]) >= len(partners[qubit])]
            waiting.append(sorted(enough, key=lambda site: (-len(near[site]), -site)))
        elif len(at) == len(order):
            return at
        if waiting[-1]:
            site = waiting[-1].pop()
            at[order[len(at)]] = site
            taken.add(site)
        else:
            waiting.pop()
            if not waiting:
                return None
            taken.discard(at.pop(order[len(waiting) - 1]))
    return None


def _connected_order(partners: Mapping[int, set[int]]) -> list[int]:
    """Qubits so that each comes after as many of its partners as possible."""
    order: list[int] = []
    rest = set(partners)
    while rest:
        best = max(rest, key=lambda q: (len(partners[q].intersection(order)), len(partners[q]), -q))
        order.append(best)
        rest.remove(best)
    return order


def _improve(near: Neighbours, far: Distances, start: dict[int, int], pairs: list[Pair]) -> dict[int, int]:
    """The placement that needs the fewest exchanges of ``start`` and of those at which the program ends when it is run
    forth and back (the reverse traversal of Li, Ding and Xie, arXiv:1809.02573)."""
    best, fewest, at = start, FAR, start
    for _ in range(ROUNDS):
        forth = _Router(near, far, at, pairs)
        forth.walk()
        if forth.swaps < fewest:
            best, fewest = at, forth.swaps
        back = _Router(near, far, forth.at, pairs[::-1])
        back.walk()
        at = back.at
    return best


def _close(pairs: list[Pair], used: list[int], far: Distances, near: Neighbours) -> dict[int, int]:
    """Sites in one connected part of the device, each close to the partners placed before."""
    part = max((set(reached) for reached in far.values()), key=len, default=set[int]())
    if len(part) < len(used):
        raise Unsupported(f"{len(used)} qubits that need exchanges: the device has at most {len(part)} connected ones")
    weights: dict[int, Counter[int]] = {qubit: Counter() for qubit in used}
    for a, b in pairs:
        weights[a][b] += 1
        weights[b][a] += 1
    at: dict[int, int] = {}
    for qubit in _connected_order({qubit: set(counter) for qubit, counter in weights.items()}):
        free = part - set(at.values())
        mine = [(at[other], times) for other, times in weights[qubit].items() if other in at]
        cost = {site: (sum(far[site][other] * times for other, times in mine), -len(near[site]), site) for site in free}
        at[qubit] = min(free, key=cost.__getitem__)
    return at


def _distances(near: Neighbours, start: int) -> dict[int, int]:
    """Steps to each site that can be reached."""
    found = {start: 0}
    queue = deque([start])
    while queue:
        site = queue.popleft()
        for other in near[site]:
            if other not in found:
                found[other] = found[site] + 1
                queue.append(other)
    return found


class _Router:
    def __init__(self, near: Neighbours, far: Distances, start: dict[int, int], pairs: list[Pair]) -> None:
        self.near = near
        self.start = dict(start)
        self.at = dict(start)
        self.far = far
        self.pairs = pairs
        self.done = 0
        self.out: list[Instruction] = []
        self.swaps = 0

    def walk(self) -> None:
        """Brings the two of each gate together, and writes no program."""
        for pair in self.pairs:
            self._bring_together(*pair)
            self.done += 1

    def route(self, program: Program, n_sites: int) -> Routed:
        for item in program.instructions:
            if isinstance(item, Gate):
                if len(item.qubits) == 2:
                    self._bring_together(item.qubits[0], item.qubits[1])
                    self.done += 1
                self.out.append(replace(item, qubits=tuple(self.at[qubit] for qubit in item.qubits)))
            elif isinstance(item, Measure | Reset):
                self.out.append(replace(item, qubit=self.at[item.qubit]))
            elif isinstance(item, Barrier):
                self.out.append(Barrier(tuple(self.at[qubit] for qubit in item.qubits if qubit in self.at)))
            elif isinstance(item, Logic):
                self.out.append(item)
            else:
                raise Unsupported(f"{type(item).__name__}: only gates, measurements and resets are placed on sites")
        made = replace(program, n_qubits=n_sites, instructions=tuple(self.out))
        return Routed(made, self.start, self.swaps)

    def _bring_together(self, a: int, b: int) -> None:
        while (apart := self._distance(self.at, (a, b))) > 1:
            steps = [(self.at[q], site) for q, other in ((a, b), (b, a)) for site in sorted(self.near[self.at[q]])
                     if self.far[site].get(self.at[other], FAR) < apart]  # fmt: skip
            self._swap(min(steps, key=self._cost_after))

    def _distance(self, at: Mapping[int, int], pair: Pair) -> int:
        return self.far[at[pair[0]]].get(at[pair[1]], FAR)

    def _cost_after(self, step: Pair) -> float:
        """How far apart the next gates are after an exchange, later ones counting less."""
        after = self._exchange(step)
        ahead = self.pairs[self.done : self.done + AHEAD]
        return sum(self._distance(after, pair) * 0.8**k for k, pair in enumerate(ahead))

    def _exchange(self, step: Pair) -> dict[int, int]:
        other = {step[0]: step[1], step[1]: step[0]}
        return {qubit: other.get(site, site) for qubit, site in self.at.items()}

    def _swap(self, step: Pair) -> None:
        self.out.append(Gate("swap", step))
        self.at = self._exchange(step)
        self.swaps += 1
