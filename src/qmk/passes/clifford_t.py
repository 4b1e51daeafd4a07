"""Clifford gates and T gates only, few of the latter: for machines that correct errors."""

from qmk.compiling.logical import clifford_t, to_clifford_t
from qmk.passes.native_passes import circuit_pass
from qmk.sdk.passes import Step

PASS = circuit_pass(
    "clifford-t",
    "Clifford and T gates, few T: join rotations, synthesize the others",
    clifford_t,
    Step(
        to_clifford_t,
        ensures=frozenset({"native"}),
        preserves=frozenset({"narrow"}),
        level=0,
        cost_us=10.0,
        targets=("logical",),
    ),
)
