"""``strawberryfields.Program``: modes of light, with free parameters."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="strawberryfields",
    doc="Strawberry Fields' programs of modes of light",
    modules=("strawberryfields",),
    reader="qmk.adapters.strawberryfields.read:read",
    library="StrawberryFields",
)
