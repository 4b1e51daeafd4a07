"""``QirInputData`` of the Quantum Development Kit, and Q# operations as Python callables."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="qdk",
    doc="compiled Q# of the Quantum Development Kit, and its operations that take nothing",
    modules=("qdk", "qsharp"),
    reader="qmk.adapters.qdk.convert:read",
    format="qir",
    library="qdk",
    extra="qsharp",
)
