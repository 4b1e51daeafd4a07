"""The text of a Stim circuit with every number in full: ``str`` of one rounds to six digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import stim


def to_text(circuit: stim.Circuit) -> str:
    """Text that Stim reads as a circuit equal to this one. It is ``str(circuit)`` where that rounds nothing."""
    text = str(circuit)
    if type(circuit)(text) == circuit:
        return text
    lines = text.split("\n")
    _write_in_full(circuit, lines, 0)
    return "\n".join(lines)


def _write_in_full(circuit: stim.Circuit, lines: list[str], at: int) -> int:
    """Gives the instructions of a circuit, whose first stands on line ``at``, the numbers that they have. Only those
    that may have some are looked at, as each is made an object when it is. Returns the line behind them."""
    for number in range(len(circuit)):
        line = lines[at]
        if line.endswith("{"):
            block = cast("stim.CircuitRepeatBlock", circuit[number])
            at = _write_in_full(block.body_copy(), lines, at + 1)
        elif "(" in line and (args := cast("stim.CircuitInstruction", circuit[number]).gate_args_copy()):
            head, _, tail = line.rpartition("(")  # a tag may hold brackets, numbers and targets do not
            lines[at] = f"{head}({', '.join(map(repr, args))}{tail[tail.index(')') :]}"
        at += 1
    return at
