"""A job ends once. The journal holds one end of it, over all crashes; once a client was told how it ended, every
later answer says the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qmk.kernel.events import Cancelled, Event, Failed, Finished
from qmk.kernel.objects.job import ENDED, STATES
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


def ended_by(record: Event) -> list[str]:
    """The job that the record ends, if it ends one."""
    if isinstance(record, (Finished, Cancelled)) or (isinstance(record, Failed) and not record.died):
        return [record.job]
    return []


class Once(Invariant):
    name = "once"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._told: dict[str, tuple[str, Any]] = {}

    def on_answer(self, call: Call) -> None:
        if call.error is not None:
            if call.error.kind.name == "NOT_COMPLETED":
                self._still(call.request.job_id, call.error.fields["state"], None)
        elif call.method in ("q_status", "q_wait"):
            self._still(call.result.job_id, call.result.state, call.result.ended)
        elif call.method == "q_cancel":
            self._still(call.request.job_id, call.result.state, None)
        elif call.method == "q_result" and not call.result.partial:
            self._still(call.request.job_id, "COMPLETED", None)

    def _still(self, job: str, state: str, when: float | None) -> None:
        self.holds(state in STATES, f"{job} is in no state: {state}")
        told = self._told.get(job)
        if told is not None:
            self.holds(told[0] == state, f"{job} was told to be {told[0]}, and now {state}")
            if told[1] is not None and when is not None:
                self.holds(told[1] == when, f"{job} ended at {told[1]}, and now at {when}")
        if state in ENDED:
            self._told[job] = (state, when if told is None or told[1] is None else told[1])

    def on_end(self) -> None:
        ends = Counter(job for record in self.world.disk.history() for job in ended_by(record))
        twice = [job for job, count in ends.items() if count > 1]
        self.holds(not twice, f"the journal ends {', '.join(twice)} more than once")
