"""The policy that QMK's own kernels run under."""

from __future__ import annotations

from qmk.kernel.capacity import Settings
from qmk.kernel.policy import Maps, Refusals, Views
from qmk.policy import engines, maps, refusals, retention, views
from qmk.policy.cache import ResultCache
from qmk.policy.index import Index
from qmk.policy.schedule.scheduler import FairScheduler


class StandardPolicy:
    """Implements ``qmk.kernel.policy.Policy``."""

    views: Views = views
    refusals: Refusals = refusals
    maps: Maps = maps
    choose_second = staticmethod(engines.choose_second)
    judge_slice = staticmethod(engines.judge_slice)
    find_old = staticmethod(retention.find_old)
    next_look_ns = staticmethod(retention.next_look_ns)

    def scheduler(self, settings: Settings, /) -> FairScheduler:
        return FairScheduler(settings)

    def index(self) -> Index:
        return Index()

    def cache(self, entries: int, size_bytes: int, /) -> ResultCache:
        return ResultCache(entries, size_bytes)


STANDARD = StandardPolicy()
"""It has no state of its own, so that one serves every kernel."""
