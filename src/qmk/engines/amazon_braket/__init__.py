"""The Amazon Braket engine: quantum devices and simulators of the service, by their ARNs, through boto3."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

GATES: dict[str, str] = {
    **{name: name for name in ("h", "x", "y", "z", "s", "t", "rx", "ry", "rz", "cnot", "swap")},
    "sdg": "si",
    "tdg": "ti",
    "id": "",
}
"""Braket's names of gates that all of its gate-based devices take; angles are the same, in radians."""

DECLARATION = declare(
    "amazon-braket",
    "devices and simulators of Amazon Braket, through AWS",
    "qmk.engines.amazon_braket.engine:AmazonBraketEngine",
    straight(GATES, exact=False),
    requires=("boto3",),
    extra="braket",
)
