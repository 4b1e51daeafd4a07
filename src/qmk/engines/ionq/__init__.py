"""The IonQ engine: devices of IonQ through its REST API v0.4, gates and one final read-out."""

from __future__ import annotations

from qmk.cloud.declaring import declare
from qmk.exact.straight import straight

GATES: dict[str, str] = {
    **{name: name for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "cnot", "swap")},
    "sdg": "si",
    "tdg": "ti",
    "sx": "v",
    "sxdg": "vi",
    "rxx": "xx",
    "ryy": "yy",
    "rzz": "zz",
}
"""IonQ's names of our gates; angles are the same, in radians."""

DECLARATION = declare(
    "ionq",
    "devices of IonQ, through its REST API",
    "qmk.engines.ionq.engine:IonqEngine",
    straight({*GATES, "id"}, exact=False),
)
