"""The parameter-shift rule: the derivative of an expectation value by an angle from values at other angles.

Exact for gates exp(-i angle G) whose G has two eigenvalues 1 apart (Mitarai et al. 2018; Schuld et al. 2019);
controlled rotations have three, 1/2 apart, and take four values (Anselmetti et al. 2021). The rest of the program may
be anything, noise and feed-forward included.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from qmk.base.errors import QmkError
from qmk.qvm.families import OPS
from qmk.qvm.op import Op

Shifts = tuple[tuple[float, float], ...]
"""(change of the angle, factor of the value there)."""

_TWO: Shifts = ((math.pi / 2, 0.5), (-math.pi / 2, -0.5))
_ROOT = math.sqrt(2)
_NEAR, _FAR = (_ROOT + 1) / (4 * _ROOT), (_ROOT - 1) / (4 * _ROOT)
_FOUR: Shifts = (
    (math.pi / 2, _NEAR),
    (-math.pi / 2, -_NEAR),
    (3 * math.pi / 2, -_FAR),
    (-3 * math.pi / 2, _FAR),
)


def shifts_of(op: str, node: str) -> Shifts:
    """The shifts for each angle. Raises UNSUPPORTED for an op whose angle has no rule."""
    found = _rule(op)
    if found is None:
        raise QmkError(
            "UNSUPPORTED",
            f"node '{node}': there is no rule to derive by the angle of {op}",
            node=node,
            op=op,
            help="write it as rotations, or leave its angle out of the sweep's slots",
        )
    return found


@functools.cache
def _rule(op: str) -> Shifts | None:
    """By the differences of the generator's eigenvalues, which its slope at angle 0 has to each parameter in turn: all
    1, or all 1 and 1/2."""
    declared = OPS[op]
    if op == "core.paulirot":
        return _TWO
    if declared.matrix is None or not declared.params or any(param.kind != "angle" for param in declared.params):
        return None
    found: set[float] = set()
    for param in declared.params:
        found |= _frequencies(declared, param.name)
    return () if not found else _TWO if found == {1.0} else _FOUR if found <= {0.5, 1.0} else None


def _frequencies(op: Op, name: str) -> set[float]:
    """Positive differences of the eigenvalues of the generator of one angle, the others being 0.3."""
    assert op.matrix is not None
    args = {param.name: 0.3 for param in op.params}
    there, here = (np.array(op.matrix({**args, name: angle}), dtype=complex) for angle in (0.8, 0.3))
    phases = -np.angle(np.linalg.eigvals(there @ here.conj().T)) / 0.5
    return {round(float(a - b), 9) for a in phases for b in phases if a - b > 1e-9}
