"""Scripts beside the queue: a script takes a place among a few of its own, so that it never waits for, or holds up, the
programs that it runs. The tenant with the fewest scripts out goes first, then the order inside the tenant; one tenant
has at most half of the places, so that the others find some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from qmk.base.limits import LIMITS
from qmk.kernel.scheduling import Place, Task
from qmk.policy.schedule.order import rank


class Scripts:
    """``waiting`` and ``out`` by job; ``ranks`` stay from the first time that a job waits."""

    def __init__(self) -> None:
        self.waiting: dict[str, Task] = {}
        self.out: dict[str, Task] = {}
        self._ranks: dict[str, tuple[int, int]] = {}

    def queue(self, task: Task, epoch: int) -> None:
        self._ranks.setdefault(task.job, rank(task, epoch))
        self.waiting[task.job] = task

    def leave(self, job: str) -> None:
        self._ranks.pop(job, None)
        self.waiting.pop(job, None)
        self.out.pop(job, None)

    def start(self, job: str) -> None:
        """The job is out; a replay learns of it only now."""
        task = self.waiting.pop(job, None)
        if task is not None:
            self.out[job] = task

    def stop(self, job: str) -> None:
        self.out.pop(job, None)

    def place(self, job: str) -> tuple[int, int] | None:
        """How many of the tenant's own scripts go before it, and how many of others; None when it does not wait."""
        task = self.waiting.get(job)
        if task is None:
            return None
        before = [each for each in self.waiting.values() if self._ranks[each.job] < self._ranks[job]]
        own = sum(each.tenant == task.tenant for each in before)
        return own, len(before) - own

    def figures(self, tenant: str) -> tuple[int, int]:
        """Scripts of the tenant that wait, and that are out."""
        waiting, out = (sum(task.tenant == tenant for task in each.values()) for each in (self.waiting, self.out))
        return waiting, out

    def decide(self, may_run: Callable[[str], bool]) -> list[Place]:
        """The scripts to launch now, of tenants that may run jobs at all."""
        actions: list[Place] = []
        while self.waiting and len(self.out) < LIMITS.running_scripts:
            running = Counter(task.tenant for task in self.out.values())
            able = [
                task
                for task in self.waiting.values()
                if running[task.tenant] < max(1, LIMITS.running_scripts // 2) and may_run(task.tenant)
            ]
            if not able:
                break
            first = min(able, key=lambda task: (running[task.tenant], self._ranks[task.job]))
            self.start(first.job)
            actions.append(Place(first.job, "", 0))
        return actions
