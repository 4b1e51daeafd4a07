"""A job is out on one worker at most, within the workers, the memory and the decoder of the machine, with what was
submitted, on the machine that it asked for; its launches are numbered upwards, and no number is used twice, over
restarts too."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from qmk.base.decoding import THROTTLE_LOAD
from qmk.kernel.effects import Launch
from qmk.kernel.events import Submitted
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
        memory = launch.memory_bytes + sum(work.launch.memory_bytes for work in running.values())
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
