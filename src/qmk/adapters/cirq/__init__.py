"""``cirq.Circuit`` and ``cirq.FrozenCircuit``: gates, channels, measurements, conditions and parameters."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="cirq",
    doc="Cirq's circuits, with classical control, noise channels and sympy parameters",
    modules=("cirq",),
    reader="qmk.adapters.cirq.reader:read",
    writer="qmk.adapters.cirq.writer:write",
    observable="qmk.adapters.cirq.observables:read",
    library="cirq-core",
    extra="cirq",
)
