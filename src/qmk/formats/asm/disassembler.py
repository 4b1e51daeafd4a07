"""Writes graphs as QVM assembly without loss: assembling the text gives an equal graph.

Handles are declared only where the order of use does not already say them; names that are not plain words stand in
quotes; an operand whose kind its op does not settle gets a prefix.
"""

from __future__ import annotations

from qmk.formats.asm import guards
from qmk.formats.asm.literals import name, write, write_argument
from qmk.formats.asm.operands import WRITTEN, Kind, Known, Operand, classify, outputs_kind
from qmk.formats.asm.statement import spelling
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node, Output, collect


def disassemble(graph: Graph) -> str:
    """Writes ``graph`` as assembly text."""
    collected = collect(graph.nodes)
    declared = (graph.vqs, graph.chs, graph.events)
    lines = [f".version {graph.version}"]
    if graph.families:
        lines.append(".families " + " ".join(name(item) if "@" not in item else item for item in graph.families))
    if graph.caps:
        lines.append(".caps " + " ".join(name(item) for item in graph.caps))
    if graph.inferred:
        lines.append(".inferred")
    for word, wanted, given in zip(("vqs", "chs", "events"), declared, collected, strict=True):
        if wanted != given:
            lines.append(f".{word} {', '.join(name(item) for item in wanted)}".rstrip())
    if graph.shots is not None:
        lines.append(f".shots {graph.shots}")
    lines += [f".metadata {name(key)} = {write(value)}" for key, value in graph.metadata.items()]
    if graph.outputs is not None:
        lines += [_output(row) for row in graph.outputs] or [".output none"]
    known = _names_for_assembler(graph, declared, collected)
    return "\n".join([*lines, "", *(_node(row, known) for row in graph.nodes), ""])


def _output(row: Output) -> str:
    bits = ", ".join("0" if bit is None else name(bit) for bit in row.bits)
    mark = " descending" if row.descending else ""
    return f".output {name(row.name)}{mark} = {bits}".rstrip()


def _names_for_assembler(
    graph: Graph, declared: tuple[tuple[str, ...], ...], collected: tuple[tuple[str, ...], ...]
) -> Known:
    """The names whose kind the assembler of the text will know."""
    vqs = set(declared[0]) if declared[0] != collected[0] else set[str]()
    events = set(declared[2]) if declared[2] != collected[2] else set[str]()
    for row in graph.nodes:
        kind = outputs_kind(OPS.get(row.op))
        events.update(row.produces)
        if kind == "vqs":
            vqs.update(row.vqs)
        elif kind == "chs":
            events.update(row.chs)
    return Known(vqs, events)


def _handle(handle: str, kind: Kind, settled: bool) -> str:
    return name(handle) if settled else f"{WRITTEN[kind]}:{name(handle)}"


def _operands(row: Node, known: Known) -> list[str]:
    """The operands before the arrow: every qubit, channel and read event that the arrow does not name."""
    op = OPS.get(row.op)
    after = outputs_kind(op)
    places: tuple[tuple[Kind, tuple[str, ...]], ...] = (("vqs", row.vqs), ("chs", row.chs), ("inputs", row.inputs))
    kinds: list[tuple[str, Kind]] = [(handle, kind) for kind, handles in places if kind != after for handle in handles]
    written: list[Operand] = []
    out: list[str] = []
    for handle, kind in kinds:
        settled = classify(op, [*written, Operand(handle)], known)[-1] == kind
        written.append(Operand(handle, kind))
        out.append(_handle(handle, kind, settled))
    return out


def _outputs(row: Node) -> list[str]:
    after = outputs_kind(OPS.get(row.op))
    out: list[str] = []
    if after != "produces":
        out += [name(handle) for handle in (row.vqs if after == "vqs" else row.chs)]
    return out + [_handle(handle, "produces", after == "produces") for handle in row.produces]


def _node(row: Node, known: Known) -> str:
    arguments = [f"{name(key)}={write_argument(row.op, key, value)}" for key, value in row.args.items()]
    text = f"{name(row.id)}: {spelling(row.op)} {', '.join(_operands(row, known) + arguments)}".rstrip()
    outputs = _outputs(row)
    if outputs:
        text += f" -> {', '.join(outputs)}"
    if row.guard is not None:
        text += f" if {guards.write(row.guard)}"
    if row.caps:
        text += f" [{', '.join(_cap(cap) for cap in row.caps)}]"
    if row.metadata:
        text += f" @{write(row.metadata)}"
    return text


def _cap(cap: str) -> str:
    return name(cap) if cap.startswith("CAP_") else write(cap)
