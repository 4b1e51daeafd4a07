"""How far a decoder is behind, as a fluid: what ``models.qec.service.machine`` does in the mean.

Rounds come in at a load rho, CPU time over the time there is. An outcome is there once all rounds before it are
decoded, so that it waits for the whole backlog; what comes in meanwhile waits in turn (Terhal, Rev. Mod. Phys. 87, 307
(2015)). Times are rounds of the machine, at the rate at which it runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_CYCLES = 1_000_000
"""A wait that is longer counts as so long: nothing is left of the program by then."""


@dataclass(frozen=True)
class Backlog:
    """``behind_rounds``: rounds of decoding that are due at time 0. ``latency_rounds``: of an idle decoder."""

    load: float
    latency_rounds: float = 0.0
    behind_rounds: float = 0.0

    def behind(self, round_: float) -> float:
        """Rounds of decoding that are due at this time."""
        return max(0.0, self.behind_rounds + (self.load - 1) * round_)

    def wait_cycles(self, cycle: int, d: int) -> int:
        """Cycles for which an outcome of this cycle waits."""
        return min(MOST_CYCLES, math.ceil((self.behind(cycle * d) + self.latency_rounds) / d))

    def after(self, round_: float) -> Backlog:
        """The same from this time on."""
        return Backlog(self.load, self.latency_rounds, self.behind(round_))
