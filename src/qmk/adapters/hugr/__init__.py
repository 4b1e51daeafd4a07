"""``Package`` and ``Hugr`` of the package ``hugr``."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="hugr",
    doc="packages and graphs of HUGR, as Guppy compiles and tket 2 writes them",
    modules=("hugr",),
    reader="qmk.adapters.hugr.convert:read",
    format="hugr",
    library="hugr",
    extra="hugr",
)
