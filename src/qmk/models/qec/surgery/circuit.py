"""The physical circuit of a program: every patch, seam and free tile in rounds of syndrome extraction, in Stim.

The time between two events is a slice, in which the same checks are measured round after round. Where one slice meets
the next, data qubits are measured away or prepared, together with the ancillas of the rounds beside. A check that goes
on (grown by qubits prepared in its basis, or cut by qubits measured in it) is compared across.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import stim

from qmk.models.noise import NoiseLike, on_stim, resolve
from qmk.models.noise.on_stim import ROUND
from qmk.models.qec.surgery import logical, parity
from qmk.models.qec.surgery.floor import check_distance, wrong
from qmk.models.qec.surgery.layout import (
    CORNERS,
    FIVE_LAYERS,
    Joined,
    Layout,
    Place,
    Placed,
    layout,
    pauli,
    place_merge,
    place_patch,
)
from qmk.models.qec.surgery.program import (
    Correct,
    Inject,
    Measure,
    Merge,
    Prepare,
    Program,
    Timed,
    frames,
    timeline,
)

MAX_GATES = 50_000_000
RESETS = {"X": "RX", "Z": "R"}
MEASURES = {"X": "MX", "Z": "M"}


class Slice:
    """What is in place from one event to the next, and the records of its measurements."""

    def __init__(self, start_cycle: int, end_cycle: int, patches: list[Placed], merges: list[Joined]) -> None:
        self.start_cycle, self.end_cycle = start_cycle, end_cycle
        self.patches, self.merges = patches, merges
        self.layout = layout(patches, merges)
        self.resets: dict[Place, str] = {}
        self.measures: dict[Place, str] = {}
        self.first: dict[Place, int] = {}
        self.last: dict[Place, int] = {}
        self.away: dict[Place, int] = {}

    def of_merge(self, merge: Joined) -> dict[Place, str]:
        """Data qubits of its seams and free tiles, with the basis in which they are prepared and measured."""
        own = {id(cell) for cell in merge.cells}
        made = self.layout
        return {q: pauli(1 - merge.colour, made.frame[q]) for q, cell in made.owner.items() if id(cell) in own}


def circuit(
    program: Program, d: int, noise: NoiseLike | None = None, rounds: int | None = None, layers: int = 4
) -> stim.Circuit:
    """The circuit at code distance ``d``, with every parity that is certain as an observable (``logical.certain``).

    ``rounds`` of one code cycle, ``d`` if not given. A round has ``layers`` layers of gates, 4 or 5; while a merge
    turns a corner it has 5 (``layout.FIVE_LAYERS``). ``noise`` as everywhere: a model, a file, a short form, None.
    Detectors carry ``(column, row, round)`` in half steps of the lattice. Raises INVALID_PARAMS for a
    program with T states.
    """
    made, _ = compile_program(program, d, rounds, layers)
    return made if noise is None else on_stim(made, resolve(noise))


def compile_program(
    program: Program, d: int, rounds: int | None = None, layers: int = 4
) -> tuple[stim.Circuit, dict[str, set[int]]]:
    """The circuit without noise, and for each outcome of the program the measurements whose parity it is."""
    check_distance(d)
    if rounds is not None and rounds < 1:
        raise wrong(f"{rounds} rounds a cycle", "use at least one")
    if layers not in (4, 5):
        raise wrong(f"{layers} layers of gates", "use 4 or 5")
    certain = logical.certain(program)
    slices = cut_slices(program, d, rounds or d)
    emitter = Emitter(slices, rounds or d, layers)
    for this in slices:
        emitter.slice(this)
    emitter.last_detectors()
    outcomes = records(program, slices, d)
    for at, keys in enumerate(certain):
        taken: set[int] = set()
        for key in keys:
            taken ^= outcomes[key]
        emitter.observable(at, taken)
    return emitter.made, outcomes


def _check_size(gates: int) -> None:
    if gates > MAX_GATES:
        raise wrong(f"a circuit of {gates} gates", f"use a distance or a program for at most {MAX_GATES}")


def cut_slices(program: Program, d: int, rounds: int) -> list[Slice]:
    """The slices of a program, with what is prepared and measured in each. Raises INVALID_PARAMS, before anything is
    made, for a program of too many gates."""
    times = timeline(program)
    frame = frames(program)
    floor = program.floor
    patch_cycles = sum((timed.end_cycle - timed.start_cycle) * len(timed.patches) for timed in times)
    _check_size(patch_cycles * rounds * 4 * d * (d - 1))  # seams and free tiles come on top
    events = sorted({timed.start_cycle for timed in times} | {timed.end_cycle for timed in times})
    colour = {name: place_patch(floor, name, frame[name], d) for name in floor.patches}
    slices: list[Slice] = []
    for start, end in itertools.pairwise(events):
        now = [timed for timed in times if timed.start_cycle <= start < timed.end_cycle]
        names = {name for timed in now for name in timed.patches}
        merges = [_place_joined(timed, colour, d) for timed in now if isinstance(timed.op, Merge)]
        slices.append(Slice(start, end, [colour[name] for name in floor.patches if name in names], merges))
    for this in slices:
        for merge in this.merges:
            this.resets |= this.of_merge(merge)
            this.measures |= this.of_merge(merge)
        for timed in times:
            cell = colour[timed.patches[0]].cell
            if isinstance(timed.op, Prepare) and timed.start_cycle == this.start_cycle:
                this.resets |= dict.fromkeys(cell.places(), timed.op.basis)
            elif isinstance(timed.op, Inject) and timed.start_cycle == this.start_cycle:
                this.resets |= _inject(colour[timed.patches[0]], timed.op.state)
            elif isinstance(timed.op, Measure) and timed.end_cycle == this.end_cycle:
                this.measures |= dict.fromkeys(cell.places(), timed.op.basis)
    return slices


def _place_joined(timed: Timed, placed: Mapping[str, Placed], d: int) -> Joined:
    op = timed.op
    assert isinstance(op, Merge)
    assert timed.route is not None, "merges are routed"
    name, basis = next(iter(op.paulis.items()))
    return place_merge(op.key, placed[name].colour(basis), tuple(op.paulis), timed.route, d)


def _inject(placed: Placed, state: str) -> dict[Place, str]:
    """The corner holds the state; the rest of the Z operator is prepared in Z and the rest of the X operator in X, and
    so is the triangle beside each (Li, New J. Phys. 17, 023037 (2015), in the rotated lattice)."""
    cell = placed.cell
    along = "Z" if placed.support(placed.colour("Z")) >= {(cell.top, cell.left + 1)} else "X"
    down = "X" if along == "Z" else "Z"
    made = {(r, c): along if c - cell.left >= r - cell.top else down for r, c in cell.places()}
    made[cell.top, cell.left] = "Z" if state == "0" else "X"
    return made


class Emitter:
    """Writes slices as a circuit."""

    def __init__(self, slices: list[Slice], rounds: int, layers: int) -> None:
        self.rounds, self.layers = rounds, layers
        self.made = stim.Circuit()
        self.round = 0
        self.count = 0  # of measurements: Stim counts through the whole circuit
        data = {place for this in slices for place in this.layout.frame}
        checks = {check for this in slices for check in this.layout.checks}
        spots = sorted([(2 * r + 1, 2 * c + 1) for r, c in data] + [(2 * r, 2 * c) for r, c in checks])
        self.index = {spot: at for at, spot in enumerate(spots)}
        for (row, col), at in self.index.items():
            self.made.append("QUBIT_COORDS", [at], [col, row])
        self.before: Slice | None = None
        self._body_of: Slice | None = None
        self._basis: dict[Place, str] = {}
        self._body = stim.Circuit()
        gates = sum(
            (this.end_cycle - this.start_cycle) * rounds * sum(map(len, this.layout.checks.values())) for this in slices
        )
        _check_size(gates)

    def data(self, place: Place) -> int:
        return self.index[2 * place[0] + 1, 2 * place[1] + 1]

    def ancilla(self, check: Place) -> int:
        return self.index[2 * check[0], 2 * check[1]]

    def slice(self, this: Slice) -> None:
        count = (this.end_cycle - this.start_cycle) * self.rounds
        for at in range(count):
            resets = this.resets if at == 0 else {}
            measures = this.measures if at == count - 1 else {}
            now = self._round(this, resets, measures)
            if at == 0:
                this.first = now
                self._add_detectors_between(self.before, this)
            else:
                for check, record in now.items():
                    self._detector(check, {record, this.last[check]})
            this.last = now
            self.round += 1
        self.before = this

    def last_detectors(self) -> None:
        self._add_detectors_between(self.before, None)

    def _round(self, this: Slice, resets: Mapping[Place, str], measures: Mapping[Place, str]) -> dict[Place, int]:
        made, held = self.made, this.layout
        if self._body_of is not this:
            self._body_of, self._basis, self._body = this, *self._make_body(held)
        basis = self._basis
        for letter, gate in RESETS.items():
            fresh = [self.data(place) for place, wanted in resets.items() if wanted == letter and place in held.frame]
            fresh += [self.ancilla(check) for check, wanted in basis.items() if wanted == letter]
            if fresh:
                made.append(gate, sorted(fresh))
        made += self._body
        records: dict[Place, int] = {}
        for letter, gate in MEASURES.items():
            ends = sorted(place for place, wanted in measures.items() if wanted == letter and place in held.frame)
            checks = sorted(check for check, wanted in basis.items() if wanted == letter)
            start = self.count
            if ends or checks:
                made.append(gate, [self.data(q) for q in ends] + [self.ancilla(check) for check in checks])
            self.count += len(ends) + len(checks)
            this.away |= {place: start + at for at, place in enumerate(ends)}
            records |= {check: start + len(ends) + at for at, check in enumerate(checks)}
        made.append("TICK", [])
        return records

    def _make_body(self, held: Layout) -> tuple[dict[Place, str], stim.Circuit]:
        """The basis of each ancilla, and the layers of gates of a round."""
        basis = {check: "Z" if set(held.paulis(check).values()) == {"Z"} else "X" for check in held.checks}
        body = stim.Circuit()
        body.append(stim.CircuitInstruction("I_ERROR", sorted(map(self.data, held.frame)), [0.0], tag=ROUND))
        orders = held.orders() if self.layers == 4 else FIVE_LAYERS
        for layer in range(len(orders["vertical"])):
            body.append("TICK", [])
            pairs = self._gates(held, basis, {hooks: order[layer] for hooks, order in orders.items()})
            for gate, targets in pairs.items():
                if targets:
                    body.append(gate, targets)
        body.append("TICK", [])
        return basis, body

    def _gates(
        self, held: Layout, basis: Mapping[Place, str], corners: Mapping[str, str | None]
    ) -> dict[str, list[int]]:
        pairs: dict[str, list[int]] = {"CX": [], "CZ": []}
        for check, data in held.checks.items():
            corner = corners[held.hooks[check]]
            if corner is None:
                continue
            place = (check[0] + CORNERS[corner][0], check[1] + CORNERS[corner][1])
            if place not in data:
                continue
            if basis[check] == "Z":
                pairs["CX"] += [self.data(place), self.ancilla(check)]
            else:
                gate = "CX" if held.pauli(check, place) == "X" else "CZ"
                pairs[gate] += [self.ancilla(check), self.data(place)]
        return pairs

    def _add_detectors_between(self, before: Slice | None, after: Slice | None) -> None:
        """Detectors between two slices: of checks that go on, begin with certainty, or end."""
        old = {} if before is None else {check: _rest(before, check) for check in before.layout.checks}
        new = {} if after is None else {check: _fresh(after, check) for check in after.layout.checks}
        for check in sorted(old.keys() | new.keys()):
            ended, begun = old.get(check), new.get(check)
            records: set[int] = set()
            if ended is not None:
                assert before is not None
                records = {before.last[check]} | {before.away[place] for place in ended[1]}
            if ended is not None and ended[0] and ended[0] == begun:
                assert after is not None
                self._detector(check, records | {after.first[check]})
                continue
            if ended is not None and not ended[0]:
                self._detector(check, records)
            if begun is not None and not begun:
                assert after is not None
                self._detector(check, {after.first[check]})

    def _detector(self, check: Place, records: set[int]) -> None:
        targets = [stim.target_rec(record - self.count) for record in sorted(records)]
        self.made.append("DETECTOR", targets, [2 * check[1], 2 * check[0], self.round])

    def observable(self, at: int, records: set[int]) -> None:
        targets = [stim.target_rec(record - self.count) for record in sorted(records)]
        self.made.append("OBSERVABLE_INCLUDE", targets, at)


def _rest(this: Slice, check: Place) -> tuple[dict[Place, str], list[Place]] | None:
    """What is left of a check after its slice, and the data qubits measured in its basis that were cut off; None where
    a measurement in another basis ended it."""
    paulis = this.layout.paulis(check)
    cut_off = [place for place, letter in paulis.items() if this.measures.get(place) == letter]
    kept = {place: letter for place, letter in paulis.items() if place not in cut_off}
    return None if kept.keys() & this.measures.keys() else (kept, cut_off)


def _fresh(this: Slice, check: Place) -> dict[Place, str] | None:
    """What a check measures besides qubits just prepared in its basis; None where another basis makes it random."""
    kept = {q: letter for q, letter in this.layout.paulis(check).items() if this.resets.get(q) != letter}
    return None if kept.keys() & this.resets.keys() else kept


def records(program: Program, slices: list[Slice], d: int) -> dict[str, set[int]]:
    """For each outcome the measurements of the physical circuit whose parity it is.

    The sign of each logical operator is carried along as a set of measurements. A merge leaves the product of the
    conjugate operators of any two of its patches as it was, up to the outcomes of the data qubits on a path between
    them, which are measured when the merge ends.
    """
    frame = frames(program)
    placed = {name: place_patch(program.floor, name, frame[name], d) for name in program.floor.patches}
    sign: dict[tuple[str, str], set[int]] = {}
    outcomes: dict[str, set[int]] = {}
    in_slice = {merge.key: (this, merge) for this in slices for merge in this.merges}
    ends = {timed.op.key: timed.end_cycle for timed in timeline(program) if isinstance(timed.op, Measure)}
    for op in program.ops:
        if isinstance(op, Prepare | Inject):
            sign[op.patch, "X"], sign[op.patch, "Z"] = set(), set()
        elif isinstance(op, Merge):
            this, merge = in_slice[op.key]
            found = _product(this, merge, [placed[name].support(merge.colour) for name in op.paulis])
            for name, basis in op.paulis.items():
                found ^= sign[name, basis]
            outcomes[op.key] = found
            _carry(this, merge, op, placed, sign)
        elif isinstance(op, Measure):
            this = next(this for this in slices if this.end_cycle == ends[op.key])
            support = placed[op.patch].support(placed[op.patch].colour(op.basis))
            outcomes[op.key] = {this.away[place] for place in support} ^ sign[op.patch, op.basis]
        elif isinstance(op, Correct):
            flipped = "Z" if op.pauli == "X" else "X"
            for key in op.keys:
                sign[op.patch, flipped] = sign[op.patch, flipped] ^ outcomes[key]
    return outcomes


def _product(this: Slice, merge: Joined, supports: list[frozenset[Place]]) -> set[int]:
    """The first records of the checks whose product is the measured operator."""
    target: set[Place] = set()
    for support in supports:
        target ^= support
    checks = {check: data for check, data in this.layout.checks.items() if sum(check) % 2 == merge.colour}
    taken = parity.solve(checks, target)
    assert taken is not None, "a merge measures its product"
    return {this.first[check] for check in taken}


def _carry(
    this: Slice, merge: Joined, op: Merge, placed: Mapping[str, Placed], sign: dict[tuple[str, str], set[int]]
) -> None:
    """Put the outcomes along a path to the first patch into the sign of each other patch's conjugate operator."""
    seen: dict[Place, list[Place]] = {}
    for check, data in this.layout.checks.items():
        if sum(check) % 2 == merge.colour:
            for place in data:
                seen.setdefault(place, []).append(check)
    columns = {place: seen.get(place, []) for place in this.of_merge(merge)}
    first, *others = op.paulis
    for name in others:
        target: set[Place] = set()
        for end in (first, name):
            for place in placed[end].support(1 - merge.colour):
                target ^= set(seen.get(place, []))
        path = parity.solve(columns, target)
        assert path is not None, "a merge joins its patches"
        conjugate = "X" if op.paulis[name] == "Z" else "Z"
        sign[name, conjugate] = sign[name, conjugate] ^ {this.away[place] for place in path}
