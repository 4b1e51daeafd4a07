"""Clifford and T gates, with Toffoli gates as temporary ANDs: fewer T gates for ancillae and measurements."""

from qmk.passes.clifford_t import rewrite
from qmk.passes.native_passes import circuit_pass

PASS = circuit_pass(
    "clifford-t-ands",
    "as clifford-t, with ancillae and measurements where they save T gates",
    lambda circuit: rewrite(circuit, ancillae=True),
)
