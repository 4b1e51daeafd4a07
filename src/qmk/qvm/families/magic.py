"""Family ``magic``: resource states."""

from __future__ import annotations

from qmk.qvm.op import Family, Op, exactly
from qmk.qvm.steps import script

FAMILY = Family(
    "magic",
    1,
    "resource states",
    (
        Op(
            "magic.inject_t",
            "prepare (|0> + e^{i pi/4}|1>)/sqrt(2) on the qubit, whatever it held",
            "composite",
            "INJECT_T_STATE",
            vqs=exactly(1),
            cap="CAP_MAGIC",
            lower=script("reset 0; h 0; t 0"),
        ),
    ),
)
