"""Repetition code: ancillas reset, CNOT from the data qubit before each, from the one behind it, measured."""

from __future__ import annotations

from qmk.models.qec.circuits.plan import Op, Plan, Watch, layers_of
from qmk.models.qec.code import Code


def plan(code: Code) -> Plan:
    d = code.n
    before = tuple(qubit for check in range(d - 1) for qubit in (check, d + check))
    behind = tuple(qubit for check in range(d - 1) for qubit in (check + 1, d + check))
    ancillas = tuple(range(d, 2 * d - 1))
    layers: list[list[Op]] = [[("R", ancillas)], [("CX", before)], [("CX", behind)], [("M", ancillas)]]
    coords = {q: (2.0 * q, 0.0) for q in range(d)} | {d + check: (2.0 * check + 1, 0.0) for check in range(d - 1)}
    watches = tuple(Watch("Z", (check,), (check, check + 1), (2.0 * check + 1, 0.0)) for check in range(d - 1))
    observables = {"Z": ((0,),), "X": (tuple(range(d)),)}
    return Plan(tuple(range(d)), coords, layers_of(layers), watches, observables, {"X": (), "Z": ()})
