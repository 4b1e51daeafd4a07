"""Runs one life of the daemon: the real kernel, host and group commit, on simulated ports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.host.host import Host, Turns
from qmk.host.seals import Signer
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Effect
from qmk.kernel.events import Event, Record
from qmk.kernel.jobs import JobTable
from qmk.kernel.pending import PendingTable
from qmk.policy.standard import STANDARD
from qmk.simulation.disk import SimJournal
from qmk.simulation.programs import SimRouting, SimWriting
from qmk.simulation.violation import Violation
from qmk.simulation.workers import SimLauncher

if TYPE_CHECKING:
    from qmk.simulation.world import World


class Parts(NamedTuple):
    """What a daemon is made of; a test puts a broken part in and expects the simulation to tell."""

    kernel: type[Kernel] = Kernel
    host: type[Host] = Host
    journal: type[SimJournal] = SimJournal


class ObservedKernel:
    """The kernel as the host has it, with the invariants looking on. An exception in it is a violation."""

    def __init__(self, kernel: Kernel, world: World) -> None:
        self._kernel = kernel
        self._world = world

    @property
    def config(self) -> KernelConfig:
        return self._kernel.config

    @property
    def jobs(self) -> JobTable:
        return self._kernel.jobs

    @property
    def pending(self) -> PendingTable:
        return self._kernel.pending

    def counted_from_ns(self, now_ns: int) -> int:
        return self._kernel.counted_from_ns(now_ns)

    def replay(self, records: Iterable[Record]) -> None:
        self._kernel.replay(records)
        for invariant in self._world.invariants:
            invariant.on_start()

    def step(self, event: Event) -> list[Effect]:
        try:
            effects = self._kernel.step(event)
        except Exception as error:
            raise Violation("defects", f"the kernel raised {error!r} on {str(event)[:300]}") from error
        for invariant in self._world.invariants:
            invariant.on_step(event, effects)
        return effects


class SimTimers:
    """Implements ``host.Timers``."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}

    def set(self, key: str, at_ns: int) -> None:
        self._due[key] = at_ns

    def clear(self, key: str) -> None:
        self._due.pop(key, None)

    def next(self) -> tuple[int, str] | None:
        return min(((at_ns, key) for key, at_ns in self._due.items()), default=None)

    def take(self, key: str) -> None:
        del self._due[key]


class Daemon:
    """``turns`` is what the event loop has to do next, ``writing`` what its writing thread has."""

    def __init__(self, world: World) -> None:
        setup, parts = world.setup, world.parts
        self.kernel = parts.kernel(setup.kernel, STANDARD)
        self.turns: deque[Callable[[], None]] = deque()
        self.writing: deque[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = deque()
        self.timers = SimTimers()
        self.broken = False
        kernel: Any = ObservedKernel(self.kernel, world)
        routing: Any = SimRouting(setup.kernel.memory_bytes)
        journal: Any = world.journal
        self.host = parts.host(
            kernel,
            journal,
            routing,
            world.network,
            self.timers,
            Turns(self.turns.append, self._in_thread if setup.power else None, self._journal_broken, self._soon),
            clock_ns=lambda: world.now_ns,
            entropy=world.entropy,
            seals=Signer(world.key, world.journal.last_seal()),
            writing=SimWriting(self.turns.append),
        )
        self.launcher = SimLauncher(world.cluster, self.host.launches, setup.kernel.workers, world.on_launch)
        self.host.connect(self.launcher)
        self.host.watch_clock(lambda: world.now_ns - world.steps_ns)

    def _in_thread(self, work: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
        self.writing.append((work, then))

    def _soon(self, action: Callable[[], None]) -> None:
        """Calls back two turns of the loop from now: a worker may be done by then, or not."""
        self.turns.append(lambda: self.turns.append(action))

    def _journal_broken(self, error: QmkError) -> None:
        self.broken = True

    def turn(self) -> None:
        """Runs one round of the event loop: what was due at its beginning."""
        for _ in range(len(self.turns)):
            self.turns.popleft()()

    def write(self) -> None:
        """The writing thread finishes one batch; the loop hears of it in its next turn."""
        work, then = self.writing.popleft()
        try:
            work()
        except (OSError, QmkError) as error:
            failure = error
            self.turns.append(lambda: then(failure))
        else:
            self.turns.append(lambda: then(None))

    @property
    def quiet(self) -> bool:
        return not self.turns and not self.writing and self.host.idle

    def settle(self) -> None:
        """Does everything there is to do now."""
        while not self.quiet:
            self.turn()
            if self.writing:
                self.write()
