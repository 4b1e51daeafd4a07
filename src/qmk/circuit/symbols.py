"""What each op looks like in a circuit diagram: one short text per operand, the node's condition beside the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qmk.drawing.words import NO_NAMES, angle_text, guard_text
from qmk.ir.names import names
from qmk.qvm.families import OPS
from qmk.qvm.graph import Node
from qmk.qvm.op import Op

CONTROL, OPEN_CONTROL, TARGET, CROSS = "●", "○", "⊕", "×"
ZERO = "|0⟩"
END = "┤"
FENCE, BARRIER = "║", "░"

FIXED: dict[str, tuple[str, ...]] = {
    "core.reset": (ZERO,),
    "core.teleport_cnot": (f"{CONTROL}tp", f"{TARGET}tp"),
    "magic.inject_t": ("|T⟩",),
}
MEASURED = {"core.mz": "M", "core.mx": "Mx", "core.my": "My", "core.mbell": "Mbell"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One node as drawn. ``texts`` by handle in operand order; ``linked`` draws a line between the operands;
    ``across`` marks every wire (a fence); ``note`` is for nodes without operands; ``events`` and ``condition`` are what
    it writes and under what it acts, in words."""

    texts: tuple[tuple[str, str], ...]
    linked: bool = True
    across: str = ""
    note: str = ""
    events: str = ""
    condition: str = ""

    @property
    def suffix(self) -> str:
        """What stands behind the text of the last operand."""
        return self.events + (f"[{self.condition}]" if self.condition else "")


def cell(node: Node) -> Cell:
    """How ``node`` is drawn. An op without a picture of its own is drawn by its short name."""
    handles = node.vqs + node.chs
    op = OPS.get(node.op)
    op_class = op.op_class if op else ""
    if op_class == "fence":
        return Cell((), across=FENCE, note=_in_brackets(node))
    if op_class == "hint":
        return Cell(tuple((handle, BARRIER) for handle in handles), linked=False, across="" if handles else BARRIER)
    if node.op in ("core.alloc", "core.free"):
        text = ZERO if node.op == "core.alloc" else END
        return Cell(tuple((handle, text) for handle in handles), linked=False)
    if not handles:
        return Cell((), note=_note_text(node))
    texts = operand_texts(node, len(handles))
    named = tuple(zip(handles, texts, strict=True))
    return Cell(named, events=_events_text(node), condition=condition_text(node))


def operand_texts(node: Node, count: int) -> tuple[str, ...]:
    args, op = node.args, OPS.get(node.op)
    fixed = FIXED.get(node.op)
    if fixed and len(fixed) == count:
        return fixed
    if op is not None and op.controls and count == op.vqs.low:
        return (CONTROL,) * op.controls + _under_control(op, args)
    drawn = names("draw").get(op.short) if op is not None else None
    if drawn:
        return (drawn,) * count
    if node.op in MEASURED:
        return (MEASURED[node.op],) * count
    if node.op == "core.mod":
        return _mod_cells(args, count)
    short = node.op.rpartition(".")[2]
    paulis = str(args.get("paulis", ""))
    if len(paulis) == count:
        angle = f"({angle_text(args['theta'])})" if "theta" in args else ""
        mark = {"core.mpauli": "M", "core.condpauli": ""}.get(node.op, "R")
        return (*(f"{mark}{pauli}" for pauli in paulis[:-1]), f"{mark}{paulis[-1]}{angle}")
    return (_name_text(short, args),) * count


_SIGNS = {"x": TARGET, "z": CONTROL}
"""What the target of a controlled gate is drawn as, if not as a box."""


def _under_control(op: Op, args: Mapping[str, Any]) -> tuple[str, ...]:
    """What is drawn on the targets of a controlled gate: signs for the exchange and the phase flips."""
    base = OPS[op.base]
    signs = {**_SIGNS, **names("draw")}
    return (signs.get(base.short) or _name_text(base.short, args),) * (base.vqs.high or 0)


def _name_text(short: str, args: Mapping[str, Any]) -> str:
    label = "M" if short == "mangle" else short.upper()
    shown = [value for value in args.values() if not isinstance(value, (list, dict))]  # matrices are too large to show
    values = [angle_text(value) if isinstance(value, (int, float)) else str(value) for value in shown]
    return f"{label}({','.join(values)})" if values else label


def _mod_cells(args: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """A gate with controls and a power: the controls first, filled for 1 and open for 0."""
    controls = int(args.get("controls", 0))
    state = str(args.get("state") or "1" * controls)
    power = args.get("power", 1)
    params: Mapping[str, Any] = args.get("params") or {}
    gate = str(args.get("gate", "?"))
    signed = power == 1 and controls > 0
    name = (_SIGNS.get(gate) if signed else None) or _name_text(gate, params)
    name += "" if power == 1 else "†" if power == -1 else f"^{power:g}"
    marks = tuple(OPEN_CONTROL if bit == "0" else CONTROL for bit in state[:controls])
    return marks + (name,) * (count - len(marks))


def _note_text(node: Node) -> str:
    short = node.op.rpartition(".")[2]
    if node.op == "core.lut":
        inputs = ",".join(node.inputs)
        return f"{','.join(node.produces)}={short}({inputs};{node.args.get('table', '?')}){_in_brackets(node)}"
    if node.op == "noise.readout":
        chances = ",".join(angle_text(float(node.args.get(name, 0.0))) for name in ("p01", "p10"))
        return f"{','.join(node.produces)}={short}({','.join(node.inputs)};{chances}){_in_brackets(node)}"
    return _name_text(short, node.args) + _events_text(node) + _in_brackets(node)


def _events_text(node: Node) -> str:
    return f"→{','.join(node.produces)}" if node.produces else ""


def _in_brackets(node: Node) -> str:
    condition = condition_text(node)
    return f"[{condition}]" if condition else ""


def condition_text(node: Node, names: Mapping[str, str] = NO_NAMES) -> str:
    """``if m0⊕m1`` for inputs of a Pauli correction, ``if m0 & !m1`` for a guard; empty without either. ``names`` are
    what events are called if not by their ids."""
    parts: list[str] = []
    if node.inputs and node.op == "core.condpauli":
        parts.append("⊕".join(names.get(event, event) for event in node.inputs))
    if node.guard is not None:
        parts.append(guard_text(node.guard, names=names))
    return f"if {' & '.join(parts)}" if parts else ""
