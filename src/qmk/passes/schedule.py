"""Causal cones one after the other: a qubit is measured as soon as nothing acts on it any more, and allocated late.

Gates whose control is measured early become conditions; a qubit that was measured is used again.
"""

import msgspec

from qmk.passes.native_passes import native_pass, rewritten
from qmk.sdk.passes import Step, Work

REWRITES = ("schedule", "hoist", "reuse")


def _narrow(work: Work) -> Work:
    circuit, _ = rewritten(work.circuit, REWRITES, True)
    return msgspec.structs.replace(work, circuit=circuit, last=tuple(range(circuit.n_qubits)))


PASS = native_pass(
    "schedule",
    "measure early, allocate late, make controls classical, use qubits again: the least width",
    REWRITES,
    narrow=True,
    step=Step(_narrow, ensures=frozenset({"narrow"}), objectives=("qubits",), targets=("device", "logical")),
)
