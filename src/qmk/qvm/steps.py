"""Lowerings as text: ``"h 1; rz(theta=lam/2) 1; cnot 0 1"`` lists core ops in the order of time.

Each step has the op's short name, its arguments in parentheses, and the operands as indexes. An argument is a sum of
terms: a number, ``pi`` or a parameter of the lowered op, times and divided by numbers (``3*pi/2 - lam/2``).
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import msgspec

from qmk.qvm.op import Args, Step

_STEP = re.compile(r"(\w+)(?:\(([^)]*)\))?((?: \d)*)")
_TERM = re.compile(r"([+-]?)(?:(\d+)\*)?(\w+)(?:/(\d+))?")


class Angle(NamedTuple):
    """``constant`` plus, for each (parameter, factor), the parameter times the factor."""

    constant: float
    terms: tuple[tuple[str, float], ...]

    def value(self, args: Args) -> float:
        return sum((factor * args[name] for name, factor in self.terms), self.constant)


class Line(NamedTuple):
    """One step, with its arguments still as sums."""

    op: str
    operands: tuple[int, ...]
    angles: tuple[tuple[str, Angle], ...]


class Script(msgspec.Struct, frozen=True):
    """A lowering that was read from text; calling it gives the steps for these args."""

    lines: tuple[Line, ...]

    def __call__(self, args: Args, _n: int = 0) -> tuple[Step, ...]:
        return tuple(
            Step(line.op, line.operands, {name: angle.value(args) for name, angle in line.angles})
            for line in self.lines
        )


def script(text: str) -> Script:
    """Reads a lowering from ``text``. Text of another form is a defect of the declaration."""
    return Script(tuple(_line(part.strip()) for part in text.split(";") if part.strip()))


def _line(text: str) -> Line:
    match = _STEP.fullmatch(text)
    assert match is not None, text
    named = [part.split("=") for part in match[2].replace(" ", "").split(",")] if match[2] else []
    operands = tuple(int(operand) for operand in match[3].split())
    return Line(f"core.{match[1]}", operands, tuple((name, _angle(value)) for name, value in named))


def _angle(text: str) -> Angle:
    constant, terms = 0.0, list[tuple[str, float]]()
    assert "".join(match[0] for match in _TERM.finditer(text)) == text, text
    for sign, times, name, below in _TERM.findall(text):
        factor = int(times or 1) * (-1 if sign == "-" else 1)
        if name == "pi" or name.isdigit():
            constant += factor * (math.pi if name == "pi" else int(name)) / int(below or 1)
        else:
            terms.append((name, factor / int(below or 1)))
    return Angle(constant, tuple(terms))
