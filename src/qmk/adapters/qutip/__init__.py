"""QuTiP's objects as models: ``qmk.integrations.qutip.Model`` has what its solvers take."""

from qmk.sdk.adapter import Adapter

__all__ = ["ADAPTER"]

ADAPTER = Adapter(
    name="qutip",
    doc="Models of QuTiP's objects: Hamiltonian, collapse operators, state and times",
    modules=("qutip",),
    reader="qmk.adapters.qutip.model:read",
    library="qutip",
    extra="qutip",
)
