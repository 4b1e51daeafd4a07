"""The parameter-shift rule: the derivative of an expectation value by an angle from values at other angles.

Exact for gates exp(-i angle G) whose G has two eigenvalues 1 apart (Mitarai et al. 2018; Schuld et al. 2019);
controlled rotations have three, 1/2 apart, and take four values (Anselmetti et al. 2021). The rest of the program may
be anything, noise and feed-forward included.
"""

from __future__ import annotations

import math

from qmk.base.errors import QmkError

Shifts = tuple[tuple[float, float], ...]
"""(change of the angle, factor of the value there)"""

_TWO: Shifts = ((math.pi / 2, 0.5), (-math.pi / 2, -0.5))
_ROOT = math.sqrt(2)
_NEAR, _FAR = (_ROOT + 1) / (4 * _ROOT), (_ROOT - 1) / (4 * _ROOT)
_FOUR: Shifts = (
    (math.pi / 2, _NEAR),
    (-math.pi / 2, -_NEAR),
    (3 * math.pi / 2, -_FAR),
    (-3 * math.pi / 2, _FAR),
)
_RULES: dict[str, Shifts] = {
    **dict.fromkeys(("rx", "ry", "rz", "p", "u", "cp", "rxx", "ryy", "rzz", "paulirot"), _TWO),
    **dict.fromkeys(("crx", "cry", "crz"), _FOUR),
    "gphase": (),
}


def shifts_of(op: str, node: str) -> Shifts:
    """Raises UNSUPPORTED for an op by whose angle no rule derives."""
    short = op.removeprefix("core.")
    if short not in _RULES:
        raise QmkError(
            "UNSUPPORTED",
            f"node '{node}': there is no rule to derive by the angle of {op}",
            node=node,
            op=op,
            help="write it as rotations, or leave its angle out of the sweep's slots",
        )
    return _RULES[short]
