"""Qiskit's transpiler at its highest level: its result is kept where it is better (``qmk compile -O3``)."""

from __future__ import annotations

from qmk.compiling.qiskit_circuits import transpile
from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Step

PASS = step_pass(
    "qiskit-transpiler",
    "what Qiskit's transpiler makes of a circuit without feed-forward",
    Step(
        transpile,
        ensures=frozenset({"placed", "native", "numbered"}),
        level=3,
        whole=True,
        cost_us=100.0,
        needs="qiskit",
    ),
    lambda made: {"gates": len(made.circuit)},
)
