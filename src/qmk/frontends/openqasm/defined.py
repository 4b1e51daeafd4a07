"""The gates of family ``core`` in OpenQASM 3: how they are spelt, and definitions of those that stdgates.inc lacks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache

from qmk.ir.names import base_of, controlled_form, spellings
from qmk.ir.parameters import Expression
from qmk.ir.scripts import flat
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.steps import Angle, Line

_BUILT_IN = {"u": "U", "qasm_u": "U", "gphase": "gphase"}
_EXACT = "gate u_exact(theta, phi, lambda) a { gphase(-theta / 2); U(theta, phi, lambda) a; }"
_DENOMINATORS = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
_COMMON = math.lcm(*_DENOMINATORS)


def number(value: float | Expression) -> str:
    """The shortest text that reads back as the same float; a multiple of pi where that is exact; an expression of
    parameters as it is written."""
    if isinstance(value, Expression):
        return value.write(number)
    value = float(value)
    return _number(value) if value else repr(value)  # the cache takes 0.0 and -0.0 for one


@lru_cache(maxsize=4096)
def _number(value: float) -> str:
    parts = value * _COMMON / math.pi
    if abs(parts) > 4 * _COMMON + 1 or abs(parts - round(parts)) > 1e-9:
        return repr(value)  # and so for most angles without a look at each denominator
    for below in _DENOMINATORS:
        times = round(value * below / math.pi)
        if 0 < abs(times) <= 4 * below and times * math.pi / below == value:
            head = {1: "pi", -1: "-pi"}.get(times, f"{times}*pi")
            return head if below == 1 else f"{head}/{below}"
    return repr(value)


@cache
def _standard() -> dict[str, str]:
    """Gates that need no definition, with their spelling."""
    return {**{short: name for name, short in reversed(list(spellings(("qasm", "stdgates"))))}, **_BUILT_IN}


@cache
def spelling(short: str) -> str:
    """How a gate is written: its name in stdgates.inc, that of its inverse or with one control less with a modifier, or
    else its own, which ``definitions`` then has."""
    known = _standard()
    if short in known:
        return known[short]
    op = FIXED_SIZE[short]
    inverse = op.inverse.removeprefix("core.")
    if inverse in known and not op.params:
        return f"inv @ {known[inverse]}"
    base, controls = base_of(short)
    less = controlled_form(base, controls - 1) if controls else ""
    return f"ctrl @ {known[less]}" if less in known else short


@cache
def definitions() -> dict[str, str]:
    """Gates that stdgates.inc lacks, exact to the phase; each is written in front of a program that uses it."""
    lacking = [short for short in FIXED_SIZE if spelling(short) == short and short not in _standard()]
    return {**{short: _definition(short) for short in lacking}, "u_exact": _EXACT}


def _definition(short: str) -> str:
    op = FIXED_SIZE[short]
    lines = flat(short, lambda step: spelling(step) != step or step in _standard())
    params = f"({', '.join(param.name for param in op.params)})" if op.params else ""
    qubits = ", ".join("abcdef"[: op.vqs.low])
    return f"gate {short}{params} {qubits} {{ {' '.join(statement(line) for line in lines)} }}"


def statement(line: Line, spell: Callable[[str], str] = spelling) -> str:
    """A step of a lowering on operands a, b, c, ..., its gate's short name by ``spell``."""
    angles = ", ".join(_sum(angle) for _, angle in line.angles)
    qubits = ", ".join("abcdef"[k] for k in line.operands)
    return f"{spell(line.op.removeprefix('core.'))}{f'({angles})' if angles else ''} {qubits};".replace(" ;", ";")


def _sum(angle: Angle) -> str:
    terms = [_term(name, factor) for name, factor in angle.terms]
    if angle.constant or not terms:
        terms.append(number(angle.constant))
    return " + ".join(terms).replace("+ -", "- ")


def _term(name: str, factor: float) -> str:
    sign, size = "-" if factor < 0 else "", abs(factor)
    if size < 1 and (1 / size).is_integer():
        return f"{sign}{name} / {int(1 / size)}"
    return f"{sign}{name}" if size == 1 else f"{sign}{size:g} * {name}"
