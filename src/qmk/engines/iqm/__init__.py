"""The IQM engine: quantum computers of IQM through the REST API of IQM Server and Resonance, gates and measurements."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

GATES = frozenset({"u", "cz", "id"})
"""What programs are lowered to; the engine writes it in IQM's native PRX, CZ and MOVE."""

DECLARATION = declare(
    "iqm",
    "quantum computers of IQM, through the REST API of IQM Server and Resonance",
    "qmk.engines.iqm.engine:IqmEngine",
    straight(GATES, mid_circuit=True, reset=True, exact=False),
)
