"""A job is out on one worker at most, within the workers, the memory and the decoder of the machine, with what was
submitted, on the machine that it asked for; its launches are numbered upwards, and no number is used twice, over
restarts too. It loses no more workers than it may, and runs alone once memory ran out under it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.limits import LIMITS
from qmk.kernel.effects import Launch
from qmk.kernel.events import Failed, Submitted
from qmk.simulation.invariants.invariant import Invariant
from qmk.simulation.programs import PATCH_ID

if TYPE_CHECKING:
    from qmk.simulation.world import World


PATCH = PATCH_ID.encode()


def decoder_load(record: Submitted) -> float:
    """What it holds of the decoder: one that is too much alone, all there is."""
    return min(THROTTLE_LOAD, record.footprint.decoder_load) if record.footprint is not None else 0.0


class Launches(Invariant):
    name = "launches"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._fences: dict[str, int] = {}
        self._graphs: dict[str, str] = {}

    def on_launch(self, launch: Launch, graph: bytes) -> None:
        running = self.world.cluster.running
        twins = [fence for job, fence in running if job == launch.job]
        self.holds(not twins, f"{launch.job} is launched as {launch.fence} while {twins} is out")
        before = self._fences.get(launch.job, 0)
        self.holds(launch.fence > before, f"launch {launch.fence} of {launch.job} follows launch {before}")
        self.holds(launch.fence not in self._fences.values(), f"launch number {launch.fence} is used twice")
        self._fences[launch.job] = launch.fence
        config = self.world.setup.kernel
        self.holds(len(running) < config.workers, f"{len(running) + 1} launches are out, with {config.workers} workers")
        memory = sum(self._memory_of(each) for each in (launch, *(work.launch for work in running.values())))
        fits = not config.memory_bytes or not running or memory <= config.memory_bytes
        self.holds(fits, f"the launches out may need {memory} of {config.memory_bytes} bytes")
        jobs = self.world.daemon.kernel.jobs.by_id
        loads = {job: decoder_load(jobs[job].submitted) for job in {launch.job, *(job for job, _ in running)}}
        fits = not loads[launch.job] or sum(loads.values()) <= THROTTLE_LOAD + 1e-5
        self.holds(fits, f"the launches out load the decoder with {loads}")
        wanted = self.world.daemon.kernel.jobs.by_id[launch.job].submitted.policy.get("qec")
        self.holds((wanted is None) == (PATCH not in graph), f"{launch.job} is not launched on its machine, {wanted}")
        content = hashlib.sha256(graph).hexdigest()
        self.holds(self._graphs.setdefault(launch.digest, content) == content, f"{launch.job} is sent another graph")

    def _memory_of(self, launch: Launch) -> int:
        """What it may need: all that there is, once memory ran out under its job."""
        alone = "memory" in self.world.daemon.kernel.jobs.by_id[launch.job].lost
        return max(launch.memory_bytes, self.world.setup.kernel.memory_bytes if alone else 0)

    def on_end(self) -> None:
        lost: Counter[tuple[str, str]] = Counter()
        for record in self.world.disk.history():
            if isinstance(record, Failed) and record.died:
                lost[record.job, record.cause] += record.workers
        most = {"crashed": self.world.setup.kernel.job_attempts, "killed": LIMITS.job_kills, "memory": 2}
        beyond = [f"{job} ({cause})" for (job, cause), count in lost.items() if count >= most[cause]]
        self.holds(not beyond, f"launched again after the last worker that they may lose: {', '.join(beyond)}")
