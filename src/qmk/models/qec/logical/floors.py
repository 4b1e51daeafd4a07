"""A program of gates as lattice surgery on a floor: what pictures of a job on logical qubits show.

The machine charges gates and counts tiles (``costs``, ``machine``); it places nothing. Here every gate is written as
the operations that it is charged for, on a floor on which any two qubits can be joined: below each patch of the program
stands a tile for its ancillas, and between all of these are free tiles. So the floor is larger than the machine's
count, and where two merges want the same free tiles the second waits, which the count knows nothing of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from qmk.models.qec.logical.patches import program_nodes
from qmk.models.qec.surgery.floor import Floor, Patch, wrong
from qmk.models.qec.surgery.program import Basis, Correct, Idle, Inject, Measure, Merge, Op, Prepare, Program
from qmk.qvm.graph import Graph

MOST_QUBITS = 64
MOST_GATES = 2_000
LONGEST = 5
"""Characters of a qubit's name that fit on its tile."""
H_CYCLES = 3


def on_floor(written: Graph, name: str) -> Program:
    """The operations of a graph that ``lower_on_machine`` has written, on a floor of their own. Guarded gates are there
    as if they ran: their time passes. Raises INVALID_PARAMS for more than anybody looks at."""
    nodes = list(program_nodes(written.nodes))
    qubits = list(dict.fromkeys(handle for node in nodes for handle in node.vqs))
    if len(qubits) > MOST_QUBITS or len(nodes) > MOST_GATES:
        text = f"a floor for {len(qubits)} qubits and {len(nodes)} operations"
        raise wrong(text, f"at most {MOST_QUBITS} and {MOST_GATES} are drawn")
    writer = _Writer(qubits)
    for node in nodes:
        kind = node.op.partition(".")[2]
        writer.made += writer.write(kind, [writer.names[handle] for handle in node.vqs])
    return Program(name, _floor(list(writer.names.values()), list(writer.ancillas.values())), tuple(writer.made))


def _floor(names: Sequence[str], ancillas: Sequence[str]) -> Floor:
    columns = max(1, math.ceil(math.sqrt(1.5 * len(names))))
    patches: dict[str, Patch] = {}
    for at, (name, ancilla) in enumerate(zip(names, ancillas, strict=True)):
        row, col = 3 * (at // columns) + 1, 2 * (at % columns) + 1
        patches |= {name: Patch(row, col), ancilla: Patch(row + 1, col)}
    used = min(columns, max(len(names), 1))
    return Floor(3 * math.ceil(len(names) / columns) + 1 if names else 1, 2 * used + 1, patches)


class _Writer:
    """``names``: of the patches by the handles of their qubits; ``ancillas``: of the tiles below, by patch."""

    def __init__(self, qubits: Sequence[str]) -> None:
        short = all(len(handle) <= LONGEST for handle in qubits)
        self.names = {handle: handle if short else str(at) for at, handle in enumerate(qubits)}
        taken = set(self.names.values())
        mark = next(mark for mark in ("anc", "anc_", "anc__") if not any(name.startswith(mark) for name in taken))
        self.ancillas = {name: f"{mark}{at}" for at, name in enumerate(self.names.values())}
        self.alive: set[str] = set()
        self.made: list[Op] = []
        self.count = 0

    def write(self, kind: str, names: Sequence[str]) -> Iterator[Op]:
        """The operations of a gate of ``costs.CYCLES``, a measurement or a reset; of anything else none."""
        if kind in ("cnot", "cz", "h", "s", "sdg", "t", "tdg"):
            for name in names:
                yield from self._prepare(name)
        self.count += 1
        match kind:
            case "cnot" | "cz":
                yield from self._join(names[0], names[1], "X" if kind == "cnot" else "Z")
            case "h":
                yield Idle(names[0], H_CYCLES, "H")
            case "s" | "sdg":
                yield from self._phase(names[0], kind.upper().replace("DG", "†"))
            case "t" | "tdg":
                yield from self._consume(names[0], Inject(self.ancillas[names[0]]), "t")
                yield from self._phase(names[0], "S after T")
            case "mz":
                for name in names:
                    yield from self._prepare(name)
                    yield from self._end(name, "m")
            case "reset":
                for name in self.alive.intersection(names):
                    yield from self._end(name, "reset")
            case _:
                pass

    def _prepare(self, name: str) -> Iterator[Op]:
        if name not in self.alive:
            self.alive.add(name)
            yield Prepare(name, "Z")

    def _end(self, name: str, key: str) -> Iterator[Op]:
        self.alive.discard(name)
        yield Measure(name, "Z", f"{key}{self.count}_{name}")

    def _join(self, control: str, target: str, pauli: Basis) -> Iterator[Op]:
        """A CNOT over an ancilla as in ``surgery.programs``, or a CZ, with the target's bases exchanged."""
        ancilla, at = self.ancillas[control], self.count
        yield Prepare(ancilla, "X")
        yield Merge({control: "Z", ancilla: "Z"}, f"zz{at}")
        yield Merge({ancilla: "X", target: pauli}, f"x{pauli.lower()}{at}")
        yield Measure(ancilla, "Z", f"a{at}")
        yield Correct(target, pauli, (f"zz{at}", f"a{at}"))
        yield Correct(control, "Z", (f"x{pauli.lower()}{at}",))

    def _phase(self, name: str, label: str) -> Iterator[Op]:
        """An S: while a patch is made in |Y>, which takes a cycle, the data waits; then it is consumed."""
        yield Idle(name, 1, label)
        yield from self._consume(name, Prepare(self.ancillas[name], "X"), "y")

    def _consume(self, name: str, begin: Op, key: str) -> Iterator[Op]:
        """A joint ZZ with a patch that holds a state and is read in X."""
        ancilla, at = self.ancillas[name], self.count
        yield begin
        yield Merge({name: "Z", ancilla: "Z"}, f"{key}zz{at}")
        yield Measure(ancilla, "X", f"{key}a{at}")
        yield Correct(name, "Z", (f"{key}a{at}",))
