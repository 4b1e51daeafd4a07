"""The IBM engine: devices of the IBM Quantum Platform, through the REST API of Qiskit Runtime and its sampler."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.sdk.engine import Capabilities

DECLARATION = declare(
    "ibm",
    "devices of IBM Quantum Platform, through its REST API",
    "qmk.engines.ibm.engine:IbmEngine",
    Capabilities(gates=frozenset({"rz", "sx", "x", "cz", "id"}), feed_forward="pauli", logic=False, exact=False),
    requires=("qiskit",),
    extra="qiskit",
)
