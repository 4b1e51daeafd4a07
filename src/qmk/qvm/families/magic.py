"""Family ``magic``: resource states."""

from __future__ import annotations

from qmk.qvm.op import Args, Family, Op, Step, exactly


def _lower_inject(_args: Args, _n: int) -> tuple[Step, ...]:
    return (Step("core.reset", (0,), {}), Step("core.h", (0,), {}), Step("core.t", (0,), {}))


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
            lower=_lower_inject,
        ),
    ),
)
