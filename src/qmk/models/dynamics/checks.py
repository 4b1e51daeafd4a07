"""What a model must be beside well formed: its operators, envelopes and states exist. No matrices are made for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from qmk.qvm.families import dynamics
from qmk.qvm.families.dynamics import Collapse, Envelope, Factor, Model, Start, Term, subsystems

NAMED = ("id", "n", "a", "adag", "x", "p", "jx", "jy", "jz", "jp", "jm")
"""Operators of a subsystem of any size, beside |i><j|."""

OF_TWO = ("sx", "sy", "sz", "sp", "sm")
"""Operators of a subsystem of two levels."""

NORM = 1e-6
"""How far the norm of a state, or the trace of a density matrix, may be from 1."""


def qubits_of(levels: Sequence[int]) -> list[range]:
    """The qubits of each subsystem, by number."""
    ends = list(itertools.accumulate(map(dynamics.width, levels)))
    return [range(end - dynamics.width(d), end) for end, d in zip(ends, levels, strict=True)]


def size(on: int | tuple[int, ...], levels: Sequence[int]) -> int:
    """States of some subsystems."""
    return math.prod(levels[k] for k in subsystems(on))


def model_of(args: Mapping[str, Any]) -> Model:
    """The arguments of a verified op as a model."""
    return msgspec.convert(args, Model)


def fault(args: Mapping[str, Any], qubits: int | None = None) -> str:
    """The first thing that is wrong with arguments, with its place; "" where nothing is."""
    if qubits is None:
        levels = args.get("levels")
        try:
            qubits = sum(map(dynamics.width, levels or ()))
        except TypeError:
            qubits = 0
    return dynamics.fault(args, qubits) or next(faults(model_of(args)), "")


def faults(model: Model) -> Iterator[str]:
    """What is wrong with a well-formed model, each with its place."""
    yield from _of_terms("hamiltonian", model.hamiltonian, model, timed=True)
    for name, terms in model.observables.items():
        yield from _of_terms(f"observables['{name[:40]}']", terms, model)
    for at, row in enumerate(model.collapse):
        yield from _of_terms(f"collapse[{at}].operator", row.operator, model)
        yield from (f"collapse[{at}].time: {why}" for why in (*_envelope(row.time, model.times), *_rate(row)))
    held = [each for start in model.initial for each in subsystems(start.on)]
    if len(set(held)) < len(held):
        yield "initial: a subsystem has two states"
    for at, start in enumerate(model.initial):
        yield from (f"initial[{at}]: {why}" for why in _start(start, model.levels))


def _of_terms(place: str, terms: Sequence[Term], model: Model, timed: bool = False) -> Iterator[str]:
    for at, term in enumerate(terms):
        if term.time is not None and not timed:
            yield f"{place}[{at}]: only terms of the Hamiltonian and rates have a time"
        yield from (f"{place}[{at}]: {why}" for part in term.of for why in _factor(part, model.levels))
        yield from (f"{place}[{at}].time: {why}" for why in _envelope(term.time, model.times))


def _factor(part: Factor, levels: Sequence[int]) -> Iterator[str]:
    on, most = subsystems(part.on), size(part.on, levels)
    if len(set(on)) < len(on):
        yield f"subsystems {list(on)} are named twice"
    elif bool(part.op) == bool(part.entries):
        yield "a factor has op, or entries of a matrix"
    elif part.entries and max(max(row, column) for row, column, _, _ in part.entries) >= most:
        yield f"rows and columns of its matrix are 0 to {most - 1}"
    elif part.op and (len(on) > 1 or not is_operator(part.op, most)):
        fix = f"{', '.join(NAMED)}, |i><j|, and of two levels {', '.join(OF_TWO)}"
        yield f"'{part.op[:40]}' is not an operator of one subsystem of {most} levels; there are {fix}"


def is_operator(name: str, levels: int) -> bool:
    """Whether there is such a named operator on so many levels."""
    return name in NAMED or (name in OF_TWO and levels == 2) or max(projector(name) or (levels,)) < levels


def projector(name: str) -> tuple[int, int] | None:
    """(i, j) of "|i><j|"; None for another name."""
    i, _, j = name[1:-1].partition("><")
    if name != f"|{i}><{j}|" or not all(x.isascii() and x.isdecimal() and len(x) < 9 for x in (i, j)):
        return None
    return int(i), int(j)


def _envelope(time: Envelope | None, times: Sequence[float]) -> Iterator[str]:
    if time is None:
        return
    kinds = bool(time.times or time.values) + (time.omega is not None) + (time.sigma is not None)
    least = max(2, time.order + 1)
    if kinds != 1:
        yield "it has times and values, or omega, or sigma"
    elif not (time.times or time.values):
        return
    elif len(time.times) != len(time.values) or len(time.times) < least:
        yield f"it has as many values as times, {least} or more"
    elif any(a >= b for a, b in itertools.pairwise(time.times)):
        yield "its times do not rise"
    elif time.times[0] > times[0] or time.times[-1] < times[-1]:
        yield f"its times end at {time.times[0]:g} and {time.times[-1]:g}, short of {times[0]:g} or {times[-1]:g}"


def _rate(row: Collapse) -> Iterator[str]:
    time = row.time
    if time is not None and (time.omega is not None or min(time.values, default=0.0) < 0):
        yield "a rate is never below 0: give values from 0 on, or a Gaussian"


def _start(start: Start, levels: Sequence[int]) -> Iterator[str]:
    on, most = subsystems(start.on), size(start.on, levels)
    alone = sum(each is not None for each in (start.level, start.coherent, start.thermal))
    indexes = [start.level or 0, *(row[0] for row in start.vector), *(max(row[:2]) for row in start.density)]
    if len(set(on)) < len(on):
        yield f"subsystems {list(on)} are named twice"
    elif alone + bool(start.vector) + bool(start.density) != 1 or (alone and len(on) > 1):
        yield "it has one of level, coherent and thermal (of one subsystem), vector and density"
    elif max(indexes) >= most:
        yield f"its levels and indexes are 0 to {most - 1}"
    elif start.vector and abs(sum(re * re + im * im for _, re, im in start.vector) - 1) > NORM:
        yield "the norm of its vector is not 1"
    elif start.density and abs(sum(re for row, column, re, _ in start.density if row == column) - 1) > NORM:
        yield "the trace of its density matrix is not 1"
