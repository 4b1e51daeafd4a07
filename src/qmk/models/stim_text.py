"""The text of a Stim circuit with every number in full: ``str`` of one rounds to six digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import stim

_INDENT = "    "


def to_text(circuit: stim.Circuit) -> str:
    """Text that Stim reads as a circuit equal to this one. It is ``str(circuit)`` where that rounds nothing."""
    text = str(circuit)
    return text if type(circuit)(text) == circuit else "\n".join(_lines(circuit, ""))


def _lines(circuit: stim.Circuit, indent: str) -> list[str]:
    import stim

    made: list[str] = []
    for row in circuit:
        if isinstance(row, stim.CircuitRepeatBlock):
            empty = stim.Circuit()
            empty.append(stim.CircuitRepeatBlock(row.repeat_count, stim.Circuit("TICK"), tag=row.tag))
            head = str(empty).splitlines()[0]
            made += [indent + head, *_lines(row.body_copy(), indent + _INDENT), indent + "}"]
            continue
        line = str(row)
        if args := row.gate_args_copy():  # a tag may hold brackets, the numbers and the targets do not
            inside = ", ".join(map(repr, args))
            line = f"{line[: line.rindex('(')]}({inside}{line[line.rindex(')') :]}"
        made.append(indent + line)
    return made
