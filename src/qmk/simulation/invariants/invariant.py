"""What an invariant is: a class that watches a run and raises ``Violation`` the moment its promise is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from qmk.simulation.violation import Violation

if TYPE_CHECKING:
    from qmk.kernel.effects import Effect, Launch
    from qmk.kernel.events import Event
    from qmk.simulation.network import Call
    from qmk.simulation.world import World


class Invariant:
    """The base of invariants; override the methods that are needed. ``world`` is the run; one object lives as long as
    it."""

    name = ""

    def __init__(self, world: World) -> None:
        self.world = world

    def broken(self, message: str) -> NoReturn:
        raise Violation(self.name, message)

    def holds(self, condition: bool, message: str) -> None:
        if not condition:
            self.broken(message)

    def on_start(self) -> None:
        """Called when a daemon has replayed its journal, before it gets ``Recovered``."""

    def on_step(self, event: Event, effects: list[Effect]) -> None:
        """Called after each step of the kernel."""

    def on_answer(self, call: Call) -> None:
        """Called when an answer leaves the daemon."""

    def on_launch(self, launch: Launch, graph: bytes) -> None:
        """Called when a launch leaves the daemon."""

    def on_action_end(self) -> None:
        """Called when an action is over, with everything it brought about."""

    def on_stop(self, power: bool) -> None:
        """Called when the daemon is gone; ``power``: what was not synchronised is lost too."""

    def on_end(self) -> None:
        """Called at the end: faults have ceased, every job has had its time, and the daemon was stopped in good
        order."""
