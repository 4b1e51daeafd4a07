"""A kernel that replays the journal equals the one that wrote it.

Once jobs are forgotten, their records are gone from the journal, and with them what they add to their tenants' virtual
times: a restart then forgives what was used long ago. Everything else is still equal.
"""

from __future__ import annotations

from typing import Any, cast

from qmk.kernel.effects import Effect, Forget
from qmk.kernel.events import Event
from qmk.policy.standard import STANDARD
from qmk.simulation.invariants.invariant import Invariant

EVERY = 25
"""Actions between two comparisons: each replays the whole journal."""


class Replay(Invariant):
    name = "replay"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._count = 0
        self._forgotten = False

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        self._forgotten |= any(isinstance(effect, Forget) for effect in effects)

    def on_action_end(self) -> None:
        self._count += 1
        if self._count % EVERY == 0:
            self._compare()

    def on_end(self) -> None:
        self._compare()

    def _compare(self) -> None:
        daemon = self.world.daemon
        if not daemon.host.idle or daemon.broken:
            return
        fresh = self.world.parts.kernel(self.world.setup.kernel, STANDARD)
        fresh.replay(self.world.disk.records())
        live, replayed = daemon.kernel.snapshot(), fresh.snapshot()
        if self._forgotten:
            del live["virtual_times"], replayed["virtual_times"]
        if live != replayed:
            self.broken(f"the replayed kernel differs: {_difference(live, replayed)}")


def _difference(live: Any, replayed: Any, path: str = "") -> str:
    """Where two snapshots first differ."""
    here, there = cast("dict[str, Any]", live), cast("dict[str, Any]", replayed)
    if isinstance(live, dict) and isinstance(replayed, dict):
        for key in [*here, *(key for key in there if key not in here)]:
            if key not in here or key not in there:
                return f"{path}.{key} is in one only"
            if here[key] != there[key]:
                return _difference(here[key], there[key], f"{path}.{key}")
    return f"{path}: live {str(here)[:300]}, replayed {str(there)[:300]}"
