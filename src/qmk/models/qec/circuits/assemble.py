"""Memory and stability circuits from the plan of a round.

Coordinates of a detector: place, then the round (0 for the first), then what a family adds (the colour of a colour
code). ``I_ERROR[round]`` on the data qubits marks where a round begins: it does nothing, and a noise model with errors
of ``before_round`` puts them there.
"""

from __future__ import annotations

from collections.abc import Iterable

import stim

from qmk.models.noise.on_stim import append_qubits
from qmk.models.qec.circuits.plan import Plan, Watch

ROUND = "round"
"""The tag that marks a round."""

OTHER = {"X": "Z", "Z": "X"}


def memory(plan: Plan, rounds: int, basis: str, both: bool = True) -> stim.Circuit:
    """All logical qubits prepared, kept and read in ``basis``. ``both`` False: no detectors of the other basis."""
    circuit = _Circuit(plan, rounds, basis, [w for w in plan.watches if both or w.basis == basis], both)
    for index, qubits in enumerate(plan.observables[basis]):
        circuit.observable(index, circuit.read(qubits))
    return circuit.made


def stability(plan: Plan, rounds: int, basis: str) -> stim.Circuit:
    """Observables are the products of checks of ``basis`` that must be +1, of the first round, whose single outcomes
    are random: the data qubits are prepared and read in the other basis (Gidney, Quantum 6, 786 (2022))."""
    prepared = OTHER[basis]
    watches = [w for w in plan.watches if not (w.within and w.basis == basis)]
    circuit = _Circuit(plan, rounds, prepared, watches, related=False)
    first = -circuit.records
    for index, checks in enumerate(plan.relations[basis]):
        circuit.observable(index, [first + check for check in checks])
    return circuit.made


class _Circuit:
    """Rounds, and the read-out of all data qubits in ``basis``; without observables."""

    def __init__(self, plan: Plan, rounds: int, basis: str, watches: list[Watch], related: bool) -> None:
        """``related``: relations between the checks of the other basis are detectors of the first round."""
        self.plan = plan
        self.related = related
        self.basis = basis
        self.watches = watches
        self.made = stim.Circuit()
        self.records = rounds * plan.outcomes + len(plan.data)
        for qubit, place in sorted(plan.coords.items()):
            self.made.append("QUBIT_COORDS", [qubit], place)
        append_qubits(self.made, "R" if basis == "Z" else "RX", plan.data)
        for gate, qubits in plan.before:
            append_qubits(self.made, gate, qubits)
        self._round(self.made, first=True)
        if rounds > 1:
            body = stim.Circuit()
            body.append("TICK", [])
            self._round(body, first=False)
            self.made.append(stim.CircuitRepeatBlock(rounds - 1, body))
        self._end()

    def _round(self, circuit: stim.Circuit, first: bool) -> None:
        plan = self.plan
        data = set(plan.data)
        touches = any(gate not in ("R", "RX") or data.intersection(qubits) for gate, qubits in plan.layers[0])
        extraction(circuit, plan, apart=first and touches)
        if not first:
            circuit.append("SHIFT_COORDS", [], (0, 0, 1))
        for watch in self._certain() if first else self.watches:
            offsets = [check - plan.outcomes for check in watch.checks]
            if not first and not watch.within:
                offsets += [offset - plan.outcomes for offset in offsets]
            detector(circuit, watch, offsets, 0)

    def _certain(self) -> list[Watch]:
        """What is certain of the first round."""
        plan, basis = self.plan, self.basis
        singles = [watch for watch in plan.first if watch.basis == basis]
        found = [watch for watch in self.watches if watch.within or (watch.basis == basis and not singles)]
        if self.related:
            other = OTHER[basis]
            found += [Watch(other, checks, (), (-1.0, -1.0 - n)) for n, checks in enumerate(plan.relations[other])]
        return found + singles

    def _end(self) -> None:
        plan = self.plan
        append_qubits(self.made, "M" if self.basis == "Z" else "MX", plan.data)
        back = len(plan.data) + plan.outcomes
        singles = [watch for watch in plan.last if watch.basis == self.basis]
        for watch in singles or self.watches:
            if watch.basis == self.basis and not watch.within:
                detector(self.made, watch, [*self.read(watch.data), *(check - back for check in watch.checks)], 1)

    def read(self, qubits: Iterable[int]) -> list[int]:
        """Offsets of the outcomes of data qubits."""
        place = {qubit: index - len(self.plan.data) for index, qubit in enumerate(self.plan.data)}
        return [place[qubit] for qubit in qubits]

    def observable(self, index: int, offsets: Iterable[int]) -> None:
        self.made.append("OBSERVABLE_INCLUDE", [stim.target_rec(offset) for offset in offsets], index)


def extraction(circuit: stim.Circuit, plan: Plan, *, apart: bool) -> None:
    """The mark and the layers of one round; ``apart``: its first layer comes after what was done before, not beside."""
    append_qubits(circuit, f"I_ERROR[{ROUND}]", plan.data)
    for number, layer in enumerate(plan.layers):
        if number or apart:
            circuit.append("TICK", [])
        for gate, qubits in layer:
            append_qubits(circuit, gate, qubits)


def detector(circuit: stim.Circuit, watch: Watch, offsets: Iterable[int], time: int) -> None:
    x, y, *rest = watch.coords
    circuit.append("DETECTOR", [stim.target_rec(offset) for offset in offsets], (x, y, time, *rest))
