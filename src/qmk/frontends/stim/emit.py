"""Writes a graph as a Stim circuit. The record of Stim is every measurement in the order of time: a comment says which
bits a register of the graph has where they are not simply the record."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any, NamedTuple

from qmk.base.errors import Finding, invalid_graph
from qmk.frontends.stim.rules import STIM_RULES
from qmk.ir.names import names
from qmk.qvm.families import OPS
from qmk.qvm.families.noise import PAIRS
from qmk.qvm.graph import Graph, Guard, Node
from qmk.qvm.op import PauliChannel

FIXED = {**names("stim"), **names("stim_tag"), "reset": "R"}
TURNS = {
    "rx": ("I", "SQRT_X", "X", "SQRT_X_DAG"), "ry": ("I", "SQRT_Y", "Y", "SQRT_Y_DAG"),
    "rz": ("I", "S", "Z", "S_DAG"), "p": ("I", "S", "Z", "S_DAG"),
}  # fmt: skip
"""Rotations by so many quarters, up to a global phase."""
PRODUCTS = {"rxx": "XX", "ryy": "YY", "rzz": "ZZ"}
_Q = re.compile(r"q(\d{1,7})\Z")


class Form(NamedTuple):
    """A sum modulo two of measurements, plus a constant."""

    records: frozenset[int]
    constant: int = 0


class Unwritten(Exception):
    """Why a node has no form in Stim."""


class Line:
    """A measurement may still be inverted, and given its chance of a wrong reading, by what follows it."""

    def __init__(self, name: str, targets: str) -> None:
        self.name, self.targets = name, targets
        self.inverted = False
        self.flip = 0.0

    def text(self) -> str:
        chance = f"({self.flip!r})" if self.flip else ""
        return f"{self.name}{chance} {'!' if self.inverted else ''}{self.targets}".rstrip()


class Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[Line] = []
        self.measured: list[Line] = []
        self.forms: dict[str, Form] = {}
        self.random: dict[str, float] = {}
        self.records = 0
        self.lost: dict[str, int] = {}
        self.groups = 0
        self.seen: set[str] = set()
        named = [_Q.match(handle) for handle in graph.vqs]
        own = {int(match[1]) for match in named if match}
        keep = len(own) == len(graph.vqs)
        self.qubit = {h: (h[1:].lstrip("0") or "0") if keep else str(k) for k, h in enumerate(graph.vqs)}
        uses = [event for node in graph.nodes for event in (*node.inputs, *(node.guard.events() if node.guard else ()))]
        shown = [bit for row in graph.outputs or () for bit in row.bits if bit]
        self.uses = Counter(uses + shown)
        inverters = [node for node in graph.nodes if node.op == "core.lut" and int(node.args["table"]) == 1]
        self.negated = {node.inputs[0] for node in inverters if len(node.inputs) == 1}.difference(shown)

    def emit(self) -> bytes:
        found: list[Finding] = []
        for node in self.graph.nodes:
            try:
                self.node(node)
            except Unwritten as why:
                found.append(Finding("STIM-20", f"{node.op}: {why}", STIM_RULES["STIM-20"].help, node=node.id))
        if not found:
            try:
                self.outputs()
            except Unwritten as why:
                found.append(Finding("STIM-20", str(why), STIM_RULES["STIM-20"].help))
        if found:
            raise invalid_graph(found)
        return "".join(f"{line.text()}\n" for line in self.lines).encode() or b"TICK\n"

    def write(self, name: str, *targets: str) -> None:
        self.lines.append(Line(name, " ".join(targets)))

    def node(self, node: Node) -> None:
        family, _, short = node.op.partition(".")
        operands = [self.qubit[handle] for handle in node.vqs]
        op = OPS.get(node.op)
        if node.guard is not None:
            self.write_guarded(node, short, node.guard)
        elif op is None:
            raise Unwritten("the op is not known")
        elif op.op_class in ("hint", "fence"):
            if node.op in ("core.barrier", "core.fence"):
                self.write("TICK")
        elif node.op == "core.alloc":
            again = [self.qubit[handle] for handle in node.vqs if handle in self.seen]
            self.seen.update(node.vqs)
            if again:
                self.write("R", *again)
        elif op.op_class == "measure":
            self.measure(node, operands)
        elif family == "noise":
            self.noise(node, short, operands)
        elif node.op == "core.lut":
            self.forms[node.produces[0]] = self.logic(node)
        elif node.op == "core.condpauli":
            self.feed(node, [self.form(event) for event in node.inputs])
        elif node.op not in ("core.free", "core.gphase"):
            self.gate(short, operands, node.args)

    # -- gates -------------------------------------------------------------------------------------------------------

    def gate(self, short: str, operands: list[str], args: dict[str, Any]) -> None:
        if short in FIXED:
            self.write(FIXED[short], *operands)
        elif short in TURNS or short in PRODUCTS or short == "paulirot":
            self.rotation(short, operands, args)
        elif short == "u":
            angles = ", ".join(
                f"{name}={args[key] / math.pi!r}*pi" for name, key in (("theta",) * 2, ("phi",) * 2, ("lambda", "lam"))
            )
            self.write(f"I[U3({angles})]", *operands)
        else:
            raise Unwritten("no gate of Stim")

    def rotation(self, short: str, operands: list[str], args: dict[str, Any]) -> None:
        angle = float(args["lam" if short == "p" else "theta"])
        quarters = angle / (math.pi / 2)
        nearest = round(quarters)
        exact = abs(quarters - nearest) < 1e-12
        if short in TURNS and exact:
            self.write(TURNS[short][nearest % 4], *operands)
        elif short in TURNS:
            self.write(f"I[R_{'Z' if short == 'p' else short[1].upper()}(theta={angle / math.pi!r}*pi)]", *operands)
        elif exact:
            paulis = PRODUCTS.get(short) or args["paulis"]
            letters = [letter + q for letter, q in zip(paulis, operands, strict=True) if letter != "I"]
            if nearest % 4 == 2:
                self.write_paulis(paulis, operands)
            elif nearest % 4 and letters:
                self.write("SPP" if nearest % 4 == 1 else "SPP_DAG", "*".join(letters))
        else:
            raise Unwritten("an angle that makes it no Clifford gate")

    def write_paulis(self, paulis: str, operands: list[str]) -> None:
        for letter, qubit in zip(paulis, operands, strict=True):
            if letter != "I":
                self.write(letter, qubit)

    def write_guarded(self, node: Node, short: str, guard: Guard) -> None:
        if node.op not in ("core.x", "core.y", "core.z") or guard.type != "eq" or guard.value not in (0, 1):
            raise Unwritten("a guard; only a Pauli under one event has a form in Stim")
        form = self.form(guard.event) if guard.event in self.forms else Form(frozenset())
        fed = Form(form.records, form.constant ^ (1 - guard.value))
        self.feed(Node(node.id, node.op, {"paulis": short.upper()}, node.vqs), [fed])

    def feed(self, node: Node, forms: list[Form]) -> None:
        paulis, operands = node.args["paulis"], [self.qubit[handle] for handle in node.vqs]
        if len(node.inputs) == 1 and node.inputs[0] in self.random:
            letters = [letter + q for letter, q in zip(paulis, operands, strict=True) if letter != "I"]
            self.write(f"E({self.random[node.inputs[0]]!r})", *letters)
            return
        if any(event in self.random for event in node.inputs):
            raise Unwritten("a Pauli under a random event and a measured one")
        for form in forms:
            if form.constant:
                self.write_paulis(paulis, operands)
            for record in sorted(form.records):
                for letter, qubit in zip(paulis, operands, strict=True):
                    if letter != "I":
                        self.write(f"C{letter}", f"rec[{record - self.records}]", qubit)

    # -- events ------------------------------------------------------------------------------------------------------

    def form(self, event: str) -> Form:
        if event in self.random and self.uses[event] == 1:
            return Form(frozenset())
        if event not in self.forms:
            raise Unwritten(f"event '{event}' is not a parity of measurements")
        return self.forms[event]

    def measure(self, node: Node, operands: list[str]) -> None:
        if node.op == "core.mpauli":
            letters = [letter + q for letter, q in zip(node.args["paulis"], operands, strict=True) if letter != "I"]
            if not letters:
                raise Unwritten("a measurement of the identity")
            name, targets = "MPP", "*".join(letters)
        elif node.op in ("core.mz", "core.mx", "core.my", "atoms.mz") and not node.args.get("lost_as"):
            name, targets = {"core.mx": "MX", "core.my": "MY"}.get(node.op, "M"), operands[0]
        else:
            raise Unwritten("no measurement of Stim")
        self.measured.append(Line(name, targets))
        self.lines.append(self.measured[-1])
        self.record(node.produces[0], self.records)
        if len(node.produces) > 1:
            self.lost[node.produces[1]] = self.records
        self.records += 1

    def record(self, event: str, record: int) -> None:
        """Takes the record of a measurement for an event, and inverts it where the negation of the event is shown."""
        self.measured[record].inverted ^= event in self.negated
        self.forms[event] = Form(frozenset((record,)), int(event in self.negated))

    def fresh(self, event: str) -> int | None:
        """The record of a measurement whose event only this node reads, so that it may still be changed."""
        form = self.forms.get(event)
        if form is None or self.uses[event] != 1 or len(form.records) != 1 or form.constant:
            return None
        return next(iter(form.records))

    def logic(self, node: Node) -> Form:
        table, width = int(node.args["table"]), len(node.inputs)
        constant = table & 1
        slopes = [(table >> (1 << k) & 1) ^ constant for k in range(width)]
        for row in range(1 << width):
            want = constant ^ (sum(slope for k, slope in enumerate(slopes) if row >> k & 1) & 1)
            if table >> row & 1 != want:
                raise Unwritten("event logic that is not a parity")
        records: frozenset[int] = frozenset()
        for slope, event in zip(slopes, node.inputs, strict=True):
            if slope:
                part = self.form(event)
                records, constant = records ^ part.records, constant ^ part.constant
        return Form(records, constant)

    def noise(self, node: Node, short: str, operands: list[str]) -> None:
        args = node.args
        if short == "readout":
            self.misread(node)
        elif short == "depolarize":
            self.write(f"DEPOLARIZE{len(operands)}({args['p']!r})", *operands)
        elif short == "pauli":
            chances = [float(args.get(f"p{axis}", 0.0)) for axis in "xyz"]
            some = [axis for axis, p in zip("XYZ", chances, strict=True) if p]
            if len(some) == 1:
                self.write(f"{some[0]}_ERROR({max(chances)!r})", *operands)
            else:
                self.write(f"PAULI_CHANNEL_1({', '.join(map(repr, chances))})", *operands)
        elif short == "pauli2":
            chances = [float(args.get(f"p{pair.lower()}", 0.0)) for pair in PAIRS]
            self.write(f"PAULI_CHANNEL_2({', '.join(map(repr, chances))})", *operands)
        elif short == "loss":
            group = len(operands) > 1
            self.write(f"I_ERROR[{f'correlated_loss:{self.groups}' if group else 'loss'}]({args['p']!r})", *operands)
            self.groups += group
        elif short == "leak":
            self.write(f"I_ERROR[leakage]({args['p0']!r}, {args['p1']!r})", *operands)
        else:
            op = OPS[node.op]
            channel = op.channel(args, len(operands)) if op.channel is not None else None
            if not isinstance(channel, PauliChannel) or len(operands) != 1:
                raise Unwritten("no noise of Stim")
            self.write(f"PAULI_CHANNEL_1({', '.join(map(repr, channel.chances[1:]))})", *operands)

    def misread(self, node: Node) -> None:
        event, made = node.inputs[0], node.produces[0]
        p01, p10 = (float(node.args.get(name, 0.0)) for name in ("p01", "p10"))
        if self.forms.get(event) == Form(frozenset()):
            self.random[made] = p01
            return
        record = self.fresh(event)
        if record is None or p01 != p10 or self.measured[record].flip:
            raise Unwritten("a wrong reading that is not symmetric, or of a bit that is read otherwise too")
        self.measured[record].flip = p01
        self.record(made, record)

    # -- registers ---------------------------------------------------------------------------------------------------

    def outputs(self) -> None:
        for row in self.graph.outputs or ():
            if row.name in ("detectors", "observables"):
                for at, bit in enumerate(row.bits):
                    self.annotate("DETECTOR" if row.name == "detectors" else f"OBSERVABLE_INCLUDE({at})", bit)
            elif row.name == "lost" and [self.lost.get(bit or "", -1) for bit in row.bits] == list(range(self.records)):
                continue
            else:
                self.register(row.name, row.bits)

    def annotate(self, name: str, bit: str | None) -> None:
        form = Form(frozenset()) if bit is None else self.form(bit)
        if form.constant:
            raise Unwritten(f"{name} of an inverted parity")
        self.write(name, *(f"rec[{record - self.records}]" for record in sorted(form.records)))

    def register(self, name: str, bits: tuple[str | None, ...]) -> None:
        forms = [self.form(bit) if bit else None for bit in bits]
        if not all(form is not None and len(form.records) == 1 and not form.constant for form in forms):
            raise Unwritten(f"register '{name}' has a bit that is not a single measurement")
        order = [next(iter(form.records)) for form in forms if form is not None]
        if order != list(range(self.records)):
            self.lines.insert(0, Line(f"# {name or 'result'}:", " ".join(f"m{k}" for k in order)))


def emit(graph: Graph) -> bytes:
    """Writes the graph. Raises INVALID_GRAPH with a finding STIM-20 for each node that has no form in Stim."""
    return Writer(graph).emit()
