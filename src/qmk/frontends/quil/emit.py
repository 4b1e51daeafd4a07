"""A graph as Quil. Events become BIT memory, guards become jumps, truth tables classical instructions; what Quil has no
gate for is lowered, or defined by its matrix. Phases of the whole program are left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from qmk.base.errors import Finding, invalid_graph
from qmk.frontends.qasm3.names import Names, registers
from qmk.frontends.quil.gates import PLAIN, TURNING
from qmk.frontends.quil.rules import QUIL_RULES
from qmk.ir.parameter_values import parameters_of
from qmk.ir.parameters import Expression
from qmk.qvm.families import OPS
from qmk.qvm.families.core import power_of_args
from qmk.qvm.graph import Graph, Guard, Node, Output

_EXACT = {ours: name for name, (ours, *_) in (*PLAIN.items(), *TURNING.items()) if name != "SQISW"} | {
    "sdg": "DAGGER S", "tdg": "DAGGER T", "iswapdg": "DAGGER ISWAP", "cy": "CONTROLLED Y", "ch": "CONTROLLED H",
    "ccz": "CONTROLLED CZ", "crx": "CONTROLLED RX", "cry": "CONTROLLED RY", "crz": "CONTROLLED RZ",
}  # fmt: skip
"""Gates that Quil has, exactly."""
_FUNCTIONS = re.compile(r"\b(tan|arcsin|arccos|arctan|log)\(")
_NUMBERED = re.compile(r"q(0|[1-9]\d{0,6})")
SCRATCH, LOOSE = "qmk_scratch", "qmk_bits"


def emit(graph: Graph) -> bytes:
    """Quil in UTF-8. Raises INVALID_GRAPH with a finding for every node that cannot be written."""
    return _Writer(graph).text().encode()


class _Refused(Exception):
    pass


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: list[str] = []
        self.defined: dict[str, list[str]] = {}
        self.findings: list[Finding] = []
        self.labels = 0
        self.scratch = False
        self.freed: set[str] = set()
        declared, _ = registers(graph.vqs, Names())
        single = [_NUMBERED.fullmatch(name) for name, size in declared if size is None]
        if declared and len(single) == len(declared) and all(single):
            numbers = [int(match[1]) for match in single if match]
        else:
            numbers = list(range(len(graph.vqs)))
        self.qubits = {handle: str(number) for handle, number in zip(graph.vqs, numbers, strict=True)}

    def text(self) -> str:
        head = self._declare()
        guard: Guard | None = None
        end = ""
        for node in self.graph.nodes:
            if node.op in ("core.alloc", "core.free", "core.barrier") and not self._resets(node):
                continue
            if node.guard != guard:
                if guard is not None:
                    self.lines.append(f"LABEL {end}")
                guard = node.guard
                if guard is not None:
                    end = self._label()
                    self._jump_unless(guard, end)
            self._write(node)
        if guard is not None:
            self.lines.append(f"LABEL {end}")
        if self.findings:
            raise invalid_graph(self.findings)
        if self.scratch:
            head.append(f"DECLARE {SCRATCH} BIT[2]")
        defined = [line for lines in self.defined.values() for line in lines]
        return "\n".join([*head, *defined, *self.lines, *self.copies, ""])

    def _declare(self) -> list[str]:
        """Memory for parameters and bits; ``bits`` says where each event is."""
        head = [f"DECLARE {name} REAL[{size or 1}]" for name, size in parameters_of(self.graph).items()]
        written = list(dict.fromkeys(event for node in self.graph.nodes for event in node.produces))
        outputs = self.graph.outputs
        if outputs is None:
            outputs = (Output("ro", tuple(reversed(written))),) if written else ()
        self.bits: dict[str, str] = {}
        self.copies: list[str] = []
        names = Names()
        for output in reversed(outputs):
            name = names.reserve(output.name or "ro", "ro")
            if output.bits:
                head.append(f"DECLARE {name} BIT[{len(output.bits)}]")
            for k, event in enumerate(reversed(output.bits)):
                here = f"{name}[{k}]"
                if event is not None and event in self.bits:
                    self.copies.append(f"MOVE {here} {self.bits[event]}")
                elif event is not None:
                    self.bits[event] = here
        loose = [event for event in written if event not in self.bits]
        if loose:
            head.append(f"DECLARE {LOOSE} BIT[{len(loose)}]")
            self.bits.update((event, f"{LOOSE}[{k}]") for k, event in enumerate(loose))
        return head

    # -- branches ----------------------------------------------------------------------------------------------------

    def _label(self) -> str:
        self.labels += 1
        return f"@L{self.labels}"

    def _jump_unless(self, guard: Guard, label: str) -> None:
        """Goes to ``label`` where the guard does not hold."""
        if guard.type == "eq":
            self.lines.append(f"{'JUMP-UNLESS' if guard.value else 'JUMP-WHEN'} {label} {self.bits[guard.event]}")
        elif guard.type == "and":
            for part in guard.conditions:
                self._jump_unless(part, label)
        else:
            then = self._label()
            for part in guard.conditions:
                after = self._label()
                self._jump_unless(part, after)
                self.lines += [f"JUMP {then}", f"LABEL {after}"]
            self.lines += [f"JUMP {label}", f"LABEL {then}"]

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _resets(self, node: Node) -> bool:
        """Whether an allocation has to reset what was freed before."""
        if node.op == "core.free":
            self.freed.update(node.vqs)
        return node.op == "core.alloc" and bool(self.freed.intersection(node.vqs))

    def _write(self, node: Node) -> None:
        try:
            self._node(node)
        except _Refused as error:
            help_ = QUIL_RULES["QUIL-11"].help
            self.findings.append(Finding("QUIL-11", f"{node.op}: {error}", help_, node.id))

    def _node(self, node: Node) -> None:
        qubits = [self.qubits[handle] for handle in node.vqs]
        op = OPS[node.op]
        match node.op:
            case "core.mz":
                self.lines.append(f"MEASURE {qubits[0]} {self.bits[node.produces[0]]}")
            case "core.reset" | "core.alloc":
                self.lines += [f"RESET {qubit}" for qubit in qubits]
            case "core.fence":
                pass
            case "core.lut":
                self._table(self.bits[node.produces[0]], node.args["table"], [self.bits[e] for e in node.inputs])
            case "core.condpauli":
                self._conditional_pauli(node, qubits)
            case "core.mod":
                self._modified_gate(node.args, qubits)
            case _ if op.op_class == "unitary":
                self._gate(op.short, node.args, qubits)
            case _ if op.lower is not None and len(node.produces) == op.produces.high:
                for step in op.lower(node.args, len(qubits)):
                    own = [qubits[k] for k in step.operands]
                    if step.event >= 0:
                        self.lines.append(f"MEASURE {own[0]} {self.bits[node.produces[step.event]]}")
                    else:
                        self._gate(step.op.removeprefix("core."), step.args, own)
            case _:
                raise _Refused(f"{op.doc} has no form in Quil")

    def _gate(self, name: str, args: Mapping[str, Any], qubits: list[str]) -> None:
        on = " ".join(qubits)
        values = list(args.values())
        match name:
            case "gphase":
                return
            case "sx" | "sxdg":
                self.lines.append(f"RX({'' if name == 'sx' else '-'}pi/2) {on}")
            case "siswap" | "siswapdg":
                self.lines.append(f"XY({'' if name == 'siswap' else '-'}pi/2) {on}")
            case "qasm_u":
                self._gate("u", args, qubits)
            case "fsim":
                self.lines.append(f"FSIM({_number(-2 * values[0])}, {_number(-values[1])}) {on}")
            case "xx_plus_yy":
                turn = _number(args["beta"]), _number(-args["beta"])
                around = [f"RZ({each}) {qubits[0]}" for each in turn]
                self.lines += [around[0], f"XY({_number(-args['theta'])}) {on}", around[1]]
            case _ if name in _EXACT:
                angles = [args[param.name] for param in OPS[f"core.{name}"].params]
                self.lines.append(f"{_EXACT[name]}{_angles(angles)} {on}")
            case _:
                lower = OPS[f"core.{name}"].lower
                if lower is None:
                    raise _Refused("it has no form in Quil")
                for step in lower(args, len(qubits)):
                    self._gate(step.op.removeprefix("core."), step.args, [qubits[k] for k in step.operands])

    def _modified_gate(self, args: Mapping[str, Any], qubits: list[str]) -> None:
        name, power = args["gate"], args.get("power", 1.0)
        params = cast("dict[str, Any]", args.get("params") or {})
        controls = args.get("controls", 0)
        state = args.get("state") or "1" * controls
        if name == "gphase":
            raise _Refused("a controlled phase of this form; write it as a phase gate")
        if name in _EXACT and power in (1.0, -1.0):
            angles = [params[param.name] for param in OPS[f"core.{name}"].params]
            text = f"{'DAGGER ' if power < 0 else ''}{_EXACT[name]}{_angles(angles)}"
        elif name in ("fsim", "xx_plus_yy") and power in (1.0, -1.0):
            self._around(state, power, qubits, lambda own: self._gate(name, params, own))
            return
        elif any(isinstance(value, Expression) for value in params.values()):
            raise _Refused(f"{name} with controls or a power, whose angle has no value yet")
        else:
            text = self._define(name, power_of_args(args))
        flips = _flips(qubits, state)
        self.lines += [*flips, f"{'CONTROLLED ' * controls}{text} {' '.join(qubits)}", *flips]

    def _around(self, state: str, power: float, qubits: list[str], write: Callable[[list[str]], None]) -> None:
        """What ``write`` writes, each line undone and under the controls as asked."""
        before, self.lines = self.lines, []
        write(qubits[len(state) :])
        inner, self.lines = self.lines, before
        prefix = "CONTROLLED " * len(state) + ("DAGGER " if power < 0 else "")
        controls = " ".join(["", *qubits[: len(state)]])
        flips = _flips(qubits, state)
        lines = [f"{prefix}{head}){controls} {own}" for head, own in (line.rsplit(") ", 1) for line in inner)]
        self.lines += [*flips, *(lines[::-1] if power < 0 else lines), *flips]

    def _define(self, name: str, matrix: Any) -> str:
        rows = [", ".join(f"{_number(x.real)}{'+' if x.imag >= 0 else '-'}{_number(abs(x.imag))}i" for x in row)
                for row in (tuple(map(complex, row)) for row in matrix)]  # fmt: skip
        key = "\n".join(rows)
        for made, lines in self.defined.items():
            if "\n".join(line.strip() for line in lines[1:-1]) == key:
                return made
        made = f"QMK-{name.upper().replace('_', '-')}-{len(self.defined)}"
        self.defined[made] = [f"DEFGATE {made} AS MATRIX:", *(f"    {row}" for row in rows), ""]
        return made

    # -- classical bits ----------------------------------------------------------------------------------------------

    def _table(self, out: str, table: int, inputs: list[str]) -> None:
        """A bit from others: the rows of the table that give 1, joined."""
        if len(inputs) == 1 and table in (0b10, 0b01):
            self.lines += [f"MOVE {out} {inputs[0]}", *([f"NOT {out}"] if table == 0b01 else [])]
            return
        self.scratch = True
        row_bit, negated = f"{SCRATCH}[0]", f"{SCRATCH}[1]"
        self.lines.append(f"MOVE {out} 0")
        for row in range(1 << len(inputs)):
            if table >> row & 1:
                self.lines.append(f"MOVE {row_bit} 1")
                for k, bit in enumerate(inputs):
                    if row >> k & 1:
                        self.lines.append(f"AND {row_bit} {bit}")
                    else:
                        self.lines += [f"MOVE {negated} {bit}", f"NOT {negated}", f"AND {row_bit} {negated}"]
                self.lines.append(f"IOR {out} {row_bit}")

    def _conditional_pauli(self, node: Node, qubits: list[str]) -> None:
        self.scratch = True
        bit, end = f"{SCRATCH}[0]", self._label()
        self.lines += [f"MOVE {bit} 0", *(f"XOR {bit} {self.bits[event]}" for event in node.inputs)]
        self.lines.append(f"JUMP-UNLESS {end} {bit}")
        self.lines += [f"{p} {q}" for p, q in zip(node.args["paulis"], qubits, strict=True) if p != "I"]
        self.lines.append(f"LABEL {end}")


def _flips(qubits: list[str], state: str) -> list[str]:
    """Gates that turn controls which must hold 0."""
    return [f"X {qubit}" for qubit, value in zip(qubits, state, strict=False) if value == "0"]


def _angles(values: list[Any]) -> str:
    return f"({', '.join(map(_number, values))})" if values else ""


def _number(value: Any) -> str:
    """A number or an expression as Quil writes it. Raises _Refused for a function that Quil has not."""
    if not isinstance(value, Expression):
        return repr(float(value))
    text = value.write().replace("**", "^").replace("--", "")  # Quil has no sign of a sign
    if _FUNCTIONS.search(text):
        raise _Refused(f"a function in '{text[:40]}' that Quil does not have")
    return text
