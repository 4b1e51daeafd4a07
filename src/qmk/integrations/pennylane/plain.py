"""Tapes that ask for exact expectation values of sums of Paulis after gates: their values and derivatives by angle.

In this process each tape is a point of the objective that its structure has. On a daemon all tapes of one structure
with the same observables are the points of one job, which gives their derivatives too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmk.adapters.pennylane.observables import Terms
from qmk.base.limits import LIMITS
from qmk.integrations.pennylane.structure import Observables, Structure, Structures, Vector, angles_of, key_of
from qmk.integrations.target import Target
from qmk.qvm.outputs import ESTIMATE_BYTES

Found = tuple[Sequence[float], Sequence[Vector]]
"""The value of each observable, and its derivatives by every angle."""


@dataclass(frozen=True)
class Plain:
    """One tape: its operators on ``wires``, their angles, and the observables."""

    operators: list[Any]
    wires: tuple[Any, ...]
    row: Vector
    terms: tuple[Terms, ...]


class PlainTapes:
    """What computes them, and keeps what it has made of their structures."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._structures, self._observables = Structures(target.options), Observables()

    def read(self, operators: list[Any], wires: tuple[Any, ...], processes: Sequence[Any]) -> Plain:
        row = np.array(angles_of(operators), dtype=np.float64)
        return Plain(operators, wires, row, tuple(self._observables.terms(each.obs, wires) for each in processes))

    def values(self, tapes: Sequence[Plain]) -> list[Sequence[float] | None]:
        """The values of each tape; None for one that is the first or only one of its structure."""
        out: list[Sequence[float] | None] = [None] * len(tapes)
        if not self._target.is_remote:
            for at, tape in enumerate(tapes):
                structure = self._structures.find(tape.operators, tape.wires) if len(tape.row) else None
                if structure is not None:
                    out[at] = [structure.objective(terms).value(tape.row) for terms in tape.terms]
            return out
        for places in _groups(tapes):
            if len(places) > 1:
                for at, found in zip(places, self._ask([tapes[k] for k in places], gradient=False), strict=True):
                    out[at] = found[0]
        return out

    def slopes(self, tapes: Sequence[Plain]) -> list[Found]:
        """The values and derivatives of tapes with angles."""
        if not self._target.is_remote:
            return [self._slopes_here(tape) for tape in tapes]
        out: dict[int, Found] = {}
        for places in _groups(tapes):
            out.update(zip(places, self._ask([tapes[k] for k in places], gradient=True), strict=True))
        return [out[at] for at in range(len(tapes))]

    def _structure(self, tape: Plain) -> Structure:
        found = self._structures.find(tape.operators, tape.wires, now=True)
        assert found is not None, "it is wanted now"
        return found

    def _slopes_here(self, tape: Plain) -> Found:
        structure = self._structure(tape)
        found = [structure.objective(terms)(tape.row) for terms in tape.terms]
        return [value for value, _ in found], [by for _, by in found]

    def _ask(self, tapes: Sequence[Plain], *, gradient: bool) -> Iterator[Found]:
        """What a daemon gives for tapes of one structure and the same observables, in as few jobs as limits allow."""
        first = tapes[0]
        program, observables = self._structure(first).circuit, [list(terms) for terms in first.terms]
        each = ESTIMATE_BYTES * len(observables) * (1 + len(first.row) * gradient)
        step = max(1, min(LIMITS.sweep_points, LIMITS.values_bytes // each))
        for start in range(0, len(tapes), step):
            points = {"x": np.array([tape.row for tape in tapes[start : start + step]])}
            asked: dict[str, Any] = {"expect": observables, "points": points, "gradient": gradient, "counts": False}
            values = self._target.result(program, **asked).values
            assert values is not None, "a job with outputs has values"
            for point in values.points:
                slopes = [np.array([found.value for found in row]) for row in point.gradients]
                yield [found.value for found in point.expectations], slopes


def _groups(tapes: Sequence[Plain]) -> list[list[int]]:
    """The places of tapes with angles, those of one structure and the same observables together."""
    found: dict[Hashable, list[int]] = {}
    for at, tape in enumerate(tapes):
        if len(tape.row):
            key = key_of(tape.operators, tape.wires)
            found.setdefault((at if key is None else key, tape.terms), []).append(at)
    return list(found.values())
