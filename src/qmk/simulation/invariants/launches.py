"""A job is out on one worker at most, within the workers and the memory of the machine, with what was submitted; its
launches are numbered upwards."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from qmk.kernel.effects import Launch
from qmk.simulation.invariants.invariant import Invariant

if TYPE_CHECKING:
    from qmk.simulation.world import World


class Launches(Invariant):
    name = "launches"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._fence = 0
        self._graphs: dict[str, str] = {}

    def started(self) -> None:
        self._fence = 0

    def launched(self, launch: Launch, graph: bytes) -> None:
        running = self.world.daemon.launcher.running
        twins = [fence for job, fence in running if job == launch.job]
        self.holds(not twins, f"{launch.job} is launched as {launch.fence} while {twins} is out")
        self.holds(launch.fence > self._fence, f"launch {launch.fence} follows launch {self._fence}")
        self._fence = launch.fence
        config = self.world.setup.kernel
        self.holds(len(running) < config.workers, f"{len(running) + 1} launches are out, with {config.workers} workers")
        memory = launch.memory_bytes + sum(work.launch.memory_bytes for work in running.values())
        fits = not config.memory_bytes or not running or memory <= config.memory_bytes
        self.holds(fits, f"the launches out may need {memory} of {config.memory_bytes} bytes")
        content = hashlib.sha256(graph).hexdigest()
        self.holds(self._graphs.setdefault(launch.digest, content) == content, f"{launch.job} is sent another graph")
