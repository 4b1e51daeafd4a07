"""Exchanges of qubits as another numbering of what follows, those too that a pair of gates makes with one gate less.

For circuits that are not placed yet: a router brings qubits together in any case.
"""

from __future__ import annotations

from qmk.compiling.synthesis import renumber
from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Step

PASS = step_pass(
    "numbering",
    "exchange qubits by numbering them anew, where it saves gates on two qubits",
    Step(renumber, ensures=frozenset({"numbered"}), preserves=frozenset({"narrow"}), level=1, cost_us=3.0),
    lambda made: {"last": list(made.last)},
)
