"""The IQM engine: quantum computers of IQM through the REST API of IQM Server and Resonance, gates and measurements."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

DECLARATION = declare(
    "iqm",
    "quantum computers of IQM, through the REST API of IQM Server and Resonance",
    "qmk.engines.iqm.engine:IqmEngine",
    straight({"u", "cz", "id"}, mid_circuit=True, reset=True, exact=False),
)
