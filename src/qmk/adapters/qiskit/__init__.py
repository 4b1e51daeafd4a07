"""``qiskit.QuantumCircuit``: read with control flow, classical expressions and parameters, and written."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="qiskit",
    doc="Qiskit's circuits, with control flow, classical variables and parameters",
    modules=("qiskit",),
    reader="qmk.adapters.qiskit.read:read",
    writer="qmk.adapters.qiskit.write:write",
    observable="qmk.adapters.qiskit.observables:read",
    library="qiskit",
    extra="qiskit",
)
