"""A graph as OpenQASM 2 text, with the gates of qelib1.inc as Qiskit has it.

The language has whole registers in conditions, prints every bit, and has no controls, powers or phases of the whole
program: gates that qelib1.inc lacks are defined in front, up to such a phase, and what has no form is refused.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from qmk.base.errors import Finding
from qmk.frontends.openqasm.defined import number, statement
from qmk.frontends.openqasm.library import QELIB1
from qmk.frontends.openqasm.rules import rule_id
from qmk.frontends.qasm3.emit import Refused, Writer
from qmk.frontends.qasm3.names import registers
from qmk.ir.names import spellings
from qmk.ir.scripts import flat
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.op import Op

_NOT_IN_QISKIT = frozenset(("ryy",))
"""Gates that QMK reads with qelib1.inc and Qiskit does not: they are defined in front too."""

_AS_OPENQASM_3 = "write it as qasm3"


def emit(graph: Graph) -> bytes:
    """OpenQASM 2 text in UTF-8. Raises INVALID_GRAPH with a finding for every node that cannot be written."""
    return Writer2(graph).text().encode()


class Writer2(Writer):
    """Writes one graph."""

    dialect = 2
    language = "OpenQASM 2"

    def _whole(self) -> str:
        gates = [_definition(short) for short in self.needed]
        return "\n".join(["OPENQASM 2.0;", 'include "qelib1.inc";', *gates, *self.head, *self.lines, ""])

    # -- declarations ------------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        outputs = self.graph.outputs
        if outputs is None:
            produced = tuple(event for event in self.graph.events if event in self.widths)
            outputs = (Output("c", produced),) if produced else ()
        self.registers: dict[str, tuple[str | None, ...]] = {}
        for output in reversed(outputs):
            name, size, _ = self._register(output)
            self.registers[name] = tuple(reversed(output.bits))
            self.bits.update((event, [f"{name}[0]"]) for event, places in self.bits.items() if places == [name])
            self.head += [f"creg {name}[{size}];"] * bool(size)
        loose = [event for event in self.widths if event not in self.bits]
        if loose or self.copies:
            text = f"the event '{loose[0]}' is in no register" if loose else "an event is in two registers"
            self._find(f"{text}: OpenQASM 2 prints every bit, once", "give it a bit of a register of its own")
        qubits, spelled = registers(self.graph.vqs, self.names)
        self.head += [f"qreg {name}[{size or 1}];" for name, size in qubits]
        alone = {name for name, size in qubits if size is None}
        self.spelled = {vq: f"{name}[0]" if name in alone else name for vq, name in spelled.items()}

    def _find(self, text: str, fix: str) -> None:
        self.findings.append(Finding(rule_id(2, "emit-graph"), text, fix))

    # -- statements --------------------------------------------------------------------------------------------------

    def _write_nodes(self) -> None:
        for node in self.graph.nodes:
            written = self._node(node)
            if node.guard is not None and node.inputs and written:
                self._find(f"'{node.id}' has two conditions", _AS_OPENQASM_3)
            elif node.guard is not None and written:
                try:
                    written = [f"if({self._register_equals(node.guard)}) {line}" for line in written]
                except Refused as refused:
                    self.findings.append(Finding(rule_id(2, refused.key), refused.message, refused.help, node.id))
            self.lines += written

    def _statements(self, op: Op, node: Node) -> list[str]:
        if op.op_class == "classical":
            raise Refused("emit-op", f"{op.name} has no form in {self.language}", _AS_OPENQASM_3)
        if op.op_class == "feedforward" and len(node.inputs) > 1:
            raise Refused("emit-graph", "the condition is a parity of bits", _AS_OPENQASM_3)
        return super()._statements(op, node)

    def _condpauli(self, node: Node) -> list[str]:
        condition = self._register_equals(Guard(event=node.inputs[0]))
        pairs = zip(node.vqs, node.args["paulis"], strict=True)
        return [f"if({condition}) {pauli.lower()} {self._qubit(vq)};" for vq, pauli in pairs if pauli != "I"]

    def _register_equals(self, guard: Guard) -> str:
        """A guard that gives every bit of one register as a comparison of this register."""
        parts = guard.conditions if guard.type == "and" else (guard,)
        held = {part.event: part.value for part in parts if part.type == "eq" and part.value in (0, 1)}
        for name, bits in self.registers.items():
            if len(held) == len(parts) and set(held) == {bit for bit in bits if bit is not None}:
                return f"{name}=={sum(held[bit] << k for k, bit in enumerate(bits) if bit is not None)}"
        raise Refused(
            "emit-graph", "the condition is not the value of one whole register",
            f"measure what it reads into a register of its own, or {_AS_OPENQASM_3}",
        )  # fmt: skip

    def _measure(self, qubit: str, place: str) -> str:
        return f"measure {qubit} -> {place};"

    def _gate(self, op: Op, args: dict[str, Any], qubits: list[str]) -> list[str]:
        short = op.short
        if short == "gphase":
            return []
        if short == "paulirot":
            return self._steps(op, args, qubits, [])
        if short == "mod":
            params: dict[str, Any] = args.get("params") or {}
            short, args = _without_modifiers(args), params
        elif short not in _names():
            self.needed[short] = None
        angles = ",".join(number(value) for value in args.values())
        return [f"{_names().get(short, short)}{f'({angles})' if angles else ''} {','.join(qubits)};"]


@cache
def _names() -> dict[str, str]:
    """The gates of qelib1.inc by their short names, with the oldest name of each, and those with controls by the
    controls and the short name."""
    found = {short: name for name, short in spellings(("qasm", "qelib1")) if name not in _NOT_IN_QISKIT}
    for name, gate in QELIB1.items():
        prims = gate.make(*[0.5] * gate.params).prims
        if not gate.direct and len(prims) == 1 and prims[0].controls and gate.qubits > 1:
            found[f"{prims[0].controls} {prims[0].base}"] = name
    return found


def _without_modifiers(args: dict[str, Any]) -> str:
    """The key in ``_names`` of a gate under controls."""
    controls = args.get("controls", 0)
    key = f"{args.get('state') or '1' * controls} {args['gate']}"
    if args.get("power", 1.0) != 1 or key not in _names():
        raise Refused("emit-op", f"'{args['gate']}' with controls or a power has no form in OpenQASM 2", _AS_OPENQASM_3)
    return key


@cache
def _definition(short: str) -> str:
    """A gate that qelib1.inc lacks, up to a phase."""
    op = FIXED_SIZE[short]
    lines = [
        line for line in flat(short, lambda step: step in _names() or step == "gphase") if line.op != "core.gphase"
    ]
    params = f"({','.join(param.name for param in op.params)})" if op.params else ""
    body = " ".join(statement(line, lambda step: _names()[step]) for line in lines)
    return f"gate {short}{params} {','.join('abcdef'[: op.vqs.low])} {{ {body} }}"
