"""``qoqo.Circuit``: gates, symbols, registers of bits, conditions, loops, and noise that is a channel of QMK."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="qoqo",
    doc="qoqo's circuits, with symbols, conditions, loops and noise pragmas",
    modules=("qoqo",),
    reader="qmk.adapters.qoqo.read:read",
    writer="qmk.adapters.qoqo.write:write",
    library="qoqo",
    extra="qoqo",
)
