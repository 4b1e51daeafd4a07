"""A kernel that replays the journal equals the one that wrote it."""

from __future__ import annotations

from typing import Any

from qmk.simulation.invariants.invariant import Invariant

EVERY = 25
"""Actions between two comparisons: each replays the whole journal."""


class Replay(Invariant):
    name = "replay"

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self._count = 0

    def checked(self) -> None:
        self._count += 1
        if self._count % EVERY == 0:
            self._compare()

    def ended(self) -> None:
        self._compare()

    def _compare(self) -> None:
        daemon = self.world.daemon
        if not daemon.host.idle or daemon.broken:
            return
        fresh = self.world.parts.kernel(self.world.setup.kernel)
        fresh.replay(self.world.disk.records())
        live, replayed = daemon.kernel.snapshot(), fresh.snapshot()
        if live != replayed:
            self.broken(f"the replayed kernel differs: {_difference(live, replayed)}")


def _difference(live: Any, replayed: Any, path: str = "") -> str:
    """Where two snapshots first differ."""
    if isinstance(live, dict) and isinstance(replayed, dict):
        for key in [*live, *(key for key in replayed if key not in live)]:
            if key not in live or key not in replayed:
                return f"{path}.{key} is in one only"
            if live[key] != replayed[key]:
                return _difference(live[key], replayed[key], f"{path}.{key}")
    return f"{path}: live {str(live)[:300]}, replayed {str(replayed)[:300]}"
