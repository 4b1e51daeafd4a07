"""Qubit handles are linear: each is made once, held by one session, given back once, and gone with its session or with
the capability it was made under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.kernel.effects import Effect, Reply
from qmk.kernel.events import CallReceived, Event
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World


class Handles(Invariant):
    name = "handles"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._ever: set[str] = set()
        self._held: dict[str, set[str]] = {}

    def on_start(self) -> None:
        self._held.clear()

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        if not isinstance(event, CallReceived):
            return
        for effect in effects:
            if isinstance(effect, Reply) and effect.ref == event.ref:
                self._apply_reply(event, effect)

    def _apply_reply(self, event: CallReceived, reply: Reply) -> None:
        held = self._held.setdefault(getattr(event.params, "session_id", ""), set())
        if event.method == "q_alloc":
            made = set(reply.result.handles)
            self.holds(len(made) == event.params.n, "q_alloc gave a handle twice")
            self.holds(not made & self._ever, f"q_alloc gave {sorted(made & self._ever)} again")
            self._ever |= made
            held |= made
        elif event.method in ("q_release", "q_close_session"):
            released = reply.result.released
            self.holds(held.issuperset(released), f"{event.method} gave back what the session does not hold")
            self.holds(len(set(released)) == len(released), f"{event.method} gave a handle back twice")
            held.difference_update(released)
            if event.method == "q_close_session":
                self.holds(not held, f"a closed session keeps {sorted(held)}")

    def on_action_end(self) -> None:
        """What a session holds it was given, and has not given back. It may have lost some with a capability."""
        held: dict[str, set[str]] = {}
        for session in self.world.daemon.kernel.sessions:
            now = set(session.qubits)
            stray = now - self._held.get(session.id, set())
            self.holds(not stray, f"session {session.id[:12]} holds {sorted(stray)}, which it was not given")
            held[session.id] = now
        self._held = held
