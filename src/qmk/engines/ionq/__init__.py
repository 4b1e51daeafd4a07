"""The IonQ engine: devices of IonQ through its REST API v0.4, gates and one final read-out."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.cloud.ionq import GATES
from qmk.exact.straight import straight

DECLARATION = declare(
    "ionq",
    "devices of IonQ, through its REST API",
    "qmk.engines.ionq.engine:IonqEngine",
    straight({*GATES, "id"}, exact=False),
)
