"""``stim.Circuit``: its own text says all of it."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="stim",
    doc="Stim's circuits, with noise, detectors and observables",
    modules=("stim",),
    reader="qmk.adapters.stim.convert:read",
    writer="qmk.adapters.stim.convert:write",
    observable="qmk.adapters.stim.convert:read_observable",
    format="stim",
    library="stim",
)
