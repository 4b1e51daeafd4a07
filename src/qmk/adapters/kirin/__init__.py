"""Kernels of Bloqade's squin, which are methods of Kirin's: Kirin's JSON says all of one. Arguments stay open."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="kirin",
    doc="Bloqade's squin kernels",
    modules=("kirin",),
    reader="qmk.adapters.kirin.convert:read",
    library="kirin-toolchain",
    extra="bloqade",
)
