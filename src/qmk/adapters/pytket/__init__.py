"""``pytket.Circuit``: all OpTypes but WASM and random numbers, boxes by what they do, symbols as parameters."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="pytket",
    doc="pytket's circuits, with boxes, symbols, conditions and classical expressions",
    modules=("pytket",),
    reader="qmk.adapters.pytket.read:read",
    writer="qmk.adapters.pytket.write:write",
    observable="qmk.adapters.pytket.observables:read",
    library="pytket",
    extra="pytket",
)
