"""Running gates backwards: the inverse of instructions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qmk.ir.inverse import inverse_args
from qmk.ir.program import Gate
from qmk.ir.resolver import angle_names
from qmk.qvm.families import OPS


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
