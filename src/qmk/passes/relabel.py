"""An exchange of two qubits becomes another numbering of what follows."""

from qmk.passes.native_passes import native_pass

PASS = native_pass("relabel", "exchange qubits by numbering them anew", ("relabel",))
