"""No answer and no launch leaves before what it rests on is in the journal: every record and every entry of the audit
log that the kernel made before it, and on disk where the journal promises that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qmk.kernel.effects import Audit, Effect, Journal, Launch, Reply, ReplyError, ReplyResult
from qmk.kernel.events import Event
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Mark(NamedTuple):
    """Records and entries made so far, and how many of the records a power failure must leave."""

    records: int
    entries: int
    durable: int


class Durability(Invariant):
    name = "durability"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._records = self._entries = self._durable = 0
        self._answers: dict[int, Mark] = {}
        self._launches: dict[tuple[str, int], Mark] = {}

    def on_start(self) -> None:
        self._records = self._entries = self._durable = 0
        self._answers.clear()
        self._launches.clear()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal):
                self._records += 1
                if effect.durable:
                    self._durable = self._records
            elif isinstance(effect, Audit):
                self._entries += 1
            elif isinstance(effect, (Reply, ReplyError, ReplyResult)):
                self._answers[effect.ref] = Mark(self._records, self._entries, self._durable)
            elif isinstance(effect, Launch):
                self._launches[effect.job, effect.fence] = Mark(self._records, self._entries, self._durable)

    def on_answer(self, call: Call) -> None:
        mark = self._answers.pop(call.ref, None)
        refused_by_the_journal = call.error is not None and "journal" in call.error.fields
        if mark is not None and not refused_by_the_journal:
            self._require(mark, f"the answer to call {call.ref} ({call.method})")

    def on_launch(self, launch: Launch, graph: bytes) -> None:
        self._require(self._launches.pop((launch.job, launch.fence)), f"launch {launch.fence} of {launch.job}")

    def _require(self, mark: Mark, what: str) -> None:
        disk = self.world.disk
        self.holds(disk.written >= mark.records, f"{what} leaves after {disk.written} of {mark.records} records")
        self.holds(disk.written_audit >= mark.entries, f"{what} leaves before its audit entry is written")
        if self.world.setup.power:
            self.holds(disk.synced >= mark.durable, f"{what} leaves before its record is on disk")
