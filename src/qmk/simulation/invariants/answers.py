"""Every call is answered exactly once, or its connection goes first; the kernel forgets none; and no answer blames a
defect of ours, but for one: a disk that takes no more.

That no call is answered twice, or to another connection, is held by the network itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Estimate, QueryResources, Reply, ReplyError, ReplyProgram, ReplyResult
from qmk.kernel.events import CallReceived, ConnectionClosed, Event
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.network import Call
    from qmk.simulation.world import World

ANSWERS = (Reply, ReplyError, ReplyProgram, ReplyResult, Estimate, QueryResources)


class Answers(Invariant):
    name = "answers"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._open: dict[int, int] = {}

    def on_start(self) -> None:
        self._open.clear()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        if isinstance(event, CallReceived):
            self._open[event.ref] = event.conn
        elif isinstance(event, ConnectionClosed):
            self._open = {ref: conn for ref, conn in self._open.items() if conn != event.conn}
        for effect in effects:
            if isinstance(effect, ANSWERS):
                self.holds(
                    self._open.pop(effect.ref, None) == effect.conn,
                    f"the kernel answers call {effect.ref} on {type(event).__name__}: it is not open",
                )

    def on_answer(self, call: Call) -> None:
        if call.error is not None and call.error.kind.name == "INTERNAL_ERROR":
            self.holds("journal" in call.error.fields, f"{call.method} is answered: {call.error.message}")

    def on_action_end(self) -> None:
        kernel = self.world.daemon.kernel
        for wait in kernel.waits:
            job = kernel.jobs.by_id.get(wait.job)
            self.holds(job is not None and not job.has_ended, f"call {wait.ref} waits for {wait.job}, which has ended")
        known = {wait.ref for wait in kernel.waits}
        for ask in kernel.asks:
            self.holds(ask.job in kernel.jobs.by_id, f"call {ask.ref} asks something of {ask.job}, which is gone")
        known |= {ask.ref for ask in kernel.asks}
        known |= {ref for pending in kernel.pending.values() for _, ref in pending.callers}
        self.holds(known == self._open.keys(), f"calls {sorted(known ^ self._open.keys())} are open on one side only")

    def on_end(self) -> None:
        self.holds(not self._open, f"calls {sorted(self._open)} were never answered by the kernel")
        self.holds(not self.world.network.open, f"calls {sorted(self.world.network.open)} were never answered")
