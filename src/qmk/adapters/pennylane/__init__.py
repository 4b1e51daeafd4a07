"""PennyLane's tapes and QNodes."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="pennylane",
    doc="PennyLane's tapes, and QNodes with values of their arguments",
    modules=("pennylane",),
    reader="qmk.adapters.pennylane.programs:read",
    writer="qmk.adapters.pennylane.writer:write",
    observable="qmk.adapters.pennylane.observables:read",
    takes_params=("QNode",),
    library="pennylane",
    extra="pennylane",
)
