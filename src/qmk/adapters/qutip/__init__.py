"""QuTiP's objects as models: ``Model`` has what its solvers take."""

from typing import TYPE_CHECKING, Any

from qmk.sdk.adapter import Adapter

if TYPE_CHECKING:
    from qmk.adapters.qutip.model import Model

__all__ = ["ADAPTER", "Model"]

ADAPTER = Adapter(
    name="qutip",
    doc="Models of QuTiP's objects: Hamiltonian, collapse operators, state and times",
    modules=("qutip",),
    reader="qmk.adapters.qutip.model:read",
    library="qutip",
    extra="qutip",
)


def __getattr__(name: str) -> Any:
    if name != "Model":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from qmk.adapters.qutip.model import Model

    return Model
