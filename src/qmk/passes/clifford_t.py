"""Clifford gates and T gates only, few of the latter: for machines that correct errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.passes.native_passes import circuit_pass

if TYPE_CHECKING:
    import qmk_native

EPSILON = 1e-10
"""Operator norm of the error of the whole program, where its rotations are few enough."""

LEAST = 3e-12
"""Of the error, for each angle of the program: a controlled rotation is up to three rotations, each synthesized to
1e-12 or worse."""


def rewrite(circuit: qmk_native.Circuit, ancillae: bool = False) -> tuple[qmk_native.Circuit, dict[str, Any]]:
    """The circuit in Clifford and T gates, and the report of ``qmk_native.clifford_t``."""
    import qmk_native

    epsilon = max(EPSILON, LEAST * len(circuit.params))
    return qmk_native.clifford_t(circuit, epsilon=epsilon, ancillae=ancillae)


PASS = circuit_pass("clifford-t", "Clifford and T gates, few T: join rotations, synthesize the others", rewrite)
