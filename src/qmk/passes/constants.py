"""Basis states and known classical bits are followed: what they decide is done while the program is read."""

from qmk.passes.native_passes import native_pass

PASS = native_pass("constants", "use qubits in known basis states and bits that are known", ("constants",))
