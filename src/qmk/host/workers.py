"""The table of the pool's workers: whom each may serve, which of them a launch takes, and which give way.

In a jail a worker serves one tenant until it ends. At level ``process`` it does so too, unless the operator chose that
level: then workers serve all tenants, as to start one takes the processor time of a hundred jobs. In a virtual machine
a worker serves one job, if that asks for it, and everywhere if the job is native code (``is_for_one_job``).
"""

from __future__ import annotations

from collections import OrderedDict

from qmk.base.isolation import Level
from qmk.host.launcher import plan_name
from qmk.host.tasks import Bounds, Task, Worker, is_native
from qmk.kernel.effects import Launch

REMEMBERED_STOPS = 4096
"""Jobs of which it is known which process they stopped in, so that they can go on in another."""


def is_for_one_job(launch: Launch, level: Level) -> bool:
    """Whether the launch gets a worker that nobody had before, and that ends with it: it is native code, or the tenant,
    or the job, asks for the level that has machines. Where the operator alone does, a tenant's jobs use one worker."""
    return launch.isolation == level == "microvm" or is_native(launch)


class Workers(list[Worker]):
    """``shared``: those of level ``process`` serve every tenant."""

    def __init__(self, bounds: Bounds, *, shared: bool) -> None:
        super().__init__()
        self._bounds = bounds
        self._shared = shared
        self._stopped_in: OrderedDict[str, int] = OrderedDict()

    @property
    def tasks(self) -> list[Task]:
        return [worker.task for worker in self if worker.task is not None]

    @property
    def engines(self) -> set[str]:
        return {worker.engine for worker in self}

    def runners(self, job: str, fence: int) -> list[Worker]:
        """The workers of that launch, that of its first engine first."""
        running = [worker for worker in self if worker.task is not None and worker.task.is_launch(job, fence)]
        return sorted(running, key=lambda worker: worker.task is not None and worker.task.hedge is not None)

    def has_room(self, launch: Launch) -> bool:
        """Whether ``launch`` can begin within the slots and the memory; one alone may try."""
        tasks = [task.launch for task in self.tasks if not task.launch.script]
        if launch.script:  # the kernel counts them
            return True
        if len(tasks) >= self._bounds.slots:
            return False
        limit = self._bounds.memory_bytes
        return not (limit and tasks and sum(task.memory_bytes for task in tasks) + launch.memory_bytes > limit)

    def choose(self, launch: Launch, level: Level) -> Worker | None:
        """An idle worker of the engine that may serve the launch: one that holds the program, else one of the tenant,
        else a ready one, else one that is starting."""
        kind = (launch.engine, level)
        idle = [each for each in self if each.task is None and (each.engine, each.level) == kind]
        if not (self._shared and level == "process"):
            idle = [worker for worker in idle if worker.tenant in (None, launch.tenant)]
        if is_for_one_job(launch, level):
            idle = [worker for worker in idle if worker.tenant is None]
        if launch.elsewhere:
            pid = self._stopped_in.get(launch.job)
            idle = [worker for worker in idle if worker.process is not None and worker.process.pid != pid]
        return max(idle, key=lambda each: (plan_name(launch) in each.holds, each.tenant is not None, each.ready),
                   default=None)  # fmt: skip

    def note_stop(self, job: str, worker: Worker) -> None:
        """Remembers in which process the job stopped."""
        assert worker.process is not None
        self._stopped_in[job] = worker.process.pid
        self._stopped_in.move_to_end(job)
        if len(self._stopped_in) > REMEMBERED_STOPS:
            self._stopped_in.popitem(last=False)

    def superfluous(self, at_least: int = 0) -> list[Worker]:
        """The idle workers, unused for longest, that have to end for one more to be within the bound; ``at_least`` so
        many."""
        idle = sorted((worker for worker in self if worker.task is None), key=lambda worker: worker.used_s)
        return idle[: max(at_least, len(self) + 1 - self._bounds.processes)]

    def unused_since(self, time_s: float) -> list[Worker]:
        return [worker for worker in self if worker.task is None and worker.used_s < time_s]

    def stuck(self) -> list[tuple[Worker, int, str]]:
        """Looks at each worker: those that will never answer, with their process and why."""
        found: list[tuple[Worker, int, str]] = []
        for worker in self:
            why = worker.look()
            if worker.process is not None and why:
                found.append((worker, worker.process.pid, why))
        return found
