"""The Azure engine: targets of IonQ, Quantinuum and Rigetti in a workspace of Azure Quantum, through its REST API."""

from __future__ import annotations

from qmk.cloud import ionq
from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

GATES = (ionq.GATES.keys() - {"sx", "sxdg", "rxx", "ryy", "rzz"}) | {"id"}
"""Gates that the formats of all three providers have."""

DECLARATION = declare(
    "azure",
    "targets in a workspace of Azure Quantum, through its REST API",
    "qmk.engines.azure.engine:AzureEngine",
    straight(GATES, exact=False),
)
