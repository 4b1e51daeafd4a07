"""Programs of lattice surgery, and when each of their operations runs.

Time is counted in code cycles: one cycle is ``d`` rounds of syndrome extraction. A merge takes one cycle, preparing and
measuring take none. Operations start as early as their patches and their routing tiles allow; a patch is prepared as
late as its next operation allows. A patch that waits between its operations idles, which costs errors like all else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from qmk.models.qec.surgery.floor import Floor, Route, Tile, route, wrong

Basis = Literal["X", "Z"]
MAX_MERGED = 8
"""Most patches of one merge: every choice of their sides is tried."""


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """``|0>`` (Z) or ``|+>`` (X)."""

    patch: str
    basis: Basis


class Inject(msgspec.Struct, frozen=True, tag="inject"):
    """A state of one physical qubit, grown to a patch. ``state`` T is for the logical tier; a physical circuit takes
    ``+`` or ``0`` in its place, whose errors are measurable."""

    patch: str
    state: Literal["T", "+", "0"] = "T"


class Idle(msgspec.Struct, frozen=True, tag="idle"):
    """Wait for ``cycles`` code cycles. ``label``: what a picture calls that, where it is the time of a gate that is no
    merge, such as an H."""

    patch: str
    cycles: int = 1
    label: str = ""


class Merge(msgspec.Struct, frozen=True, tag="merge"):
    """Measure a product of X and Z of two or more patches, such as ``{"a": "Z", "b": "Z"}``, into ``key``."""

    paulis: Mapping[str, Basis]
    key: str


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """Measure a patch away, into ``key``."""

    patch: str
    basis: Basis
    key: str


class Correct(msgspec.Struct, frozen=True, tag="correct"):
    """A Pauli correction where the parity of the outcomes ``keys`` is odd, kept in the frame: it takes no time."""

    patch: str
    pauli: Basis
    keys: tuple[str, ...]


class Phase(msgspec.Struct, frozen=True, tag="phase"):
    """An S where the parity of the outcomes ``keys`` is odd, as a teleported T asks for. It takes a cycle, needed or
    not, so that no schedule depends on outcomes, and begins when the outcomes are decoded."""

    patch: str
    keys: tuple[str, ...]


Op = Prepare | Inject | Idle | Merge | Measure | Correct | Phase


class Program(msgspec.Struct, frozen=True):
    """Operations on the patches of a floor, in order."""

    name: str
    floor: Floor
    ops: tuple[Op, ...]

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> Program:
        """Raises INVALID_PARAMS naming the place of what does not fit."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wrong(str(error), "the form is in docs/howto/surgery.md") from error

    def keys(self) -> tuple[str, ...]:
        """The outcomes, in order."""
        return tuple(op.key for op in self.ops if isinstance(op, Merge | Measure))


class Timed(msgspec.Struct, frozen=True):
    """An operation and its time, in code cycles; ``op`` None: the patch waits without being told to."""

    start_cycle: int
    end_cycle: int
    op: Op | None
    patches: tuple[str, ...]
    route: Route | None = None


def patches_of(op: Op) -> tuple[str, ...]:
    return tuple(op.paulis) if isinstance(op, Merge) else (op.patch,)


def _letters(op: Op) -> set[str]:
    if isinstance(op, Merge):
        return set(op.paulis.values())
    if isinstance(op, Prepare | Measure):
        return {op.basis}
    return {op.pauli} if isinstance(op, Correct) else set()


def check(program: Program) -> None:
    """Raise INVALID_PARAMS where an operation does not fit the state of its patch."""
    alive: dict[str, bool] = dict.fromkeys(program.floor.patches, False)
    keys: set[str] = set()
    for at, op in enumerate(program.ops):
        where = f"'{program.name}', operation {at}"
        for letter in _letters(op) - {"X", "Z"}:
            raise wrong(f"{where}: the operator '{letter}'", "use X and Z; Y needs twists, which are not built here")
        for name in patches_of(op):
            if name not in alive:
                raise wrong(f"{where}: there is no patch '{name}'", f"the patches are {', '.join(sorted(alive))}")
            fresh = isinstance(op, Prepare | Inject)
            if alive[name] == fresh:
                state = "is in use" if fresh else "holds no state"
                raise wrong(f"{where}: patch '{name}' {state}", "measure it first" if fresh else "prepare it first")
            alive[name] = not isinstance(op, Measure)
        if isinstance(op, Merge) and len(op.paulis) < 2:
            raise wrong(f"{where}: a merge of one patch", "measure the patch, or name a second one")
        if isinstance(op, Merge) and len(op.paulis) > MAX_MERGED:
            raise wrong(
                f"{where}: a merge of {len(op.paulis)} patches",
                f"at most {MAX_MERGED}; measure a longer product over patches in |+> that hold its parts",
            )
        if isinstance(op, Inject) and op.state not in ("T", "+", "0"):
            raise wrong(f"{where}: the state '{op.state}'", "inject T, + or 0")
        if isinstance(op, Idle) and op.cycles < 1:
            raise wrong(f"{where}: {op.cycles} cycles", "idle for at least one")
        if isinstance(op, Correct | Phase) and not set(op.keys) <= keys:
            raise wrong(f"{where}: no outcome {sorted(set(op.keys) - keys)} yet", "measure before you correct")
        if isinstance(op, Merge | Measure):
            if op.key in keys:
                raise wrong(f"{where}: two outcomes '{op.key}'", "give every outcome a name of its own")
            keys.add(op.key)


