"""What a gate costs beyond Clifford gates: T gates in its exact lowering, or rotations that need synthesis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from qmk.ir.clifford import quarter_turns
from qmk.ir.modifiers import clifford_steps
from qmk.ir.names import TURNS
from qmk.qvm.families import OPS
from qmk.qvm.op import Args, Step

_T_COUNT = {"core.t": 1, "core.tdg": 1, "core.ch": 2, "core.toffoli": 7, "core.ccz": 7, "core.cswap": 7}
"""T gates of the declared lowerings: CH as two T between Cliffords, Toffoli with seven (Nielsen and Chuang, 4.9)."""


class Magic(NamedTuple):
    """``rotations`` counts what has no exact form in Clifford + T here; ``t_count`` does not include those."""

    clifford: bool
    t_count: int
    rotations: int


CLIFFORD = Magic(True, 0, 0)
SYNTHESISED = Magic(False, 0, 1)


def magic(name: str, args: Args, width: int) -> Magic:
    """The cost of one unitary or composite op on ``width`` qubits; other ops (a reset in a lowering) cost nothing."""
    op = OPS[name]
    if op.op_class == "composite":
        assert op.lower is not None
        return _sum(op.lower(args, width))
    if op.op_class == "evolution":
        return SYNTHESISED
    if op.op_class != "unitary" or clifford_steps(name, args) is not None:
        return CLIFFORD
    if name in _T_COUNT:
        return Magic(False, _T_COUNT[name], 0)
    if name in TURNS:
        return Magic(False, 1, 0) if _is_t(args[TURNS[name][1]]) else SYNTHESISED
    if name == "core.u":
        return _magic_of_u(args["theta"], args["phi"], args["lam"])
    if op.lower is not None:
        return _sum(op.lower(args, width))._replace(clifford=False)
    return SYNTHESISED


def _is_t(angle: float) -> bool:
    """Whether a rotation by ``angle`` is a T gate up to Clifford gates: an odd multiple of pi/4."""
    turns = quarter_turns(2 * angle)
    return turns is not None and turns % 2 == 1


def _sum(steps: Iterable[Step]) -> Magic:
    parts = [magic(step.op, step.args, len(step.operands)) for step in steps]
    return Magic(all(p.clifford for p in parts), sum(p.t_count for p in parts), sum(p.rotations for p in parts))


def _magic_of_u(theta: float, phi: float, lam: float) -> Magic:
    """U = RZ(phi) RY(theta) RZ(lam) up to phase. A diagonal or antidiagonal one is a single RZ; one that has any angle
    to synthesise is synthesised whole."""
    turns = quarter_turns(theta)
    if turns is not None and turns % 2 == 0:
        angles = [phi + lam if turns % 4 == 0 else phi - lam]
    else:
        angles = [phi, theta, lam]
    t_count = 0
    for angle in angles:
        if quarter_turns(angle) is None:
            if not _is_t(angle):
                return SYNTHESISED
            t_count += 1
    return Magic(False, t_count, 0)
