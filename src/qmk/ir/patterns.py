"""Replaces a program with ``LossEvent`` by programs without: shots in which the same events happen share one.

Whether a loss event happens does not depend on the quantum state, so all of them can be drawn beforehand. ``fold``
takes their outcomes as constants: gates on lost atoms are gone, and what is left is an ordinary program.
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
from qmk.ir.program import Barrier, Instruction, Logic, LossEvent, Measure, Noise, Program

Pattern = tuple[int, ...]
"""The loss events that happen, by their numbers in the program, ascending."""

Shots = npt.NDArray[np.intp]


def loss_events_of(program: Program) -> tuple[LossEvent, ...]:
    """The loss events of a program, in order."""
    return tuple(item for item in program.instructions if isinstance(item, LossEvent))


def chance_of_any(loss_events: Sequence[LossEvent]) -> float:
    """The probability that at least one happens."""
    return (
        float(-np.expm1(np.sum(np.log1p(-np.minimum([event.p for event in loss_events], 1 - 1e-16)))))
        if loss_events
        else 0.0
    )


def patterns(loss_events: Sequence[LossEvent], shots: int, seed: int) -> list[tuple[Pattern, Shots]]:
    """Draws which events happen in which shots, the commonest pattern first. The cost grows with the events that
    happen."""
    rng = np.random.Generator(np.random.PCG64(substream(seed, "tosses")))
    fallen = [_fallen(event.p, shots, rng) for event in loss_events]
    shot = np.concatenate(fallen) if fallen else np.zeros(0, dtype=np.intp)
    event = np.repeat(np.arange(len(fallen)), [len(part) for part in fallen])
    order = np.argsort(shot, kind="stable")
    shot, event = shot[order], event[order]
    starts = np.searchsorted(shot, np.arange(shots + 1))
    groups: dict[Pattern, list[int]] = {}
    numbers = event.tolist()
    for at in range(shots):
        groups.setdefault(tuple(numbers[starts[at] : starts[at + 1]]), []).append(at)
    found = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(pattern, np.array(where, dtype=np.intp)) for pattern, where in found]


def _fallen(p: float, shots: int, rng: np.random.Generator) -> Shots:
    """Draws the shots in which one event happens, by the gaps between them."""
    if p >= 1 or p <= 0 or shots == 0:
        return np.arange(shots if p >= 1 else 0, dtype=np.intp)
    parts: list[Shots] = []
    last = -1
    while last < shots:
        gaps = np.minimum(rng.geometric(p, size=int(shots * p * 1.1) + 8), shots + 1)
        parts.append(last + np.cumsum(gaps))
        last = int(parts[-1][-1])
    found = np.concatenate(parts)
    return found[found < shots].astype(np.intp)


class Folded(NamedTuple):
    """``program`` has no loss events and no ``post``; ``constants`` are the cbits that it leaves open, and those that
    later loss events change."""

    program: Program
    constants: Mapping[int, int]


def fold(program: Program, pattern: Pattern) -> Folded:
    """Gives ``program`` for shots in which these events happen."""
    fell = set(pattern)
    known: dict[int, Expression] = dict.fromkeys(_loss_flags(program), False)
    out: list[Instruction] = []
    number = -1
    for item in program.instructions:
        if isinstance(item, LossEvent):
            number += 1
            if number in fell:
                known.update(dict.fromkeys(item.cbits, True))
        else:
            out.extend(_with(item, known))
    left = replace(program, instructions=tuple(observable(out)), post=())
    return Folded(left, {cbit: int(value) for cbit, value in known.items() if isinstance(value, bool)})


def _loss_flags(program: Program) -> set[int]:
    """The cbits that only loss events write."""
    struck = {cbit for event in loss_events_of(program) for cbit in event.cbits}
    return struck - {item.cbit for item in program.instructions if isinstance(item, Measure | Logic)}


def _with(item: Instruction, known: dict[int, Expression]) -> Iterator[Instruction]:
    """Puts known values into ``item``; logic that becomes known is added to them."""
    if isinstance(item, Barrier | Noise | LossEvent):
        yield item
        return
    cond: Expression = True if item.cond is None else c.substitute(item.cond, known)
    if isinstance(item, Logic):
        inputs = [cbit for cbit in item.inputs if cbit not in known]
        table = _restrict(item, inputs, known)
        constant = table == 0 or table == (1 << (1 << len(inputs))) - 1
        if cond is False or (constant and (cond is True or table == 0)):
            known[item.cbit] = cond is not False and table != 0
            return
        yield Logic(table, tuple(inputs), item.cbit, None if isinstance(cond, bool) else cond)
    elif cond is not False:
        changed = None if cond is True else cond
        yield item if item.cond == changed else replace(item, cond=changed)


def _restrict(item: Logic, inputs: Sequence[int], known: Mapping[int, Expression]) -> int:
    """Restricts a truth table to ``inputs``, with the known values of the others."""
    table = 0
    for row in range(1 << len(inputs)):
        values = {**known, **{cbit: bool(row >> k & 1) for k, cbit in enumerate(inputs)}}
        index = sum(int(bool(values[cbit])) << k for k, cbit in enumerate(item.inputs))
        table |= (item.table >> index & 1) << row
    return table
