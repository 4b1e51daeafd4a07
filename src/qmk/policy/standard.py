"""The policy that QMK's own kernels run under."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.kernel.capacity import Settings
from qmk.kernel.events import Submitted
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.policy import Views
from qmk.policy import engines, views
from qmk.policy.cache import ResultCache
from qmk.policy.index import Index
from qmk.policy.schedule.scheduler import FairScheduler


class StandardPolicy:
    """Implements ``qmk.kernel.policy.Policy``."""

    views: Views = views

    def scheduler(self, settings: Settings, /) -> FairScheduler:
        return FairScheduler(settings)

    def index(self) -> Index:
        return Index()

    def cache(self, entries: int, size_bytes: int, /) -> ResultCache:
        return ResultCache(entries, size_bytes)

    def second_engine(self, record: Submitted, rows: Sequence[Alternative], /) -> Alternative | None:
        return engines.second_engine(record, rows)


STANDARD = StandardPolicy()
"""It has no state of its own, so that one serves every kernel."""
