"""The text of a Stim circuit with every number in full: ``str`` of one rounds to six digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import stim


def to_text(circuit: stim.Circuit) -> str:
    """Text that Stim reads as a circuit equal to this one. It is ``str(circuit)`` where that rounds nothing."""
    text = str(circuit)
    return text if type(circuit)(text) == circuit else "\n".join(_in_full(circuit, iter(text.split("\n"))))


def _in_full(circuit: stim.Circuit, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a circuit, one an instruction, with the numbers that the instructions have."""
    import stim

    for row in circuit:
        line = next(lines)
        if isinstance(row, stim.CircuitRepeatBlock):
            yield line
            yield from _in_full(row.body_copy(), lines)
            yield next(lines)
        elif "(" in line and (args := row.gate_args_copy()):  # a tag may hold brackets, numbers and targets do not
            yield f"{line[: line.rindex('(')]}({', '.join(map(repr, args))}{line[line.rindex(')') :]}"
        else:
            yield line
