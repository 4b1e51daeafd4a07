"""Amazon Braket's SDK: its circuits both ways, its OpenQASM programs and analog programs for neutral atoms."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="braket",
    doc="Amazon Braket's circuits, with noise and result types; OpenQASM and analog programs of its SDK",
    modules=("braket",),
    reader="qmk.adapters.braket.reader:read",
    writer="qmk.adapters.braket.writer:write",
    observable="qmk.adapters.braket.observables:read",
    library="amazon-braket-sdk",
    extra="braket",
)
