"""A graph as QIR: of the base profile where it measures at the end only, else of the adaptive profile.

The text is that of QIR 1, whose pointers have types: LLVM reads it in every version. An event that is measured in
every shot is a result; one that a guard may leave out, or that a table gives, is a bit of its own, which reads 0 where
nothing wrote it. Registers are arrays of the output, their bits in the order in which they are printed.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmk.base.errors import Finding, invalid_graph
from qmk.frontends.qir.rules import QIR_RULES
from qmk.ir.names import names
from qmk.ir.parameter_values import parameters_of
from qmk.ir.resolver import NoLowering, Piece, Resolver
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output

QIS, RT = "__quantum__qis__", "__quantum__rt__"
_LEFT = frozenset(("core.barrier", "core.fence", "core.free"))
"""Ops that QIR has no use for."""
_HEAD = "%Qubit = type opaque\n%Result = type opaque\n"


def emit(graph: Graph) -> bytes:
    """The text of the module. Raises INVALID_GRAPH with a finding for every node that cannot be written."""
    return _Writer(graph).text().encode()


def emit_bitcode(graph: Graph) -> bytes:
    """The module as bitcode. Raises as ``emit`` does, and UNSUPPORTED where there is no LLVM."""
    from qmk.frontends.qir import apart

    return apart.to_bitcode(emit(graph))


class _Refused(Exception):
    pass


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.resolver = Resolver(frozenset(names("qir")))
        self.called = {short: _function(text) for short, text in names("qir").items()}
        self.qubits = {vq: _pointer("Qubit", k) for k, vq in enumerate(graph.vqs)}
        written = [event for node in graph.nodes for event in node.produces]
        self.results: dict[str, str] = {}
        self.always = {event for node in graph.nodes if node.guard is None for event in node.produces}
        self.read = _events_read(graph)
        self.outputs = graph.outputs
        if self.outputs is None:
            self.outputs = (Output("c", tuple(written)),) if written else ()
        self.is_base = _is_base(graph, self.outputs, self.always)
        self.bits: dict[str, str] = {}
        self.lines: list[str] = []
        self.last: list[str] = []
        self.labels: list[str] = []
        self.declared: dict[str, str] = {}
        self.freed: set[str] = set()
        self.count = 0
        self.block = "entry"
        self.findings: list[Finding] = []

    # -- the module --------------------------------------------------------------------------------------------------

    def text(self) -> str:
        for name in parameters_of(self.graph):
            self._find(f"the parameter '{name}' has no value", "", "give its value first, or write qasm3")
        if self.findings:
            raise invalid_graph(self.findings)
        self._call(f"{RT}initialize", "void", ("i8* null",))
        guard: Guard | None = None
        inside: list[Node] = []
        for node in self.graph.nodes:
            if node.guard != guard and inside:
                self._group(guard, inside)
                inside = []
            guard = node.guard
            inside.append(node)
        if inside:
            self._group(guard, inside)
        if self.findings:
            raise invalid_graph(self.findings)
        if self.is_base:
            self._go("measurements")
            self.lines += self.last
            self._go("output")
        self._record()
        return self._whole()

    def _whole(self) -> str:
        profile = "base_profile" if self.is_base else "adaptive_profile"
        attributes = (
            f'attributes #0 = {{ "entry_point" "qir_profiles"="{profile}" "output_labeling_schema"="labeled" '
            f'"required_num_qubits"="{len(self.qubits)}" "required_num_results"="{len(self.results)}" }}'
        )
        flags = ['i32 1, !"qir_major_version", i32 1', 'i32 7, !"qir_minor_version", i32 0']
        flags += [f'i32 1, !"dynamic_{what}_management", i1 false' for what in ("qubit", "result")]
        body = [
            _HEAD,
            *self.labels,
            "",
            "define i64 @main() #0 {",
            "entry:",
            *self.lines,
            "  ret i64 0",
            "}",
            "",
            *self.declared.values(),
            "",
            attributes,
            'attributes #1 = { "irreversible" }',
            "",
            f"!llvm.module.flags = !{{{', '.join(f'!{k}' for k in range(len(flags)))}}}",
            *[f"!{k} = !{{{flag}}}" for k, flag in enumerate(flags)],
            "",
        ]
        return "\n".join(body)

    def _find(self, text: str, node: str, fix: str = "") -> None:
        self.findings.append(Finding("QIR-10", text, fix or QIR_RULES["QIR-10"].help, node))

    # -- lines -------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def _call(self, name: str, kind: str, given: Sequence[str], irreversible: bool = False) -> str:
        """A call, and the declaration of what it calls. Returns the line without what takes its value."""
        if name not in self.declared:
            types = ", ".join(each.partition(" ")[0] for each in given)
            self.declared[name] = f"declare {kind} @{name}({types}){' #1' if irreversible else ''}"
        line = f"call {kind} @{name}({', '.join(given)})"
        if kind == "void":
            self.lines.append(f"  {line}")
        return line

    def _go(self, block: str) -> None:
        """Ends the block that is written, and begins another."""
        self.lines += [f"  br label %{block}", "", f"{block}:"]
        self.block = block

    def _compute(self, text: str) -> str:
        name = self._name()
        self.lines.append(f"  {name} = {text}")
        return name

    # -- conditions --------------------------------------------------------------------------------------------------

    def _bit(self, event: str) -> str:
        """The bit that an event holds now; 0 where nothing has written it."""
        return self.bits.get(event, "false")

    def _negate(self, bit: str) -> str:
        if bit in ("true", "false"):
            return "false" if bit == "true" else "true"
        return self._compute(f"xor i1 {bit}, true")

    def _condition(self, guard: Guard) -> str:
        if guard.type == "eq":
            if guard.value not in (0, 1):
                return "false"
            bit = self._bit(guard.event)
            return bit if guard.value else self._negate(bit)
        found = "true" if guard.type == "and" else "false"
        for part in guard.conditions:
            found = self._join(guard.type, found, self._condition(part))
        return found

    def _join(self, op: str, one: str, other: str) -> str:
        neutral = {"and": "true", "or": "false", "xor": "false"}[op]
        if neutral in (one, other):
            return other if one == neutral else one
        return self._compute(f"{op} i1 {one}, {other}")

    def _look_up(self, table: int, bits: list[str]) -> str:
        """A truth table: bit k of it where the bits, the first the lowest, read k."""
        size = 1 << len(bits)
        if table in (0, (1 << size) - 1):
            return "true" if table else "false"
        *rest, bit = bits
        half = size // 2
        high, low = table >> half, table & (1 << half) - 1
        if high == low:
            return self._look_up(low, rest)
        if high == low ^ (1 << half) - 1:
            return self._join("xor", bit, self._look_up(low, rest))
        one = self._join("and", bit, self._look_up(high, rest)) if high else "false"
        other = self._join("and", self._negate(bit), self._look_up(low, rest)) if low else "false"
        return self._join("or", one, other)

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _group(self, guard: Guard | None, nodes: list[Node]) -> None:
        """Nodes in a row under one guard."""
        if guard is None or all(node.op in _LEFT for node in nodes):
            for node in nodes:
                self._node(node)
            return
        condition = self._condition(guard)
        if condition == "false":
            return
        before = self._open(condition)
        for node in nodes:
            self._node(node)
        self._close(before, [event for node in nodes for event in node.produces if event in self.read])

    def _open(self, condition: str) -> tuple[str, str]:
        """Begins a block that is entered where a condition holds. Returns the block before, and the one after."""
        self.count += 1
        before, then, after = self.block, f"then{self.count}", f"after{self.count}"
        self.lines += [f"  br i1 {condition}, label %{then}, label %{after}", "", f"{then}:"]
        self.block = then
        return before, after

    def _close(self, blocks: tuple[str, str], written: list[str]) -> None:
        before, after = blocks
        inner = self.block
        self._go(after)
        for event in written:
            if event in self.bits:
                self.bits[event] = self._compute(f"phi i1 [ {self.bits[event]}, %{inner} ], [ false, %{before} ]")

    def _node(self, node: Node) -> None:
        try:
            self._write(node)
        except (_Refused, NoLowering) as error:
            self._find(f"{node.op}: {error}", node.id)

    def _write(self, node: Node) -> None:
        op = OPS[node.op]
        qubits = [self.qubits[vq] for vq in node.vqs]
        match op.op_class:
            case _ if op.family != "core":
                raise _Refused("it has no form in QIR")
            case "lifecycle" if node.op == "core.free":
                self.freed.update(node.vqs)
            case "lifecycle":
                for vq in node.vqs:
                    if vq in self.freed:
                        self._act(Piece("reset", "", (0,)), [self.qubits[vq]], [])
                self.freed.difference_update(node.vqs)
            case "classical":
                table, inputs = int(node.args["table"]), [self._bit(event) for event in node.inputs]
                self.bits[node.produces[0]] = self._look_up(table, inputs)
            case "feedforward":
                self._conditional_pauli(node, qubits)
            case "unitary" | "measure" | "composite" | "reset":
                if len(node.produces) != op.produces.high:
                    raise _Refused("it writes two bits into one event")
                if node.op == "core.reset":
                    for qubit in qubits:
                        self._act(Piece("reset", "", (0,)), [qubit], [])
                    return
                for piece in self.resolver.pieces(node.op, node.args, len(qubits)):
                    self._act(piece, qubits, list(node.produces))
            case "metadata" | "hint" | "fence":
                return
            case _:
                raise _Refused("it has no form in QIR")

    def _act(self, piece: Piece, qubits: list[str], events: list[str]) -> None:
        on = [qubits[k] for k in piece.operands]
        if piece.kind == "reset":
            self._call(f"{QIS}reset__body", "void", on, True)
        elif piece.kind == "gate":
            self._call(self.called[piece.name], "void", [*(f"double {_number(x)}" for x in piece.params), *on])
        else:
            event = events[piece.event]
            result = self.results[event] = _pointer("Result", len(self.results))
            self._call(f"{QIS}mz__body", "void", (on[0], result), True)
            if self.is_base:
                self.last.append(self.lines.pop())
            elif event in self.read:
                name = self._name()
                self.lines.append(f"  {name} = {self._call(f'{RT}read_result', 'i1', (result,))}")
                self.bits[event] = name

    def _conditional_pauli(self, node: Node, qubits: list[str]) -> None:
        condition = "false"
        for event in node.inputs:
            condition = self._join("xor", condition, self._bit(event))
        if condition == "false":
            return
        blocks = self._open(condition)
        for qubit, pauli in zip(qubits, node.args["paulis"], strict=True):
            if pauli != "I":
                self._act(Piece("gate", pauli.lower(), (0,)), [qubit], [])
        self._close(blocks, [])

    # -- output ------------------------------------------------------------------------------------------------------

    def _record(self) -> None:
        for output in self.outputs or ():
            if not output.bits:
                continue
            name = output.name or "c"
            self._call(f"{RT}array_record_output", "void", (f"i64 {len(output.bits)}", self._label(name)))
            for k, event in enumerate(output.bits):
                label = self._label(f"{name}[{len(output.bits) - 1 - k if output.descending else k}]")
                if event in self.results and event in self.always:
                    self._call(f"{RT}result_record_output", "void", (self.results[event], label))
                else:
                    bit = "false" if event is None else self._bit(event)
                    self._call(f"{RT}bool_record_output", "void", (f"i1 {bit}", label))

    def _label(self, text: str) -> str:
        data = text.encode() + b"\0"
        spelled = "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:02X}" for c in data)
        name, kind = f"@{len(self.labels)}", f"[{len(data)} x i8]"
        self.labels.append(f'{name} = internal constant {kind} c"{spelled}"')
        return f"i8* getelementptr inbounds ({kind}, {kind}* {name}, i64 0, i64 0)"


def _pointer(kind: str, number: int) -> str:
    return f"%{kind}* " + (f"inttoptr (i64 {number} to %{kind}*)" if number else "null")


def _function(words: str) -> str:
    name = words.partition(",")[0]
    return f"{QIS}{name if '__' in name else name + '__body'}"


def _number(value: float) -> str:
    text = repr(float(value))
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _events_read(graph: Graph) -> set[str]:
    """Events whose bit is needed beside their result: others depend on them, or a guard may leave them out."""
    found = {event for node in graph.nodes for event in node.inputs}
    found.update(event for node in graph.nodes if node.guard is not None for event in node.guard.events())
    found.update(event for node in graph.nodes if node.guard is not None for event in node.produces)
    return found


def _is_base(graph: Graph, outputs: Sequence[Output], always: set[str]) -> bool:
    """Whether it only measures at the end: no conditions, no resets, no qubit used after its measurement."""
    ended: set[str] = set()
    for node in graph.nodes:
        op = OPS[node.op]
        if node.guard is not None or node.inputs or op.op_class == "classical":
            return False
        if node.op in _LEFT:
            ended.update(node.vqs if node.op == "core.free" else ())
            continue
        if ended.intersection(node.vqs) or node.op == "core.reset":
            return False
        if op.op_class == "measure" and node.op == "core.mz":
            ended.update(node.vqs)
        elif node.produces:
            return False
    return all(event in always for output in outputs for event in output.bits)
