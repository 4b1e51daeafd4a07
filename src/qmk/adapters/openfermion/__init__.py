"""``openfermion.QubitOperator``: an observable. Programs it has none."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="openfermion",
    doc="OpenFermion's QubitOperator, an observable",
    modules=("openfermion",),
    reader="qmk.adapters.openfermion.operators:refuse",
    observable="qmk.adapters.openfermion.operators:read",
    library="openfermion",
)
