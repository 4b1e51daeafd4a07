"""Programs with ``Toss`` as programs without: shots in which the same dice fell share one.

What a die of atom loss shows does not depend on the quantum state, so that all dice can be thrown beforehand.
``folded`` takes their outcomes as constants: gates on lost atoms are gone, and what is left is an ordinary program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from qmk.base.seeds import substream
from qmk.ir import conditions as c
from qmk.ir.conditions import Expression
from qmk.ir.liveness import observable
from qmk.ir.program import Barrier, Instruction, Logic, Measure, Noise, Program, Toss

Pattern = tuple[int, ...]
"""Numbers of the tosses that fell, among those of a program, ascending."""

Shots = npt.NDArray[np.intp]


def tosses_of(program: Program) -> tuple[Toss, ...]:
    """In order."""
    return tuple(item for item in program.instructions if isinstance(item, Toss))


def chance_of_any(tosses: Sequence[Toss]) -> float:
    """That at least one falls."""
    return float(-np.expm1(np.sum(np.log1p(-np.minimum([toss.p for toss in tosses], 1 - 1e-16))))) if tosses else 0.0


def patterns(tosses: Sequence[Toss], shots: int, seed: int) -> list[tuple[Pattern, Shots]]:
    """What fell in which shots, the commonest pattern first. Costs grow with the dice that fall."""
    dice = np.random.Generator(np.random.PCG64(substream(seed, "tosses")))
    fallen = [_fallen(toss.p, shots, dice) for toss in tosses]
    shot = np.concatenate(fallen) if fallen else np.zeros(0, dtype=np.intp)
    toss = np.repeat(np.arange(len(fallen)), [len(part) for part in fallen])
    order = np.argsort(shot, kind="stable")
    shot, toss = shot[order], toss[order]
    starts = np.searchsorted(shot, np.arange(shots + 1))
    groups: dict[Pattern, list[int]] = {}
    numbers = toss.tolist()
    for at in range(shots):
        groups.setdefault(tuple(numbers[starts[at] : starts[at + 1]]), []).append(at)
    found = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(pattern, np.array(where, dtype=np.intp)) for pattern, where in found]


def _fallen(p: float, shots: int, dice: np.random.Generator) -> Shots:
    """The shots in which one die falls, by the gaps between them."""
    if p >= 1 or p <= 0 or shots == 0:
        return np.arange(shots if p >= 1 else 0, dtype=np.intp)
    parts: list[Shots] = []
    last = -1
    while last < shots:
        gaps = np.minimum(dice.geometric(p, size=int(shots * p * 1.1) + 8), shots + 1)
        parts.append(last + np.cumsum(gaps))
        last = int(parts[-1][-1])
    found = np.concatenate(parts)
    return found[found < shots].astype(np.intp)


class Folded(NamedTuple):
    """``program`` has no tosses and no ``post``; ``constants`` are the cbits that it leaves open, and wrong ones that
    dice struck later."""

    program: Program
    constants: Mapping[int, int]


def folded(program: Program, pattern: Pattern) -> Folded:
    """``program`` where these dice fell."""
    fell = set(pattern)
    known: dict[int, Expression] = dict.fromkeys(_struck(program), False)
    out: list[Instruction] = []
    number = -1
    for item in program.instructions:
        if isinstance(item, Toss):
            number += 1
            if number in fell:
                known.update(dict.fromkeys(item.cbits, True))
        else:
            out.extend(_with(item, known))
    left = replace(program, instructions=tuple(observable(out)), post=())
    return Folded(left, {cbit: int(value) for cbit, value in known.items() if isinstance(value, bool)})


def _struck(program: Program) -> set[int]:
    """Cbits that nothing but dice writes."""
    struck = {cbit for toss in tosses_of(program) for cbit in toss.cbits}
    return struck - {item.cbit for item in program.instructions if isinstance(item, Measure | Logic)}


def _with(item: Instruction, known: dict[int, Expression]) -> Iterator[Instruction]:
    """``item`` with what is known put in; logic that becomes known goes there."""
    if isinstance(item, Barrier | Noise | Toss):
        yield item
        return
    cond: Expression = True if item.cond is None else c.substitute(item.cond, known)
    if isinstance(item, Logic):
        inputs = [cbit for cbit in item.inputs if cbit not in known]
        table = _restricted(item, inputs, known)
        constant = table == 0 or table == (1 << (1 << len(inputs))) - 1
        if cond is False or (constant and (cond is True or table == 0)):
            known[item.cbit] = cond is not False and table != 0
            return
        yield Logic(table, tuple(inputs), item.cbit, None if isinstance(cond, bool) else cond)
    elif cond is not False:
        changed = None if cond is True else cond
        yield item if item.cond == changed else replace(item, cond=changed)


def _restricted(item: Logic, inputs: Sequence[int], known: Mapping[int, Expression]) -> int:
    """The truth table over ``inputs`` alone, the others as they are known."""
    table = 0
    for row in range(1 << len(inputs)):
        values = {**known, **{cbit: bool(row >> k & 1) for k, cbit in enumerate(inputs)}}
        index = sum(int(bool(values[cbit])) << k for k, cbit in enumerate(item.inputs))
        table |= (item.table >> index & 1) << row
    return table
