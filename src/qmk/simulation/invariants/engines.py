"""A job goes on with another engine only where nobody named one, with each once (one that was stopped as too slow once
more), and is launched on the one that its last record says. A second engine runs beside no job whose seed was given.
What is answered from the cache is an earlier job of the same tenant that was asked for the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Journal, Launch
from qmk.kernel.events import Event, FellBack, Finished, Submitted
from qmk.kernel.rewriting import ChangeRefused, Rewritten
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World


class Engines(Invariant):
    name = "engines"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._submitted: dict[str, Submitted] = {}
        self._digests: dict[str, str] = {}
        """Of the programs that jobs run, which may have been written anew."""

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        kernel = self.world.daemon.kernel
        for effect in effects:
            if isinstance(effect, Journal):
                self._check_record(effect.record)
            elif isinstance(effect, Launch):
                record = kernel.jobs.by_id[effect.job].submitted
                same = (effect.engine, effect.method) == (record.engine, record.method)
                self.holds(same, f"{effect.job} is launched on {effect.engine}, its record says {record.engine}")
                if effect.hedge is not None:
                    self.holds(record.policy.get("seed") is None, f"{effect.job} has a seed and is hedged")
                    self.world.seen["hedged"] += 1

    def _check_record(self, record: Event) -> None:
        match record:
            case Submitted():
                self._submitted[record.job] = record
                self._digests[record.job] = record.digest
            case Rewritten():
                self._digests[record.job] = record.digest
                self.world.seen["written anew"] += 1
            case ChangeRefused():
                self.world.seen["change refused"] += 1
            case FellBack():
                first = self._submitted[record.job]
                self.holds(not first.policy.get("engine"), f"{record.job} leaves the engine that was asked for")
                self.world.seen[f"fallback: {record.why}"] += 1
            case Finished() if record.cached_from:
                ours, theirs = self._submitted[record.job], self._submitted[record.cached_from]
                self.holds(ours.tenant == theirs.tenant, f"{record.job} has the result of another tenant's job")
                self.holds(ours.policy.get("seed") is not None, f"{record.job} has no seed and an earlier result")
                digest = self._digests[record.cached_from]
                same = (ours.digest, ours.shots, ours.seed) == (digest, theirs.shots, theirs.seed)
                self.holds(same, f"{record.job} has the result of {record.cached_from}, which was asked for another")
                self.world.seen["cached"] += 1
            case _:
                pass

    def on_end(self) -> None:
        moves: Counter[tuple[str, str]] = Counter()
        for record in self.world.disk.history():
            if isinstance(record, FellBack):
                moves[record.job, record.to.name] += 1
                most = 2 if record.to.last else 1
                self.holds(moves[record.job, record.to.name] <= most, f"{record.job} is twice on {record.to.name}")
