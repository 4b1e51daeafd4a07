"""Which other engine a job goes to, or is given beside its own."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.kernel.events import Submitted
from qmk.kernel.objects.alternative import Alternative

LONG_S = 1.0
"""Least predicted time that a second engine is worth."""


def second_engine(record: Submitted, rows: Sequence[Alternative]) -> Alternative | None:
    """The first that may well be done before the job's own engine."""
    if record.seconds <= LONG_S:
        return None
    slowest_s = record.seconds * record.uncertainty
    return next((row for row in rows if row.seconds / row.uncertainty <= slowest_s), None)
