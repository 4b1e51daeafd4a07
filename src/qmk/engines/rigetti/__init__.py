"""The Rigetti engine: quantum processors of Rigetti's Quantum Cloud Services (QCS), gates and one final read-out."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

DECLARATION = declare(
    "rigetti",
    "quantum processors of Rigetti, through Quantum Cloud Services (qcs-sdk)",
    "qmk.engines.rigetti.engine:RigettiEngine",
    straight({"u", "cz", "id"}, exact=False),
    requires=("qcs_sdk",),
    extra="pyquil",
)
