"""A circuit without branches as OpenQASM 3 text for the native core's reader, its parameters as inputs.

What is run with many values is read anew a hundred times faster than its graph is built. Of a long circuit only a frame
is written by the front-end: all but its plain gates, and one of these for each gate's name. They follow from that.
"""

from __future__ import annotations

# the circuit's own parts, in files of their own
# pyright: reportPrivateUsage=false
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from qmk.base.errors import QmkError
from qmk.circuit.items import Item, PlainGate, Step

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit

LONG = 500
"""Items from which on the frame costs less than the whole."""


def flat_text(circuit: Circuit) -> bytes | None:
    """The text of a circuit of gates, measurements, resets and barriers; None where it has another op."""
    key = circuit._version()
    if circuit._text is None or circuit._text[0] != key:
        flat = circuit._shots is None and circuit._metadata.keys() <= {"source"}
        text: bytes | None = None
        if flat and all(map(_is_flat, circuit._items)):
            with contextlib.suppress(QmkError):  # whoever builds the graph says what is wrong
                text = (len(circuit) >= LONG and _written_by_lines(circuit)) or circuit.to("qasm3").encode()
        circuit._text = key, text
    return circuit._text[1]


def _is_flat(item: Item) -> bool:
    """Whether an item is a gate or one of the other ops that flat text may hold."""
    return type(item) is tuple or (isinstance(item, Step) and item.op in ("core.mz", "core.reset", "core.barrier"))


def _is_number(angle: object) -> bool:
    return type(angle) is float


def _written_by_lines(circuit: Circuit) -> bytes | None:
    """The text, each plain gate as the first of its name is written. None where a line is not one item."""
    first: set[str] = set()
    framed: list[Item] = []
    plain: list[bool] = []
    for item in circuit._items:
        is_plain = False
        if type(item) is tuple and len(item) == 3 and (not item[1] or all(map(_is_number, item[1]))):
            is_plain = item[0] in first
            first.add(item[0])
        plain.append(is_plain)
        if not is_plain:
            framed.append(item)
    everything = Step("core.barrier", {}, tuple(range(circuit.n_qubits)))
    lines = circuit._with_items([everything, *framed]).to("qasm3").splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("barrier ")), len(lines) - 1)
    names = lines[start].removeprefix("barrier ").removesuffix(";").split(", ")
    if len(lines) - start - 1 != len(framed) or len(names) != circuit.n_qubits:
        return None
    body = _lines(circuit._items, plain, iter(lines[start + 1 :]), names)
    return "\n".join([*lines[:start], *body, ""]).encode()


def _lines(items: list[Item], plain: list[bool], framed: Iterator[str], names: list[str]) -> Iterator[str]:
    """A line for each item; ``framed`` are those of the frame, in order."""
    heads: dict[str, str] = {}
    for item, is_plain in zip(items, plain, strict=True):
        if not is_plain:
            yield (line := next(framed))
            if type(item) is tuple and len(item) == 3:
                heads[item[0]] = line[: line.index("(") if item[1] else line.index(f" {names[item[2][0]]}")]
            continue
        name, angles, qubits = cast("PlainGate", item) if TYPE_CHECKING else item
        given = f"({', '.join(map(repr, angles))})" if angles else ""
        where = f" {names[qubits[0]]}" if qubits else ""
        more = "".join([f", {names[k]}" for k in qubits[1:]])
        yield f"{heads[name]}{given}{where}{more};"
