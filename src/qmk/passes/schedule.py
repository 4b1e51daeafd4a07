"""Causal cones one after the other: a qubit is measured as soon as nothing acts on it any more, and allocated late.

Gates whose control is measured early become conditions; a qubit that was measured is used again.
"""

from qmk.passes.native_passes import native_pass

PASS = native_pass(
    "schedule",
    "measure early, allocate late, make controls classical, use qubits again: the least width",
    ("schedule", "hoist", "reuse"),
    narrow=True,
)
