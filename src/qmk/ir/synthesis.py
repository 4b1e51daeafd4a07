"""Exact decomposition of controlled and powered gates (``core.mod``) into one-, two- and three-qubit gates, by the
native core.

No ancilla is used: a qubit that a step does not touch is borrowed in any state and given back. Multi-controlled X
takes O(n) Toffolis with a borrowed qubit, any other multi-controlled gate O(n^2). Results are exact up to a global
phase, angles at double precision.
"""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.ir.modifiers import mod_parts
from qmk.ir.names import base_of
from qmk.qvm.op import Args, Matrix, Step

MAX_CONTROLS = 256
"""Controls of one gate that is decomposed: the step count grows with their square"""


def mod_steps(args: Args, qubits: int) -> tuple[Step, ...]:
    """``core.mod`` with ``args`` on ``qubits`` operands (controls first) as steps over operand indexes."""
    gate, own = base_of(args["gate"])
    controls = int(args.get("controls", 0)) + own
    if controls > MAX_CONTROLS:
        raise QmkError(
            "UNSUPPORTED",
            f"a gate with {controls} controls is not decomposed: at most {MAX_CONTROLS}",
            controls=controls,
            limit=MAX_CONTROLS,
        )
    matrix = mod_parts({"gate": gate, "power": args.get("power", 1.0), "params": args.get("params") or {}}).base
    state = (args.get("state") or "").ljust(controls, "1")
    return _steps(matrix, [value == "1" for value in state])


def _steps(matrix: Matrix, values: list[bool]) -> tuple[Step, ...]:
    """``matrix`` under controls that hold ``values``."""
    import qmk_native

    rows = qmk_native.controlled_steps(_pairs(matrix), values)
    return tuple(Step(f"core.{name}", tuple(operands), dict(angles)) for name, operands, angles in rows)


def unitary_steps(matrix: Matrix) -> tuple[Step, ...]:
    """A unitary on at most 8 qubits as steps over their indexes, up to a global phase."""
    return _steps(matrix, [])


def zyz(matrix: Matrix) -> tuple[float, float, float, float]:
    """(alpha, beta, gamma, delta) with ``matrix = e^{i alpha} RZ(beta) RY(gamma) RZ(delta)``."""
    import qmk_native

    return qmk_native.zyz(_pairs(matrix))


def _pairs(matrix: Matrix) -> list[list[tuple[float, float]]]:
    """The entries as (re, im)."""
    return [[(x.real, x.imag) for x in row] for row in matrix]
