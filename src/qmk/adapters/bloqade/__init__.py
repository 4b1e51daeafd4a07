"""Analog programs of ``bloqade.analog``, as the programs of Amazon Braket that it makes of them. (Kernels of squin are
the adapter ``kirin``'s.)"""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="bloqade",
    doc="Bloqade's analog programs",
    modules=("bloqade",),
    reader="qmk.adapters.bloqade.convert:read",
    takes_params=True,
    library="bloqade-analog",
)
