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
    """Override what is needed. ``world`` is the run; one object lives as long as it."""

    name = ""

    def __init__(self, world: World) -> None:
        self.world = world

    def broken(self, message: str) -> NoReturn:
        raise Violation(self.name, message)

    def holds(self, condition: bool, message: str) -> None:
        if not condition:
            self.broken(message)

    def started(self) -> None:
        """A daemon has replayed its journal and will now hear of ``Recovered``."""

    def stepped(self, event: Event, effects: list[Effect]) -> None:
        """The kernel took a step."""

    def answered(self, call: Call) -> None:
        """An answer leaves the daemon."""

    def launched(self, launch: Launch, graph: bytes) -> None:
        """A launch leaves the daemon."""

    def checked(self) -> None:
        """An action is over, and everything it brought about."""

    def stopped(self, power: bool) -> None:
        """The daemon is gone; ``power``: so is what was not synchronised."""

    def ended(self) -> None:
        """Faults have ceased, every job has had its time, the daemon has been stopped in good order."""
