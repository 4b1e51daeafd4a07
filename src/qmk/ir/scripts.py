"""Lowerings in gates of one's choice, with angles still as sums of the gate's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qmk.qvm.families import OPS
from qmk.qvm.steps import Angle, Line, Script


def flat(short: str, stop: Callable[[str], bool]) -> tuple[Line, ...]:
    """The declared lowering of a gate, its steps lowered in turn until ``stop`` accepts their short names. Raises
    KeyError for a gate that ends elsewhere."""
    op = OPS[f"core.{short}"]
    if not isinstance(op.lower, Script):
        raise KeyError(short)
    return tuple(line for step in op.lower.lines for line in _flat(step, stop))


def _flat(line: Line, stop: Callable[[str], bool]) -> Iterator[Line]:
    short = line.op.removeprefix("core.")
    if stop(short):
        yield line
        return
    given = dict(line.angles)
    for inner in flat(short, stop):
        operands = tuple(line.operands[k] for k in inner.operands)
        yield Line(inner.op, operands, tuple((name, _substitute(angle, given)) for name, angle in inner.angles))


def _substitute(angle: Angle, given: dict[str, Angle]) -> Angle:
    constant, terms = angle.constant, dict[str, float]()
    for name, factor in angle.terms:
        constant += factor * given[name].constant
        for inner, times in given[name].terms:
            terms[inner] = terms.get(inner, 0.0) + factor * times
    return Angle(constant, tuple(terms.items()))
