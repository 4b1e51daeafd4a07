"""Running gates backwards: the inverse of instructions, and the check that a segment undone gives the state back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from qmk.ir.inverse import inverse_args
from qmk.ir.program import Gate
from qmk.ir.resolver import angle_names
from qmk.qvm.families import OPS

if TYPE_CHECKING:
    from qmk.exact.chunked import ChunkedPlan


def inverse_gate(gate: Gate) -> Gate:
    """The gate that undoes ``gate``; its condition stays, as it reads the same bits."""
    op = OPS[f"core.{gate.name}"]
    inverse = OPS[op.inverse or op.name]
    names = angle_names(op.name) or ()
    args: dict[str, Any] = inverse_args(op, gate.args or dict(zip(names, gate.params, strict=True)))
    if gate.args:
        return Gate(inverse.short, gate.qubits, (), gate.cond, args)
    params = tuple(float(args[name]) for name in angle_names(inverse.name) or ())
    return Gate(inverse.short, gate.qubits, params, gate.cond)


def inverse_gates(gates: Iterable[Gate]) -> tuple[Gate, ...]:
    """The gates that undo ``gates``: each undone, last first."""
    return tuple(inverse_gate(gate) for gate in reversed(tuple(gates)))


class Uncomputed(msgspec.Struct, frozen=True):
    """A segment run forwards and backwards. ``distance``: the largest over all branches of
    ``State.distance`` between the state at fence ``epoch`` before and after; 0.0 is exact."""

    epoch: int
    distance: float


def uncompute(plan: ChunkedPlan[Any], shots: int, seed: int) -> list[Uncomputed]:
    """Drive a run to its end; from every fence go back, where the segment before it can be undone, compare with the
    state that was there, and go on. The run must give the samples it gives undisturbed: AssertionError if not."""
    found: list[Uncomputed] = []
    execution = plan.start(shots, seed)
    while True:
        before = plan.resume(execution.save())
        if not execution.advance():
            break
        if execution.epoch == before.epoch + 1 and execution.rewind(before.epoch):
            found.append(Uncomputed(before.epoch, execution.distance(before)))
            execution.advance()
    same = np.array_equal(execution.samples().bits, plan.run(shots, seed).bits)
    assert same, "going back changed the samples"
    return found
