"""Exactly-once charging: the ledger has one row of each launch that a worker began and that ended, written with its
end; a job's shots stand in one of them; and what the kernel counts as spent is what the ledger says."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from qmk.abi.quotas import QUOTAS
from qmk.host import ledger
from qmk.kernel.effects import Charge, Effect, Journal
from qmk.kernel.events import Event, Finished, Started, Submitted
from qmk.kernel.objects.quota import Spent
from qmk.kernel.rewriting import Rewritten
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World

EVERY = 10
"""Actions between two comparisons of what was spent."""
SPENT = ("shots_period", "gates", "engine_seconds")


class Ledger(Invariant):
    name = "ledger"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._count = 0

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        """A row belongs to a record of the same step: they are in one transaction."""
        records = [effect.record for effect in effects if isinstance(effect, Journal)]
        for effect in effects:
            if isinstance(effect, Charge):
                self.holds(bool(records), f"launch {effect.attempt} of {effect.job} is charged without a record")

    def on_action_end(self) -> None:
        self._count += 1
        daemon = self.world.daemon
        if self._count % EVERY == 0 and daemon.host.idle and not daemon.broken:
            self._compare()

    def _compare(self) -> None:
        """The periods of a clock that was set are another matter: see the quotas' own tests."""
        world, kernel = self.world, self.world.daemon.kernel
        if world.seen["clock set"]:
            return
        start_ns = kernel.jobs.clock.spent_since_ns(world.now_ns, kernel.accounts.period_ns)
        rows = [ledger.row_of(charge) for charge in world.disk.charges.values()]
        used = ledger.usage_since(rows, start_ns)
        for config in world.setup.tenants:
            account = kernel.tenant(config.name).account
            account.roll(world.now_ns, kernel.accounts.period_ns)
            for name in SPENT:
                quota = account.quotas[name]
                assert isinstance(quota, Spent)
                booked = round(used.get(config.name, {}).get(name, 0.0) * QUOTAS[name].scale)
                same = abs(quota.spent - booked) <= len(rows)  # nanoseconds, rounded row by row
                self.holds(same, f"{config.name}: {quota.spent} {name} are counted as spent, the ledger has {booked}")

    def on_end(self) -> None:
        disk = self.world.disk
        twice = [key for key, count in disk.charged.items() if count > 1]
        self.holds(not twice, f"launches {twice} are charged twice")
        attempts: dict[str, list[int]] = defaultdict(list)
        shots: dict[str, int] = defaultdict(int)
        rounds: dict[str, int] = defaultdict(int)
        for charge in disk.charges.values():
            attempts[charge.job].append(charge.attempt)
            shots[charge.job] += int(charge.amounts["shots_period"])
            rounds[charge.job] += int(charge.amounts.get("rounds", 0))
        for job, numbers in attempts.items():
            gapless = sorted(numbers) == list(range(1, len(numbers) + 1))
            self.holds(gapless, f"the launches of {job} that are charged are {sorted(numbers)}")
        history = list(disk.history())
        patches = {
            row.job: row.footprint for row in history if isinstance(row, Submitted) and row.footprint is not None
        }
        patches |= {row.job: row.footprint for row in history if isinstance(row, Rewritten)}
        places: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for record in history:
            if isinstance(record, Started):
                places[record.job].add((record.region, record.first_qubit))
            if not isinstance(record, Finished):
                continue
            job, asked = record.job, self.world.shots.get(record.job)
            self.holds(asked in (None, shots[job]), f"{job} ran {asked} shots and is charged {shots[job]}")
            footprint = None if record.cached_from else patches.get(job)
            due = 0 if footprint is None else footprint.rounds * shots[job]
            unit = 0 if footprint is None or len(places[job]) < 2 else footprint.move_rounds * shots[job]
            beyond = rounds[job] - due  # of moves, if it was in more than one place
            fits = beyond >= 0 and not beyond % unit if unit else beyond == 0
            self.holds(fits, f"{job} is charged {rounds[job]} rounds, not {due} and those of its moves")
            self.world.seen["patches moved"] += beyond > 0
