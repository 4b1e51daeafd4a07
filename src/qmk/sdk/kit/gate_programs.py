"""Programs of the engine kit that show the whole action of each gate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from qmk.qvm.families import OPS
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.programs import BASES, Case

_CLIFFORD_ANGLES = (math.pi / 2, math.pi, -math.pi / 2)
_ANGLES = (0.7, -1.9, 2.6)


def gate_cases() -> Iterator[Case]:
    """Every fixed-size unitary op on states that show its whole action: each qubit generic, each basis measured."""
    for op in OPS.values():
        if op.family != "core" or op.op_class != "unitary" or op.short in ("mod", "paulirot", "gphase"):
            continue
        names = [p.name for p in op.params]
        for basis in BASES:
            args = dict(zip(names, _ANGLES, strict=False))
            yield _gate_case(f"gate {op.short} {basis}", op.short, op.vqs.low, args, basis, clifford=False)
            if names or op.flow is not None:
                args = dict(zip(names, _CLIFFORD_ANGLES, strict=False))
                if op.vqs.low == 1 or not names:
                    name = f"clifford gate {op.short} {basis}"
                    yield _gate_case(name, op.short, op.vqs.low, args, basis, clifford=True)


def _gate_case(name: str, short: str, qubits: int, args: dict[str, Any], basis: str, clifford: bool) -> Case:
    b = Builder(qubits)
    for q in range(qubits):
        if clifford:
            for prep in (("h",), ("h", "s"), ("x",))[q % 3]:
                b.op(prep, q)
        else:
            b.op("u", q, theta=0.9 + 0.4 * q, phi=0.5 - 0.3 * q, lam=0.0)
    b.op(short, *range(qubits), **args)
    if clifford and qubits == 1:
        b.op("s", 0)
    for q in range(qubits):
        b.measure(q, basis=basis)
    return Case(name, b.graph(), frozenset(), clifford)
