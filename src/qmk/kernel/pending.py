"""Jobs in VALIDATING: accepted by the kernel, not yet by the router and the journal."""

from __future__ import annotations

import msgspec

from qmk.base.errors import Finding
from qmk.kernel.events import Submitted


class Pending(msgspec.Struct):
    """A job that waits for the router. ``draft`` lacks what the router decides; ``callers`` are to be answered."""

    draft: Submitted
    warnings: list[Finding]
    callers: list[tuple[int, int]]
