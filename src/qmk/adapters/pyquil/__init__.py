"""``pyquil.Program``: its text says all of it."""

from qmk.sdk.adapter import Adapter

ADAPTER = Adapter(
    name="pyquil",
    doc="pyQuil's programs, with classical memory, parameters, jumps and noise pragmas",
    modules=("pyquil",),
    reader="qmk.adapters.pyquil.convert:read",
    writer="qmk.adapters.pyquil.convert:write",
    observable="qmk.adapters.pyquil.observables:read",
    library="pyquil",
    extra="pyquil",
)
