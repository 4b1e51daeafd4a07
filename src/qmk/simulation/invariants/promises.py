"""No accepted job is lost: a job whose id a client was told is there after every crash, until it has ended and was
forgotten by the rule; and the same idempotency key gives the same job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Forget
from qmk.kernel.events import Event
from qmk.kernel.objects.job import ENDED
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Promises(Invariant):
    name = "promises"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.jobs: dict[str, Call] = {}
        self._by_key: dict[tuple[str, str], str] = {}
        self._forgotten: set[str] = set()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        self._forgotten.update(effect.job for effect in effects if isinstance(effect, Forget))

    def on_answer(self, call: Call) -> None:
        if call.method == "q_submit" and call.error is None:
            self._note_promises(call)
        elif call.error is not None and call.error.kind.name == "JOB_NOT_FOUND":
            job = getattr(call.request, "job_id", "")
            there = job in self._forgotten or job in self.world.daemon.kernel.jobs.by_id
            self.holds(there or job not in self.jobs, f"{call.method}: {job} was promised and is not found any more")

    def _note_promises(self, call: Call) -> None:
        job, key = call.result.job_id, call.request.idempotency_key
        first = self.jobs.setdefault(job, call)
        if key:
            place = (self.world.tenant_of(call), key)
            before = self._by_key.setdefault(place, job)
            self.holds(before == job or before in self._forgotten, f"key {key} gave {before}, and now it gives {job}")
            self._by_key[place] = job
        else:
            self.holds(first is call, f"two submits without a key gave {job}")

    def on_start(self) -> None:
        known = self.world.daemon.kernel.jobs.by_id
        for job in self.jobs:
            self.holds(job in known or job in self._forgotten, f"{job} was promised and is lost")

    def on_end(self) -> None:
        known = self.world.daemon.kernel.jobs.by_id
        for job in self.jobs:
            if job not in self._forgotten:
                self.holds(known[job].state in ENDED, f"{job} never ended: it is {known[job].state}")
