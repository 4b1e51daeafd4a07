"""No answer and no launch leaves before what it rests on is in the journal: every record and every entry of the audit
log that the kernel made before it, and on disk where the journal promises that. What only reads one job rests on what
was made up to the last record of that job."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qmk.kernel.effects import Audit, Effect, Forget, Journal, Launch, Reply, ReplyError, ReplyProgram, ReplyResult
from qmk.kernel.events import CallReceived, Event
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


READS_OF_ONE_JOB = frozenset({"q_status", "q_events"})


class Mark(NamedTuple):
    """Records and entries made so far, and how many of the records a power failure must leave."""

    records: int
    entries: int
    durable: int


NOTHING = Mark(0, 0, 0)


class Durability(Invariant):
    name = "durability"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._records = self._entries = self._durable = 0
        self._of_job: dict[str, Mark] = {}
        self._answers: dict[int, Mark] = {}
        self._launches: dict[tuple[str, int], Mark] = {}

    def on_start(self) -> None:
        self._records = self._entries = self._durable = 0
        self._of_job.clear()
        self._answers.clear()
        self._launches.clear()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        changed: set[str] = set()
        mark = self._mark_of_read(event)
        for effect in effects:
            if isinstance(effect, Journal):
                self._records += 1
                if effect.durable:
                    self._durable = self._records
                changed.add(getattr(effect.record, "job", ""))
                mark = self._mark()
            elif isinstance(effect, Audit):
                self._entries += 1
                mark = self._mark()
            elif isinstance(effect, Forget):
                changed.add(effect.job)
            elif isinstance(effect, (Reply, ReplyError, ReplyProgram, ReplyResult)):
                self._answers[effect.ref] = mark
            elif isinstance(effect, Launch):
                self._launches[effect.job, effect.fence] = mark
        self._of_job.update(dict.fromkeys(changed, self._mark()))

    def _mark(self) -> Mark:
        return Mark(self._records, self._entries, self._durable)

    def _mark_of_read(self, event: Event) -> Mark:
        """What an answer rests on if the step makes nothing before it."""
        if not isinstance(event, CallReceived) or event.operator or event.method not in READS_OF_ONE_JOB:
            return self._mark()
        job = self._of_job.get(event.params.job_id, NOTHING)
        return max(job, self._of_job.get("", NOTHING))

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
