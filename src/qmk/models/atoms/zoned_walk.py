"""A program on a zoned device: moves as ``ZonePlanner`` plans them, gates on one qubit while atoms are carried."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from qmk.models.atoms.array import Array
from qmk.models.atoms.clock import EPSILON
from qmk.models.atoms.layers import is_turn
from qmk.models.atoms.predicted import Worth
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rounds import Moves
from qmk.models.atoms.steps import Future, Prices, Style
from qmk.models.atoms.walk import Walk
from qmk.models.atoms.zoning import ZonePlanner, fits
from qmk.qvm.graph import Graph, Node

Pairs = list[tuple[str, str]]


def walk_of(graph: Graph, profile: Profile, configuration: str, style: Style | None, worth: Worth) -> Walk:
    """The walk for a program and a device. ``style``: how moves on a zoned device are planned; None as on any other, so
    that atoms go home after each gate. ``worth``: what is priced, also where ``profile`` has no errors."""
    moved = any(node.op == "atoms.move" for node in graph.nodes)
    if style is None or moved or not fits(Array(profile, configuration)):
        return Walk(graph, profile, configuration)
    return ZonedWalk(graph, profile, configuration, style, worth)


class ZonedWalk(Walk):
    def __init__(self, graph: Graph, profile: Profile, configuration: str, style: Style, worth: Worth) -> None:
        super().__init__(graph, profile, configuration)
        self.style = style
        self.prices = Prices.of(worth, len(graph.vqs), style.haste)
        self.zones: ZonePlanner | None = None
        self.turns: list[list[Node]] = []

    def _begin(self, steps: Sequence[Sequence[Node]]) -> None:
        """Gates on three qubits or more have no places in pairs: then atoms go home after each gate."""
        if all(len(node.vqs) == 2 for gates in steps for node in gates):
            future = Future([_pairs(gates) for gates in steps])
            self.zones = ZonePlanner(self.array, self.carrier, future, self.prices, self.style)

    def _between(self, gates: Sequence[Node]) -> None:
        if self.zones is None:
            super()._between(gates)
            return
        self.zones.future.strike((), True)
        there = [node for node in gates if all(atom in self.array.where for atom in node.vqs)]
        self._move_all(self.zones.leave(_pairs(there)))

    def _move_all(self, rounds: Iterable[Moves]) -> None:
        for moves in rounds:
            for group in self.carrier.groups(moves):
                self._move(group)
                self._early_turns()

    def _join(self, pending: list[Node]) -> None:
        """Gates of one kind and layer, as many at a time as have places."""
        if self.zones is None:
            super()._join(pending)
            return
        pending = [node for node in pending if all(atom in self.array.where for atom in node.vqs)]
        timing = self.profile.timing
        most = min((n for n in (timing.two_qubit, timing.per_zone) if n), default=len(pending))
        while pending:
            now = pending[:most]
            if not self.zones.cleared:
                self._move_all(self.zones.leave(_pairs(now)))
            chosen, rounds = self.zones.bring(_pairs(now))
            self._move_all(rounds)
            self._late_turns({atom for node in now for atom in node.vqs})
            ready = [now[k] for k in chosen] or now
            self.zones.future.strike(_pairs(ready), False)
            self._pulse(self._sound(ready))
            names = {node.id for node in ready}
            pending = [node for node in pending if node.id not in names]

    # -- gates on one qubit, which wait for a time at which nothing waits for them

    def _rest(self, group: list[Node]) -> None:
        if self.zones is not None and is_turn(group[0]):
            self.turns.append(group)
        else:
            self._late_turns()
            super()._rest(group)

    def _end_layer(self) -> None:
        self._early_turns()

    def _finish(self) -> None:
        self._late_turns()

    def _early_turns(self) -> None:
        """Those that end before the moves that are under way."""
        left: list[list[Node]] = []
        for group in self.turns:
            start = max(self.clock.earliest(node.vqs, self._inputs_ready(node)) for node in group)
            start = max(start, self.flash_end) if self.profile.timing.alike else start
            if start + self.native.gate(group[0]).duration <= self.moves_end + EPSILON:
                self._flash(group)
            else:
                left.append(group)
        self.turns = left

    def _late_turns(self, atoms: Container[str] | None = None) -> None:
        """Those of these atoms, or all; the ones that can begin first before others."""
        due = [group for group in self.turns if atoms is None or any(node.vqs[0] in atoms for node in group)]
        self.turns = [group for group in self.turns if group not in due]
        for group in sorted(due, key=lambda group: max(self.clock.earliest(node.vqs) for node in group)):
            self._flash(group)


def _pairs(gates: Sequence[Node]) -> Pairs:
    return [(node.vqs[0], node.vqs[1]) for node in gates]
