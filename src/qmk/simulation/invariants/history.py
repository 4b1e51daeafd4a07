"""A job's events are numbered without gaps, but for the oldest, which a long history counts as dropped; what was told
once is never told differently. Only progress that was never on disk may go with the power."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.kernel.objects.job import ENDED
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class History(Invariant):
    name = "history"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._told: dict[str, dict[int, Any]] = {}

    def on_answer(self, call: Call) -> None:
        if call.method != "q_events" or call.error is not None:
            return
        job, after, events = call.request.job_id, call.request.after, call.result.events
        told = self._told.setdefault(job, {})
        for number, event in enumerate(events, max(after, call.result.dropped) + 1):
            self.holds(event.seq == number, f"{job}: event {event.seq} stands in the place of {number}")
            self.holds(told.get(number, event) == event, f"{job}: event {number} was told differently before")
            told[number] = event

    def on_stop(self, power: bool) -> None:
        if power:
            self._told = {
                job: told for job, told in self._told.items() if told and told[max(told)].kind.upper() in ENDED
            }
