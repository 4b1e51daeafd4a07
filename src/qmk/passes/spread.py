"""Gates on copies: a qubit that a CNOT copied from another into |0> reads the same, so that a gate that is diagonal on
one of them may be done on either. A chain of CNOTs becomes a tree. On a coupling map the router does so by itself.

The work is done by the native core (``native/src/place/spread.rs``).
"""

from __future__ import annotations

import msgspec
import qmk_native

from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Step, Work


def _spread(work: Work) -> Work:
    return msgspec.structs.replace(work, circuit=qmk_native.spread(work.circuit))


PASS = step_pass(
    "spread",
    "do gates on copies of a qubit that have done less so far, where all qubits are coupled: less depth",
    Step(_spread, preserves=frozenset({"native", "placed", "narrow", "numbered"}), mapped=False, cost_us=0.5),
    lambda made: {},
)
