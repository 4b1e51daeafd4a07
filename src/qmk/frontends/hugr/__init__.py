"""Front-end ``hugr``: programs in HUGR, the graphs that Guppy and tket 2 write, from their envelopes.

An envelope of JSON is read as it is; one of the binary or text form, or that is compressed, by the package ``hugr``,
where that is installed. Functions are followed from the entry point. What ``tket.result`` ops report becomes registers.
"""

from __future__ import annotations

from qmk.sdk.frontend import CERTAIN, Frontend
from qmk.sdk.references import later

MAGIC = b"HUGRiHJv"
"""The first bytes of an envelope."""


def recognise(data: bytes) -> int:
    return CERTAIN if data.startswith(MAGIC) else 0


FRONTEND = Frontend(
    "hugr",
    "HUGR, as Guppy and tket 2 write it",
    (".hugr",),
    recognise,
    later("qmk.frontends.hugr.reader:read"),
    inputs=later("qmk.frontends.hugr.reader:inputs"),
)