def timeline(program: Program) -> tuple[Timed, ...]:
    """Every operation with its time, waits filled in, sorted by start; deterministic."""
    found = [Timed(int(s.start), int(s.end), s.op, s.patches, s.route) for s in Schedule(program).spans]
    return tuple(sorted(found, key=lambda timed: (timed.start_cycle, timed.end_cycle)))


class Span(msgspec.Struct, frozen=True):
    """An operation and its time, in the unit of its schedule."""

    start: float
    end: float
    op: Op | None
    patches: tuple[str, ...]
    route: Route | None = None


class Schedule:
    """Operations in order, each as early as patches and tiles allow.

    ``cycle``: a code cycle in the unit of all times. ``states``: given a time, when a T state is there that is wanted
    from then on (not before). ``reaction``: from a measurement to its decoded outcome; an S that depends on it waits.
    """

    def __init__(
        self,
        program: Program,
        cycle: float = 1,
        states: Callable[[float], float] | None = None,
        reaction: float = 0,
    ) -> None:
        self.program, self.cycle, self.states, self.reaction = program, cycle, states, reaction
        self.spans: list[Span] = []
        self._ready: dict[str, float] = {}
        self._busy: dict[Tile, float] = {}
        self._pending: dict[str, Op] = {}
        self._known: dict[str, float] = {}
        for op in program.ops:
            self._add(op)

    @property
    def end(self) -> float:
        return max((span.end for span in self.spans), default=0)

    def _add(self, op: Op) -> None:
        names = patches_of(op)
        if isinstance(op, Prepare | Inject):
            self._pending[op.patch] = op
            self._ready.setdefault(op.patch, 0)
        elif isinstance(op, Idle):
            self._run(op, names, self._ready_cycle(names), op.cycles * self.cycle)
        elif isinstance(op, Merge):
            start, way = _first_route(self.program.floor, op, self._ready_cycle(names), self._busy)
            self._run(op, names, start, self.cycle, way)
            for tile in way.tiles:
                self._busy[tile] = start + self.cycle
            self._known[op.key] = start + self.cycle
        elif isinstance(op, Phase):
            decoded = [self._known[key] + self.reaction for key in op.keys]
            self._run(op, names, max([self._ready_cycle(names), *decoded]), self.cycle)
        elif isinstance(op, Measure):
            if op.patch in self._pending:  # nothing happens between: one cycle makes the patch a code
                self._run(None, names, self._ready_cycle(names), self.cycle)
            self._run(op, names, self._ready[op.patch], 0)
            self._known[op.key] = self._ready[op.patch]

    def _ready_cycle(self, names: Sequence[str]) -> float:
        """When these patches are free, and the T states that they are to hold are there."""
        start = max(self._ready[name] for name in names)
        for name in names:
            op = self._pending.get(name)
            if self.states is not None and isinstance(op, Inject) and op.state == "T":
                start = self.states(start)
        return start

    def _run(
        self, op: Op | None, names: tuple[str, ...], start: float, duration: float, way: Route | None = None
    ) -> None:
        for name in names:
            if name in self._pending:
                self.spans.append(Span(start, start, self._pending.pop(name), (name,)))
            elif self._ready[name] < start:
                self.spans.append(Span(self._ready[name], start, None, (name,)))
            self._ready[name] = start + duration
        self.spans.append(Span(start, start + duration, op, names, way))


def _first_route(floor: Floor, op: Merge, start: float, busy: Mapping[Tile, float]) -> tuple[float, Route]:
    """The first cycle at which free tiles join the patches, and how."""
    free = floor.free()
    while True:
        way = route(floor, op.paulis, {tile for tile in free if busy.get(tile, 0) <= start})
        if way is not None:
            return start, way
        later = [end for end in busy.values() if end > start]
        if not later:
            names = ", ".join(f"{pauli} of '{name}'" for name, pauli in op.paulis.items())
            raise wrong(f"no free tiles join {names}", "leave free tiles at those sides, or turn a patch")
        start = min(later)


def frames(program: Program) -> dict[str, int]:
    """0 or 1 for each patch: which of the two colours of checks measures Z there.

    All patches of a merge take part with the same colour, so a product of X and Z needs patches of either kind with a
    domain wall between them. Raises INVALID_PARAMS where the merges of a program contradict each other.
    """
    links: dict[str, list[tuple[str, int]]] = {name: [] for name in program.floor.patches}
    for op in program.ops:
        if isinstance(op, Merge):
            first, *others = op.paulis.items()
            for name, pauli in others:
                flip = int(pauli != first[1])
                links[first[0]].append((name, flip))
                links[name].append((first[0], flip))
    found: dict[str, int] = {}
    for root in links:
        if root in found:
            continue
        found[root], todo = 0, [root]
        while todo:
            name = todo.pop()
            for other, flip in links[name]:
                if other not in found:
                    found[other] = found[name] ^ flip
                    todo.append(other)
                elif found[other] != found[name] ^ flip:
                    raise wrong(
                        f"'{program.name}' merges '{name}' and '{other}' on either side of a domain wall",
                        "a patch keeps its side of a wall: use another patch for one of the merges",
                    )
    return found
