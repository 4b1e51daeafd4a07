"""What a step of a zoned device costs: prices, the gates to come, and the rounds of a step as they are decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qmk.models.atoms.array import Array
from qmk.models.atoms.carrying import Carrier
from qmk.models.atoms.motion import move_us
from qmk.models.atoms.predicted import Worth
from qmk.models.atoms.rounds import Ends, Moves, Round, agree

Pair = tuple[str, str]


class Style(NamedTuple):
    """How the planner weighs things. ``haste``: what a microsecond costs beside the device's decoherence; ``ahead``:
    weight of the way to an atom's next partner; ``near``: empty pairs that are tried to either side in a row;
    ``patient``: an atom without a gate waits in the light until it has paid as much as a round costs; ``orders``: in so
    many orders a step's gates are tried."""

    haste: float = 1e-4
    ahead: float = 0.3
    near: int = 2
    patient: bool = False
    orders: int = 1


DEFAULT = Style()
"""What programs on a device get; ``plans`` tries others too."""


class Prices(NamedTuple):
    """In logarithms of fidelity: of a microsecond, a round, a moved atom, an atom that light reaches in vain."""

    time: float
    round: float
    move: float
    idle: float

    @classmethod
    def of(cls, worth: Worth, atoms: int, haste: float) -> Prices:
        return cls(atoms * worth.wait_us + haste, atoms * worth.stay, max(0.0, worth.move - worth.stay), worth.unpaired)


class Future:
    """The gates on two atoms that are still to come, step by step."""

    def __init__(self, steps: Sequence[Sequence[Pair]]) -> None:
        self.now = 0
        self.uses: dict[str, deque[tuple[int, str]]] = {}
        for at, pairs in enumerate(steps):
            for a, b in pairs:
                self.uses.setdefault(a, deque()).append((at, b))
                self.uses.setdefault(b, deque()).append((at, a))

    def strike(self, pairs: Sequence[Pair], step: bool) -> None:
        """Forget gates that ran; ``step``: they end their step."""
        for atom in (atom for pair in pairs for atom in pair):
            if self.uses.get(atom):
                self.uses[atom].popleft()
        self.now += step

    def next_use(self, atom: str, after: int = 0) -> tuple[int, str] | None:
        """(steps until the next gate, partner); ``after`` 1: of the gate after the next."""
        uses = self.uses.get(atom)
        if not uses or len(uses) <= after:
            return None
        return uses[after][0] - self.now, uses[after][1]


class Option(NamedTuple):
    """A pair of sites for a gate; ``value``: the price of its moves, and of the way ahead."""

    value: float
    pair: tuple[int, int]
    moves: list[tuple[str, int]]
    rounds: list[int]


class Step:
    """The moves of one step as they are decided: ``where`` atoms will be, the ``rounds`` that take them there."""

    def __init__(self, array: Array, carrier: Carrier, prices: Prices, going: set[str]) -> None:
        self.array, self.carrier, self.prices, self.going = array, carrier, prices, going
        self.where = dict(array.where)
        self.taken = dict(array.taken)
        self.left: dict[int, int] = {}
        self.rounds: list[Round] = []
        self.closed: set[tuple[int, int]] = set()
        self.busy: set[str] = set()

    def idle(self) -> set[str]:
        """Atoms that have no gate and were not moved in this step."""
        return {atom for atom, site in self.where.items() if atom not in self.busy and self.array.where[atom] == site}

    def price(self, moves: Sequence[tuple[str, int]]) -> tuple[float, list[int]]:
        """What more moves add, and the round of each."""
        total, chosen = self.prices.move * len(moves), list[int]()
        extra: list[tuple[int, Ends, float]] = []
        left = dict[int, int]()
        for atom, site in moves:
            ends = self.carrier.ends(atom, site)
            time = move_us(self.carrier.transport, self.carrier.distance(atom, site))
            new = len(self.rounds) + sum(at >= len(self.rounds) for at, *_ in extra)
            best, where = time * self.prices.time + self.prices.round, new
            for at in range(max(self.left.get(site, 0), left.get(site, 0)), new):
                longest = max(
                    [self.rounds[at].longest if at < len(self.rounds) else 0.0, *(t for k, _, t in extra if k == at)]
                )
                added = max(0.0, time - longest) * self.prices.time
                if added < best and self._joins(at, ends, extra):
                    best, where = added, at
            total += best
            chosen.append(where)
            extra.append((where, ends, time))
            left[self.where[atom]] = where
        return total, chosen

    def _joins(self, at: int, ends: Ends, extra: Sequence[tuple[int, Ends, float]]) -> bool:
        transport = self.carrier.transport
        if not transport.crossing and any(k == at and not agree(ends, e, transport.separation) for k, e, _ in extra):
            return False
        if at >= len(self.rounds):
            return True
        round = self.rounds[at]
        if not round.takes(ends, None, transport):
            return False
        return not (transport.separation and self.carrier.catches(round, ends[0], self.going))

    def commit(self, moves: Sequence[tuple[str, int]], chosen: Sequence[int]) -> None:
        for (atom, site), at in zip(moves, chosen, strict=True):
            while at >= len(self.rounds):
                self.rounds.append(Round())
            time = move_us(self.carrier.transport, self.carrier.distance(atom, site))
            self.rounds[at].add(atom, site, self.carrier.ends(atom, site), None, time)
            before = self.where[atom]
            self.left[before] = at
            if self.taken.get(before) == atom:
                del self.taken[before]
            self.where[atom], self.taken[site] = site, atom

    def moves(self) -> Iterator[Moves]:
        return (round.moves for round in self.rounds if round.moves)
