"""Programs with T states run exactly, as a state vector of their patches without errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.base.errors import QmkError
from qmk.models.qec.surgery.program import Correct, Inject, Measure, Merge, Phase, Prepare, Program

State = npt.NDArray[np.complex128]

MAX_PATCHES = 20
STATES = {"0": (1.0, 0.0), "+": (0.5**0.5, 0.5**0.5), "T": (0.5**0.5, 0.5**0.5 * np.exp(0.25j * np.pi))}
PAULIS: dict[str, npt.NDArray[np.int64]] = {"X": np.array([[0, 1], [1, 0]]), "Z": np.diag([1, -1])}


@dataclass(frozen=True)
class Run:
    """One run: the outcomes, and the state of the patches that are left, one axis of two each, in order of names."""

    outcomes: dict[str, int]
    patches: tuple[str, ...]
    state: State


def run(program: Program, seed: int) -> Run:
    """Run a program without errors; outcomes are drawn from their exact chances."""
    dice = np.random.default_rng(seed)
    alive: list[str] = []
    state: State = np.ones((), dtype=np.complex128)
    outcomes: dict[str, int] = {}
    for op in program.ops:
        if isinstance(op, Prepare | Inject):
            name = ("0" if op.basis == "Z" else "+") if isinstance(op, Prepare) else op.state
            if len(alive) == MAX_PATCHES:
                raise QmkError("INVALID_PARAMS", f"more than {MAX_PATCHES} patches at once", field="program")
            state = np.multiply.outer(state, np.array(STATES[name]))
            alive.append(op.patch)
        elif isinstance(op, Merge | Measure):
            paulis = op.paulis if isinstance(op, Merge) else {op.patch: op.basis}
            turned: State = state
            for name, pauli in paulis.items():
                turned = _apply(turned, PAULIS[pauli], alive.index(name))
            chance = (1 + float(np.vdot(state, turned).real)) / 2
            outcomes[op.key] = bit = int(dice.random() >= chance)
            state = (state + (1 - 2 * bit) * turned) / 2
            state /= np.linalg.norm(state)
            if isinstance(op, Measure):
                state = _drop_patch(state, op.basis, bit, alive.index(op.patch))
                alive.remove(op.patch)
        elif isinstance(op, Correct | Phase) and sum(outcomes[key] for key in op.keys) % 2:
            gate = PAULIS[op.pauli] if isinstance(op, Correct) else np.diag([1, 1j])
            state = _apply(state, gate, alive.index(op.patch))
    order = sorted(alive)
    return Run(outcomes, tuple(order), state.transpose([alive.index(name) for name in order]))


def _apply(state: State, gate: npt.NDArray[Any], axis: int) -> State:
    return np.moveaxis(np.tensordot(gate, state, axes=(1, axis)), 0, axis)


def _drop_patch(state: State, basis: str, bit: int, axis: int) -> State:
    """The state of the others after this patch was found in ``bit``."""
    zero = {"X": np.array([1, 1 - 2 * bit]) / 2**0.5, "Z": np.array([1 - bit, bit])}[basis]
    return np.tensordot(zero, state, axes=(0, axis))
