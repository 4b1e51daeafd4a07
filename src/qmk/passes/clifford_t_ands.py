"""Clifford and T gates, with Toffoli gates as temporary ANDs: fewer T gates for ancillae and measurements."""

from qmk.compiling.logical import clifford_t
from qmk.passes.native_passes import circuit_pass

PASS = circuit_pass(
    "clifford-t-ands",
    "as clifford-t, with ancillae and measurements where they save T gates",
    lambda circuit: clifford_t(circuit, ancillae=True),
)
