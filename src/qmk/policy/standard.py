"""The policy that QMK's own kernels run under."""

from __future__ import annotations

from qmk.kernel.capacity import Settings
from qmk.policy.schedule.scheduler import FairScheduler


class StandardPolicy:
    """Implements ``qmk.kernel.policy.Policy``."""

    def scheduler(self, settings: Settings, /) -> FairScheduler:
        return FairScheduler(settings)


STANDARD = StandardPolicy()
"""It has no state of its own, so that one serves every kernel."""
