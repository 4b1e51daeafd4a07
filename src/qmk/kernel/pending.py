"""Jobs in VALIDATING: accepted by the kernel, not yet by the router and the journal."""

from __future__ import annotations

import msgspec

from qmk.base.errors import Finding
from qmk.kernel.events import Submitted


class Pending(msgspec.Struct):
    """A job that waits for the router, or for the graph of an earlier job. ``draft`` lacks what is being waited for;
    ``callers`` are to be answered, as callers of ``method``."""

    draft: Submitted
    warnings: list[Finding]
    callers: list[tuple[int, int]]
    method: str = "q_submit"
