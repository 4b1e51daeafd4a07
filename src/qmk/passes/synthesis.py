"""Gates of the target, and few of them on two qubits: interactions merge across whatever they commute with.

The work is done by the native core (``native/src/synth``).
"""

from __future__ import annotations

from qmk.compiling.synthesis import synthesize
from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Step

PASS = step_pass(
    "synthesis",
    "write with the target's gates, as few on two qubits as are found",
    Step(
        synthesize,
        ensures=frozenset({"native"}),
        preserves=frozenset({"placed", "narrow", "numbered"}),
        level=0,
        cost_us=3.0,
    ),
    lambda made: {"gates": len(made.circuit)},
)
