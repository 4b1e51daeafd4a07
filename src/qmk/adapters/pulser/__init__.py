"""``pulser.Sequence``: its abstract representation says all of it. Variables stay open under their names."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="pulser",
    doc="Pulser's sequences, with variables and mappable registers",
    modules=("pulser",),
    reader="qmk.adapters.pulser.convert:read",
    library="pulser-core",
    extra="pulser",
)
