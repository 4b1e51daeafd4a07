"""A graph as OpenQASM 3 text. Reading the text back gives a graph of the same meaning: the same counts, key by key.

Handles become registers where their names allow, events become bits of the result's registers, guards become ``if``,
truth tables become bit expressions, and a qubit allocated again is reset. What has no form is refused with findings.
"""

from __future__ import annotations

from typing import Any

from qmk.base.errors import Finding, invalid_graph
from qmk.frontends.openqasm.defined import definitions, spelling
from qmk.frontends.openqasm.rules import rule_id
from qmk.frontends.qasm3 import text
from qmk.frontends.qasm3.names import Names, registers
from qmk.ir.parameter_values import parameters_of
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output
from qmk.qvm.op import Op, Step


def emit(graph: Graph) -> bytes:
    """OpenQASM 3 text in UTF-8. Raises INVALID_GRAPH with a finding for every node that cannot be written."""
    return Writer(graph).text().encode()


class Refused(Exception):
    """A node that has no form in the language."""

    def __init__(self, key: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.key, self.message, self.help = key, message, help


class Writer:
    """Writes one graph."""

    dialect = 3
    language = "OpenQASM 3"

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = Names()
        self.findings: list[Finding] = []
        self.lines: list[str] = []
        self.needed: dict[str, None] = {}
        self.dead: set[str] = set()
        self.widths = {
            event: 2 if node.op == "core.mbell" and len(node.produces) == 1 else 1
            for node in graph.nodes
            for event in node.produces
        }
        self.guarded = {event for node in graph.nodes if node.guard for event in node.produces}
        self.bits: dict[str, list[str]] = {}
        self.copies: list[str] = []
        self.head: list[str] = []
        self.inner: list[str] = []
        self.hidden = False
        self.scalars: set[str] = set()

    def text(self) -> str:
        """The program. Raises INVALID_GRAPH with all findings."""
        for step in (self._declare, self._write_nodes):
            step()
            if self.findings:
                raise invalid_graph(self.findings)
        return self._whole()

    def _write_nodes(self) -> None:
        open_guard: Guard | None = None
        for node in self.graph.nodes:
            written = self._node(node)
            if not written:
                continue
            if node.guard != open_guard:
                if open_guard is not None:
                    self.lines.append("}")
                open_guard = node.guard
                if open_guard is not None:
                    condition = self._condition(open_guard)
                    self.lines.append(f"if {condition if condition[0] == '(' else f'({condition})'} {{")
            self.lines.extend(f"  {line}" if open_guard is not None else line for line in written)
        if open_guard is not None:
            self.lines.append("}")

    def _whole(self) -> str:
        gates = [definitions()[name] for name in self.needed]
        body = [*self.inner, *self.lines, *self.copies]
        if self.hidden:  # bits of a block are no result: this program prints none
            body = ["if (true) {", *(f"  {line}" for line in body), "}"]
        return "\n".join(["OPENQASM 3.0;", 'include "stdgates.inc";', *gates, *self.head, *body, ""])

    # -- declarations ------------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        self._declare_inputs()
        outputs = self.graph.outputs
        if outputs is None:
            produced = [event for event in self.graph.events if event in self.widths]
            outputs = (Output("c", tuple(produced or self.widths)),) if self.widths else ()
        homes = [self._register(output) for output in reversed(outputs)]
        loose = [event for event in self.widths if event not in self.bits]
        self.hidden = bool(loose and not outputs)
        prefix = "output " if loose else ""
        for name, size, zeroed in homes:
            zero = f' = "{"0" * size}"' if zeroed else ""
            if size or name in self.scalars:
                kind = "bit" if name in self.scalars else f"bit[{size}]"
                self.head.append(f"{prefix}{kind} {name}{zero};")
        for event in loose:
            name = self.names.reserve(event, "b")
            self.bits[event] = [name] if self.widths[event] == 1 else [f"{name}[1]", f"{name}[0]"]
            zero = ' = "0"' if self.widths[event] == 1 else ' = "00"'
            kind = "bit" if self.widths[event] == 1 else "bit[2]"
            where = self.inner if self.hidden else self.head
            where.append(f"{kind} {name}{zero if event in self.guarded else ''};")
        qubits, self.spelled = registers(self.graph.vqs, self.names)
        self.head += [f"qubit{'' if size is None else f'[{size}]'} {name};" for name, size in qubits]

    def _declare_inputs(self) -> None:
        """Parameters without a value are inputs. Their names stay, since values are given by them."""
        for name, size in parameters_of(self.graph).items():
            if not self.names.keep(name):
                text = f"the parameter '{name}' has a name that OpenQASM uses itself"
                self.findings.append(Finding(rule_id(3, "emit-graph"), text, "give it another name"))
            kind = "float" if size is None else f"array[float, {size}]"
            self.head.append(f"input {kind} {name};")

    def _register(self, output: Output) -> tuple[str, int, bool]:
        """Give the bits of a printed register their places: the leftmost is the highest index."""
        name = self.names.reserve(output.name or "c", "c")
        widths = [1 if event is None else self.widths.get(event, 1) for event in output.bits]
        size = sum(widths)
        if size == 1 and output.bits[0] == name and name in self.widths and name not in self.bits:
            self.scalars.add(name)
            self.bits[name] = [name]
            return name, 1, name in self.guarded
        at = size
        zeroed = False
        for event, width in zip(output.bits, widths, strict=True):
            places = [f"{name}[{at - 1 - k}]" for k in range(width)]
            at -= width
            if event is None or event not in self.widths:
                zeroed = True
            elif event in self.bits:
                self.copies += [f"{to} = {source};" for to, source in zip(places, self.bits[event], strict=True)]
            else:
                self.bits[event] = places
                zeroed = zeroed or event in self.guarded
        return name, size, zeroed

    # -- conditions --------------------------------------------------------------------------------------------------

    def _bit(self, event: str) -> str:
        places = self.bits.get(event)
        if places is None:
            raise Refused("emit-graph", f"nothing writes the event '{event}'")
        if len(places) != 1:
            raise Refused(
                "emit-graph", f"the event '{event}' holds two bits", "measure the Bell pair into two events"
            )  # fmt: skip
        return places[0]

    def _condition(self, guard: Guard) -> str:
        if guard.type != "eq":
            parts = [self._condition(part) for part in guard.conditions]
            if not parts:
                return "true" if guard.type == "and" else "false"
            joined = (" && " if guard.type == "and" else " || ").join(parts)
            return f"({joined})" if len(parts) > 1 else joined
        places = self.bits.get(guard.event)
        if places is None:
            return "true" if guard.value == 0 else "false"
        if not 0 <= guard.value < 1 << len(places):
            return "false"
        wanted = [guard.value >> (len(places) - 1 - k) & 1 for k in range(len(places))]
        parts = [place if value else f"!{place}" for place, value in zip(places, wanted, strict=True)]
        return parts[0] if len(parts) == 1 else f"({' && '.join(parts)})"

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _node(self, node: Node) -> list[str]:
        op = OPS.get(node.op)
        try:
            if op is None:
                raise Refused("emit-op", f"'{node.op}' is unknown")
            return self._statements(op, node)
        except Refused as refused:
            self.findings.append(Finding(rule_id(self.dialect, refused.key), refused.message, refused.help, node.id))
            return []

    def _statements(self, op: Op, node: Node) -> list[str]:
        match op.op_class:
            case "unitary":
                return self._gate(op, node.args, [self._qubit(vq) for vq in node.vqs])
            case "measure" | "reset" if op.family == "atoms":
                help = "write the graph as qvm-json or qvm-asm"
                raise Refused("emit-op", f"{node.op} has no form in {self.language}", help)
            case "measure" | "composite":
                return self._composite(op, node)
            case "reset":
                return [f"reset {self._qubit(vq)};" for vq in node.vqs]
            case "lifecycle":
                return self._lifecycle(op, node)
            case "feedforward":
                return self._condpauli(node)
            case "classical":
                inputs = [self._bit(event) for event in node.inputs]
                return [f"{self._bit(node.produces[0])} = {text.expression(int(node.args['table']), inputs)};"]
            case "hint" | "fence":
                return [
                    "barrier" + "".join(f"{',' if k else ''} {self._qubit(vq)}" for k, vq in enumerate(node.vqs)) + ";"
                ]
            case "metadata":
                return []
            case _:
                raise Refused(
                    "emit-op", f"{node.op} has no form in {self.language}", "write the graph as qvm-json or qvm-asm"
                )

    def _qubit(self, vq: str) -> str:
        if vq not in self.spelled:
            raise Refused("emit-graph", f"the qubit '{vq}' is not declared")
        return self.spelled[vq]

    def _lifecycle(self, op: Op, node: Node) -> list[str]:
        """A qubit starts in |0> where it is declared; one allocated again is reset."""
        if op.name == "core.free":
            self.dead.update(node.vqs)
            return []
        again = [vq for vq in node.vqs if vq in self.dead]
        return [f"reset {self._qubit(vq)};" for vq in again]

    def _gate(self, op: Op, args: dict[str, Any], qubits: list[str]) -> list[str]:
        short = op.short
        if short == "paulirot":
            return self._steps(op, args, qubits, [])
        if short == "mod":
            head, needs = text.write_modified(args)
        else:
            head, needs = spelling(short) + text.angles(short, args), short
        if needs in definitions():
            self.needed[needs] = None
        return [f"{head} {', '.join(qubits)};" if qubits else f"{head};"]

    def _measure(self, qubit: str, place: str) -> str:
        return f"{place} = measure {qubit};"

    def _composite(self, op: Op, node: Node) -> list[str]:
        qubits = [self._qubit(vq) for vq in node.vqs]
        places = [place for event in node.produces for place in self.bits[event]]
        if op.name == "core.mz":
            return [self._measure(qubits[0], places[0])]
        if op.name == "core.mpauli" and set(node.args["paulis"]) == {"I"}:
            return [f'{places[0]} = "0";']
        return self._steps(op, node.args, qubits, places)

    def _steps(self, op: Op, args: dict[str, Any], qubits: list[str], places: list[str]) -> list[str]:
        """An op by its lowering."""
        assert op.lower is not None
        return [line for step in op.lower(args, len(qubits)) for line in self._step(step, qubits, places)]

    def _step(self, step: Step, qubits: list[str], places: list[str]) -> list[str]:
        chosen = [qubits[k] for k in step.operands]
        if step.op == "core.mz":
            return [self._measure(chosen[0], places[step.event])]
        if step.op == "core.reset":
            return [f"reset {chosen[0]};"]
        return self._gate(OPS[step.op], dict(step.args), chosen)

    def _condpauli(self, node: Node) -> list[str]:
        condition = text.exclusive_or([self._bit(event) for event in node.inputs])
        gates = [
            f"{pauli.lower()} {self._qubit(vq)};"
            for vq, pauli in zip(node.vqs, node.args["paulis"], strict=True)
            if pauli != "I"
        ]
        return [f"if ({condition}) {{ {' '.join(gates)} }}"] if gates else []
