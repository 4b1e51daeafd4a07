"""A circuit without branches as flat OpenQASM 3 for the native core's reader, written from its items.

It has the meaning of what ``Circuit.to("qasm3")`` writes, up to the global phase, and takes a tenth of the time, as no
graph is made. An element of a vector is an input of its own, ``spell_element``, and a parameter with the name of a gate
has another one, ``spell_input``; ``request.native_text`` gives them their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from qmk.circuit.building import BitRegister, QubitRegister
from qmk.circuit.items import Item, Step
from qmk.frontends.openqasm.defined import definitions, spelling
from qmk.frontends.qasm3.names import TAKEN, WORDS
from qmk.ir.parameters import Angle, Expression

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit

# This reads the parts of a circuit.
# pyright: reportPrivateUsage=false

_DEFINED = {"sxdg": "gate sxdg a { inv @ sx a; }", "ccz": "gate ccz a, b, c { h c; ccx a, b, c; h c; }"}
"""Definitions that the core's reader knows as those of gates whose spelling has a modifier."""
_NAME = re.compile(r"[^\W\d]\w*")
_ELEMENT = re.compile(r"(\w+)\[(\d+)\]")


def spell_element(name: str, at: int) -> str:
    """How an element of a vector of parameters is spelt in flat text."""
    return f"{name}__e{at}"


def spell_input(name: str) -> str:
    """How a parameter is spelt in flat text: ``x``, ``y`` and ``z`` are gates there."""
    return f"{name}__p" if name in TAKEN and name not in WORDS else name


def flat_text(circuit: Circuit) -> bytes | None:
    """The text, its parameters as inputs: what is run with many values is read anew a hundred times faster than its
    graph is built. None where the circuit has anything else than gates without modifiers, measurements of Z, resets and
    barriers, or names that OpenQASM has a meaning for."""
    key = circuit._version()
    if circuit._text is None or circuit._text[0] != key:
        circuit._text = key, _write(circuit)
    return circuit._text[1]


def _write(circuit: Circuit) -> bytes | None:
    qubits, bits = circuit._qubit_registers, circuit._bit_registers
    inputs = circuit.parameters
    renamed = {name: spelt for name in inputs if (spelt := spell_input(name)) != name}
    names = [
        *(renamed.get(name, name) for name in inputs),
        *(each.name for each in qubits),
        *(each.name for each in bits),
    ]
    if (
        circuit._shots is not None
        or circuit._open
        or not circuit._metadata.keys() <= {"source", "braket"}
        or not all(register.shown for register in bits)
        or len({*names}) < len(names)
        or not TAKEN.isdisjoint(names)
    ):
        return None
    lines = _lines(circuit._items, _qubit_names(qubits), _bit_names(bits), renamed)
    if lines is None:
        return None
    body, needed = lines
    head = ["OPENQASM 3.0;", 'include "stdgates.inc";', *needed]
    for name, size in inputs.items():
        word = renamed.get(name, name)
        spelt = [word] if size is None else [spell_element(word, at) for at in range(size)]
        head += [f"input float {each};" for each in spelt]
    head += [
        f"bit {each.name};" if each.single else f"bit[{len(each.bits)}] {each.name};" for each in bits if each.bits
    ]
    head += [f"qubit {name};" if size is None else f"qubit[{size}] {name};" for name, size in qubits if size != 0]
    return "\n".join([*head, *body, ""]).encode()


def _qubit_names(registers: Iterable[QubitRegister]) -> list[str]:
    found: list[str] = []
    for name, size in registers:
        found += [name] if size is None else [f"{name}[{k}]" for k in range(size)]
    return found


def _bit_names(registers: Iterable[BitRegister]) -> dict[int, str]:
    found: dict[int, str] = {}
    for each in registers:
        for k, bit in enumerate(each.bits):
            found[bit] = each.name if each.single else f"{each.name}[{k}]"
    return found


def _lines(
    items: Iterable[Item], qubits: list[str], bits: dict[int, str], renamed: dict[str, str]
) -> tuple[list[str], list[str]] | None:
    """The statements, and the definitions that they need."""
    lines: list[str] = []
    needed: dict[str, str] = {}
    spelt: dict[str, str] = {}
    for item in items:
        if type(item) is tuple:
            if len(item) != 3:
                return None
            name, angles, operands = item
            word = spelt.get(name)
            if word is None:
                found = _spell(name)
                if found is None:
                    return None
                word, definition = found
                spelt[name] = word
                if definition:
                    needed[name] = definition
            if name == "gphase":
                continue
            if angles:
                word = f"{word}({', '.join([_angle(angle, renamed) for angle in angles])})"
            lines.append(f"{word} {', '.join([qubits[k] for k in operands])};")
        elif not isinstance(item, Step):
            return None
        elif item.op == "core.mz":
            lines.append(f"{bits[item.writes[0]]} = measure {qubits[item.qubits[0]]};")
        elif item.op == "core.reset":
            lines.append(f"reset {qubits[item.qubits[0]]};")
        elif item.op != "core.barrier":
            return None
        elif item.qubits:
            lines.append(f"barrier {', '.join([qubits[k] for k in item.qubits])};")
    return lines, list(needed.values())


def _angle(angle: Angle, renamed: dict[str, str]) -> str:
    if not isinstance(angle, Expression):
        return repr(float(angle))
    text = angle.write()
    if renamed:
        text = _NAME.sub(lambda found: renamed.get(found[0], found[0]), text)
    return _ELEMENT.sub(lambda found: spell_element(found[1], int(found[2])), text) if "[" in text else text


@cache
def _spell(name: str) -> tuple[str, str] | None:
    """A gate's name, and its definition where stdgates.inc has none; None where that has modifiers."""
    if name in _DEFINED:
        return name, _DEFINED[name]
    word, definition = spelling(name), definitions().get(name, "")
    return None if "@" in word else (word, definition)
