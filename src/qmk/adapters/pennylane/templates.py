"""Gates of PennyLane whose decomposition is always the same but for angles that are affine functions of theirs.

The decomposition is read once for each class, at a few angles; it is then as fast as a gate of ours, and its angles may
be expressions of parameters.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, cast

from qmk.adapters.pennylane.library import qml
from qmk.circuit.items import Item

KINDS: tuple[type, ...] = (
    qml.SingleExcitation,
    qml.SingleExcitationMinus,
    qml.SingleExcitationPlus,
    qml.DoubleExcitation,
    qml.PSWAP,
    qml.CPhaseShift00,
    qml.CPhaseShift01,
    qml.CPhaseShift10,
)


class Line(NamedTuple):
    """One gate: for each of its angles a constant and the factors of the class's angles."""

    name: str
    angles: tuple[tuple[float, tuple[float, ...]], ...]
    qubits: tuple[int, ...]
    more: tuple[Any, ...]


def expand(angles: tuple[Any, ...], qubits: tuple[int, ...], op: Any) -> list[Item]:
    """The items of an operator of one of these classes."""
    return [
        cast(
            "Item", (line.name, tuple([_value(each, angles) for each in line.angles]), _move(line, qubits), *line.more)
        )
        for line in _lines(op.__class__, len(qubits))
    ]


def _move(line: Line, qubits: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([qubits[k] for k in line.qubits])


def _value(function: tuple[float, tuple[float, ...]], angles: tuple[Any, ...]) -> Any:
    found: Any = function[0]
    for factor, angle in zip(function[1], angles, strict=True):
        if factor:
            term = angle if factor == 1.0 else factor * angle
            found = term if found == 0.0 else found + term
    return found


@cache
def _lines(kind: Any, size: int) -> tuple[Line, ...]:
    count = kind.num_params
    base = [0.25 + 0.125 * k for k in range(count)]
    first = _read(kind, base, size)
    moved = [_read(kind, [x + (k == at) for k, x in enumerate(base)], size) for at in range(count)]
    lines: list[Line] = []
    for at, item in enumerate(first):
        functions: list[tuple[float, tuple[float, ...]]] = []
        for k, angle in enumerate(item[1]):
            factors = tuple(_tidy(other[at][1][k] - angle) for other in moved)
            functions.append((_tidy(angle - sum(f * x for f, x in zip(factors, base, strict=True))), factors))
        lines.append(Line(item[0], tuple(functions), item[2], tuple(item[3:])))
    return tuple(lines)


def _tidy(value: float) -> float:
    """A multiple of 1/64 without what rounding has added."""
    near = round(value * 64) / 64
    return near if abs(value - near) < 1e-12 else value


def _read(kind: Any, angles: list[float], size: int) -> list[Any]:
    from qmk.adapters.pennylane.reader import Reader

    reader = Reader(range(size))
    with qml.QueuingManager.stop_recording():
        return list(reader.read(kind(*angles, wires=range(size)).decomposition()))
