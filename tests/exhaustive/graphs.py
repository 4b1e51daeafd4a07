"""Every small graph over two qubits and two events, and a machine that says by running them which are sound.

The machine follows ``docs/spec/qvm.md``: it takes the nodes in program order, keeps an amplitude for each basis state
of the two qubits and a branch for each history of outcomes, and stops at the first node that cannot be run. It shares
no code with the verifier, the lowering or any simulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations, product

from qmk.qvm.graph import Graph, Guard, Node

QUBITS = ("a", "b")
EVENTS = ("x", "y")
ROOT_HALF = 0.5**0.5


@dataclass(frozen=True)
class Letter:
    """A node without its id. ``takes`` are the numbers of qubits, inputs and events of its op, None for any."""

    text: str
    op: str
    vqs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    guard: str = ""
    args: tuple[tuple[str, object], ...] = ()
    takes: tuple[int | None, int | None, int] = (None, 0, 0)

    def node(self, number: int) -> Node:
        guard = Guard(event=self.guard) if self.guard else None
        return Node(f"n{number}", self.op, dict(self.args), self.vqs, (), self.inputs, self.produces, (), guard)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        return (*self.inputs, *((self.guard,) if self.guard else ()))


TAKES: dict[str, tuple[int | None, int | None, int]] = {
    "h": (1, 0, 0),
    "x": (1, 0, 0),
    "cnot": (2, 0, 0),
    "mz": (1, 0, 1),
    "reset": (1, 0, 0),
    "lut": (0, None, 1),
}
"""Numbers of qubits, inputs and events that the other ops do not leave open."""
LIFE = ("core.alloc", "core.free")
NO_EFFECT = ("core.fence", "core.barrier")


def letter(text: str) -> Letter:
    """Reads ``op qubits [<inputs] [>events] [?guard]``."""
    op, *words = text.split()
    vqs = tuple(word for word in words if word.isalnum())
    named = {mark: tuple(word[1:] for word in words if word[0] == mark) for mark in "<>?"}
    args: tuple[tuple[str, object], ...] = ()
    if op == "condpauli":
        args = (("paulis", "X" * len(vqs)),)
    elif op == "lut":
        args = (("table", 1),)  # not, of one input
    takes = TAKES.get(op, (None, None if op == "condpauli" else 0, 0))
    return Letter(text, f"core.{op}", vqs, named["<"], named[">"], "".join(named["?"]), args, takes)


SOUND = (
    "alloc a", "alloc b", "alloc a b", "free a", "free b", "free a b", "h a", "h b", "cnot a b", "cnot b a", "mz a >x",
    "mz a >y", "mz b >y", "x b ?x", "h a ?x", "x a ?y", "mz b >y ?x", "reset a", "reset b ?x", "lut <x >y", "lut <y >x",
    "condpauli b <x", "fence", "barrier a",
)  # fmt: skip
"""Letters that some graph may use."""
UNSOUND = (
    "cnot a a", "cnot a", "h a b", "h a >x", "mz a", "mz a <x >y", "alloc a ?x", "free a ?x", "nothing a", "h c", "h x",
    "mz a >z", "x a ?z", "lut <a >x", "lut <x >x", "mz a >a", "condpauli b",
)  # fmt: skip
"""Letters that no graph may use: the wrong number or kind of handle, a handle that nobody declares, and so on."""
CORE = ("alloc a b", "free a", "free b", "h a", "cnot a b", "mz a >x", "mz b >y", "x b ?x", "lut <x >y", "reset b ?x")
"""Few letters, for longer graphs: those whose order matters."""


def graph(letters: Sequence[Letter]) -> Graph:
    """The graph of these nodes; it declares the events, and the qubits that it uses."""
    nodes = tuple(each.node(number) for number, each in enumerate(letters))
    used = {name for each in letters for name in each.vqs}
    return Graph(nodes=nodes, vqs=tuple(name for name in QUBITS if name in used), events=EVENTS)


def words(alphabet: Sequence[str], size: int, first: Sequence[str] = ()) -> Iterator[tuple[Letter, ...]]:
    """All programs of ``size`` nodes, each once, behind those of ``first``; the names of nodes mean nothing."""
    begin = tuple(letter(text) for text in first)
    return (begin + word for word in product([letter(text) for text in alphabet], repeat=size))


def orders(letters: Sequence[Letter]) -> Iterator[tuple[int, ...]]:
    """All orders in which a scheduler may run the nodes: those that share a qubit stay in order, and an event is
    written before it is read."""
    before = [
        (one, other)
        for other, late in enumerate(letters)
        for one, early in enumerate(letters[:other])
        if set(early.vqs) & set(late.vqs) or set(early.produces) & set(late.reads)
    ]
    for order in permutations(range(len(letters))):
        place = {number: at for at, number in enumerate(order)}
        if all(place[one] < place[other] for one, other in before):
            yield order


def can_be_ordered(letters: Sequence[Letter], number: int) -> bool:
    """Whether in some order of all nodes everything that node ``number`` waits for comes before it in time."""
    writers: dict[str, int] = {}
    for at, each in enumerate(letters):
        for event in each.produces:
            writers.setdefault(event, at)
    seen: set[int] = set()
    waiting = [number]
    while waiting:
        for event in letters[waiting.pop()].reads:
            writer = writers.get(event)
            if writer == number:
                return False
            if writer is not None and writer not in seen:
                seen.add(writer)
                waiting.append(writer)
    return True


Branch = tuple[float, tuple[complex, ...], tuple[int, int]]


@dataclass
class Machine:
    """``alive`` qubits, events ``written``. ``bad``: the number of the first node that cannot be run, and the rules of
    the reference that it breaks. ``warned``: some qubit is alive at the end that was never measured. ``strict``: a
    measured qubit is ``spent`` until it is reset."""

    letters: Sequence[Letter]
    strict: bool = False
    alive: set[str] = field(default_factory=set)
    freed: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    spent: set[str] = field(default_factory=set)
    written: list[str] = field(default_factory=list)
    bad: tuple[int, set[str]] | None = None

    def __post_init__(self) -> None:
        self.declared = {name for each in self.letters for name in each.vqs} & set(QUBITS)

    def run(self) -> Machine:
        for number, each in enumerate(self.letters):
            rules = self.judge(number, each)
            if rules:
                self.bad = number, rules
                break
            self.live(each)
        return self

    @property
    def warned(self) -> bool:
        return bool(self.alive - self.measured)

    def judge(self, number: int, each: Letter) -> set[str]:
        """The rules that the node breaks where it stands."""
        rules: set[str] = set()
        for name in each.vqs:
            if name in EVENTS:
                rules.add("QVM-T02")
            elif name not in QUBITS:
                rules |= {"QVM-S06"}
        for event in (*each.inputs, *each.produces):
            if event in self.declared:
                rules.add("QVM-T02")
            elif event not in EVENTS:
                rules.add("QVM-E01")
        if each.guard and each.guard not in EVENTS:
            rules.add("QVM-E05")
        for event in each.reads:
            if event in EVENTS and event not in self.written:
                rules.add(self.late(number, event))
        if set(each.produces) & set(self.written):
            rules.add("QVM-E02")
        if each.op == "core.nothing":
            return rules | {"QVM-S05"}
        counts = (len(each.vqs), len(each.inputs), len(each.produces))
        if any(want is not None and want != have for want, have in zip(each.takes, counts, strict=True)):
            rules.add("QVM-T01")
        if each.op == "core.condpauli" and not each.inputs:
            rules.add("QVM-T01")
        if each.guard and each.op in LIFE:
            rules.add("QVM-L10")
        if len(set(each.vqs)) < len(each.vqs):
            rules.add("QVM-L05")
        return rules | self.judge_life(each)

    def judge_life(self, each: Letter) -> set[str]:
        rules: set[str] = set()
        for name in each.vqs:
            if name in EVENTS:
                continue
            if each.op == "core.alloc":
                rules |= {"QVM-L02"} if name in self.alive else set()
            elif name in self.freed:
                rules.add("QVM-L04" if each.op == "core.free" else "QVM-L03")
            elif name not in self.alive:
                rules.add("QVM-L01")
            elif self.strict and name in self.spent and each.op not in ("core.free", "core.reset", *NO_EFFECT):
                rules.add("QVM-L12")
        return rules

    def late(self, number: int, event: str) -> str:
        """An event that is not there yet: some node writes it later, or waits for this one, or there is none."""
        if not any(event in each.produces for each in self.letters):
            return "QVM-E08"
        return "QVM-E03" if can_be_ordered(self.letters, number) else "QVM-E04"

    def live(self, each: Letter) -> None:
        names = set(each.vqs)
        if each.op == "core.alloc":
            self.alive |= names
            self.freed -= names
            self.measured -= names
            self.spent -= names
        elif each.op == "core.free":
            self.alive -= names
            self.freed |= names
        elif each.op == "core.mz":
            self.measured |= names
            self.spent |= names
        elif each.op == "core.reset" and not each.guard:
            self.spent -= names
            self.measured -= names if self.strict else set()
        self.written += each.produces

    def distribution(self) -> dict[str, float]:
        """Of the events that some node writes, in the order of their declaration."""
        branches: list[Branch] = [(1.0, (1, 0, 0, 0), (0, 0))]
        for each in self.letters:
            branches = [after for branch in branches for after in run_node(each, branch)]
        places = [EVENTS.index(event) for event in EVENTS if event in self.written]
        found: dict[str, float] = {}
        for weight, _, bits in branches:
            key = "".join(str(bits[place]) for place in places)
            found[key] = found.get(key, 0.0) + weight
        return {key: weight for key, weight in found.items() if weight > 1e-12}


def run_node(each: Letter, branch: Branch) -> list[Branch]:
    """What becomes of one history. Qubit a is the higher bit of a basis state."""
    weight, state, bits = branch
    if (each.guard and not bits[EVENTS.index(each.guard)]) or each.op in NO_EFFECT:
        return [branch]
    masks = [2 >> QUBITS.index(name) for name in each.vqs]
    match each.op:
        case "core.h":
            return [(weight, hadamard(state, masks[0]), bits)]
        case "core.x":
            return [(weight, flip(state, masks[0], 0), bits)]
        case "core.cnot":
            return [(weight, flip(state, masks[1], masks[0]), bits)]
        case "core.condpauli":
            return [(weight, flip(state, masks[0], 0), bits) if bits[EVENTS.index(each.inputs[0])] else branch]
        case "core.lut":
            return [(weight, state, put(bits, each.produces[0], 1 - bits[EVENTS.index(each.inputs[0])]))]
        case "core.mz":
            split = observe(weight, state, masks[0])
            return [(chance, left, put(bits, each.produces[0], bit)) for bit, chance, left in split]
    branches = [branch]  # alloc, free and reset leave the qubit in 0, whatever it was joined with
    for mask in masks:
        branches = [
            (chance, flip(left, mask, 0) if bit else left, seen)
            for old, entry, seen in branches
            for bit, chance, left in observe(old, entry, mask)
        ]
    return branches


def put(bits: tuple[int, int], event: str, value: int) -> tuple[int, int]:
    return (value, bits[1]) if event == "x" else (bits[0], value)


def hadamard(state: tuple[complex, ...], mask: int) -> tuple[complex, ...]:
    signs = [-1 if at & mask else 1 for at in range(4)]
    return tuple(ROOT_HALF * (state[at & ~mask] + signs[at] * state[at | mask]) for at in range(4))


def flip(state: tuple[complex, ...], mask: int, control: int) -> tuple[complex, ...]:
    return tuple(state[at ^ mask] if at & control == control else state[at] for at in range(4))


def observe(weight: float, state: tuple[complex, ...], mask: int) -> list[tuple[int, float, tuple[complex, ...]]]:
    found: list[tuple[int, float, tuple[complex, ...]]] = []
    for bit in (0, 1):
        part = [entry if bool(at & mask) == bool(bit) else 0 for at, entry in enumerate(state)]
        chance = sum(abs(entry) ** 2 for entry in part)
        if chance > 1e-12:
            found.append((bit, weight * chance, tuple(entry / chance**0.5 for entry in part)))
    return found
