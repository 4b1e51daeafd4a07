"""Names of qubits and keys: Cirq's are any text, registers are identifiers.

Qubits 0 to n - 1 of a line are register ``q``; every other qubit is a register of its own: ``q_5`` and ``q_m1`` on a
line, ``q_1_2`` on a grid, the name of a named one. What does not come back from its register's name stands in the
circuit's metadata under ``source``: ``{"format": "cirq", "qubits": {register: name}, "keys": {register: key}}``.
"""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import re
from collections.abc import Iterable

import cirq

_GRID = re.compile(r"q_(m?\d+)_(m?\d+)\Z")
_LINE = re.compile(r"q_(m?\d+)\Z")


def is_line(qubits: Iterable[cirq.Qid]) -> bool:
    """Whether these are the qubits 0, 1, 2, ... of a line, in order."""
    return all(type(qubit) is cirq.LineQubit and qubit.x == k for k, qubit in enumerate(qubits))


def register_name(qubit: cirq.Qid) -> str:
    """The name of the register of one qubit, which may not be an identifier."""
    if isinstance(qubit, cirq.LineQubit):
        return f"q_{_number(qubit.x)}"
    if isinstance(qubit, cirq.GridQubit):
        return f"q_{_number(qubit.row)}_{_number(qubit.col)}"
    return str(qubit)


def qubit_named(name: str) -> cirq.Qid:
    """The qubit that the register of one qubit stands for."""
    if found := _GRID.match(name):
        return cirq.GridQubit(_value(found[1]), _value(found[2]))
    if found := _LINE.match(name):
        return cirq.LineQubit(_value(found[1]))
    return cirq.NamedQubit(name)


def free_name(text: str, taken: set[str], longest: int) -> str:
    """An identifier that is like ``text`` and not among ``taken``, to which it is added."""
    plain = re.sub(r"\W", "_", text)[: longest - 8] or "_"
    name = first = plain if plain.isidentifier() else f"_{plain}"
    number = 1
    while name in taken:
        name, number = f"{first}_{number}", number + 1
    taken.add(name)
    return name


def _number(value: int) -> str:
    return str(value).replace("-", "m")


def _value(text: str) -> int:
    return int(text.replace("m", "-"))
