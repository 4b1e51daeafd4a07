"""The full peephole optimisation of pytket: its result is kept where it is better (``qmk compile -O3``)."""

from __future__ import annotations

from qmk.compiling.pytket_circuits import optimise
from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Step

PASS = step_pass(
    "pytket-peephole",
    "what pytket's peephole optimiser makes of a circuit without feed-forward",
    Step(optimise, ensures=frozenset({"numbered"}), level=3, whole=True, cost_us=2000.0, needs="pytket"),
    lambda made: {"gates": len(made.circuit)},
)
