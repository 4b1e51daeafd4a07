"""A real kernel over a journal on a simulated disk, driven by the actions of the model of launches."""

from __future__ import annotations

from typing import Any

from qmk.host.journal import Batch
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Charge, DropBlob, Effect, Forget, Journal, Kill, Launch, Route
from qmk.kernel.events import Failed, Finished, Recovered, Routed, ShuttingDown, Started
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import keep
from qmk.simulation.disk import Disk
from tests.exhaustive.launch_model import Act, Bounds, State
from tests.unit.kernel.conftest import Bench, bell

GRAPH = keep(bell())


class KernelOfLaunches:
    """``fences`` has the number of each launch in the order in which they were given out. ``live`` and ``said`` are the
    launcher's, which is a plain table here."""

    def __init__(self, bounds: Bounds) -> None:
        self.config = KernelConfig(workers=1, job_attempts=bounds.attempts)
        self.disk = Disk()
        self.fences: list[int] = [0]
        self.live: dict[int, bool] = {}
        self.said: set[tuple[str, int]] = set()
        self.adopted: tuple[tuple[str, int], ...] = ()
        self.stops = 0
        self.results: list[int] = []
        self.bench = self._fresh()
        self.record(self.bench.recover())
        (route,) = (effect for effect in self.submit() if isinstance(effect, Route))
        self.job = route.job
        routed: dict[str, Any] = {"engine": "e", "method": "", "seconds": 1.0, "memory_bytes": 0, "reasons": []}
        self.carry(self.record(self.bench.step(Routed, job=self.job, **routed)))

    def _fresh(self) -> Bench:
        bench = Bench()
        bench.kernel = Kernel(self.config, STANDARD)
        return bench

    def submit(self) -> list[Effect]:
        session = self.bench.open()
        return self.bench.call("q_submit", session_id=session, graph=GRAPH, shots=100)

    def record(self, effects: list[Effect]) -> list[Effect]:
        """Writes what one step wants to have on the disk, in one transaction. Gives all effects; launches have got
        their numbers then, whether or not they leave the daemon."""
        batch = Batch()
        for effect in effects:
            match effect:
                case Journal():
                    batch.records.append(effect.record)
                case Charge():
                    batch.charges.append(effect)
                case DropBlob():
                    batch.dropped.append(effect)
                case Forget():
                    batch.forgotten.append(effect.job)
                case Launch():
                    assert effect.fence > self.fences[-1], "a number comes twice"
                    self.fences.append(effect.fence)
                case _:
                    pass
        self.disk.write(batch)
        return effects

    def carry(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Launch):
                self.live[self.fences.index(effect.fence)] = False
            elif isinstance(effect, Kill):
                self.live.pop(self.fences.index(effect.fence), None)

    def do(self, act: Act) -> bool:
        match act.what:
            case "begin":
                self.live[act.launch] = True
                self.said.add(("start", act.launch))
            case "done" | "die":
                del self.live[act.launch]
                self.said.add(("finish" if act.what == "done" else "crash", act.launch))
            case "daemon dies":
                self.carry(self.recover())
            case "all die":
                self.live.clear()
                self.carry(self.recover())
            case "daemon dies twice":
                self.recover()
                self.carry(self.recover())
            case "stop":
                self.carry(self.record(self.bench.step(ShuttingDown)))
                self.carry(self.recover())
            case _:
                return self.tell(act)
        return True

    def tell(self, act: Act) -> bool:
        """Tells the kernel; whether it took notice."""
        if act.what == "cancel":
            session = self.bench.open()
            effects = self.bench.call("q_cancel", session_id=session, job_id=self.job)
        else:
            which: dict[str, Any] = {"job": self.job, "fence": self.fences[act.launch]}
            lost: dict[str, Any] = {"kind": "JOB_FAILED", "message": "m", "fields": {}, "died": True}
            events: dict[str, tuple[Any, dict[str, Any]]] = {
                "start": (Started, {}),
                "finish": (Finished, {"usage": {}}),
                "crash": (Failed, lost),
            }
            event, fields = events[act.what]
            effects = self.bench.step(event, **which, **fields)
        noticed = any(isinstance(effect, Journal) for effect in effects)
        if noticed and act.what == "finish":
            self.results.append(act.launch)
        if noticed or not act.then:
            self.record(effects)
            self.carry(self.recover() if act.then else effects)
        return noticed

    def recover(self) -> list[Effect]:
        """A new daemon over the same disk. A replay of what the disk has, and of all that was ever written, agree."""
        now_s = self.bench.now_s + 10
        self.stops += 1
        whole = self._fresh()
        whole.kernel.replay(self.disk.history())
        self.bench = self._fresh()
        self.bench.now_s = now_s
        self.bench.kernel.replay(self.disk.records())
        ours, theirs = (bench.kernel.jobs.by_id[self.job].comparable() for bench in (self.bench, whole))
        assert ours == theirs
        out = tuple((self.job, self.fences[launch]) for launch in sorted(self.live))
        effects = self.record(self.bench.step(Recovered, adopted=out))
        journal = [effect.record for effect in effects if isinstance(effect, Journal)]
        (self.adopted,) = (record.adopted for record in journal if isinstance(record, Recovered))
        return effects

    def view(self) -> State:
        kernel = self.bench.kernel
        job = kernel.jobs.by_id[self.job]
        assert (job.fence > 0) == (self.job in kernel.jobs.launched)
        assert len(self.results) <= 1
        assert all(count == 1 for count in self.disk.charged.values()), "charged twice"
        running = kernel.tenant("local").account.quotas["running_jobs"]
        assert running.held == (job.fence > 0)
        return State(
            job.state,
            self.fences.index(job.fence),
            self.fences.index(job.fence) if job.state == "RUNNING" or (self.job, job.fence) in self.adopted else 0,
            len(self.fences) - 1,
            self.fences.index(job.retired),
            job.launches,
            job.attempts,
            job.crashes,
            tuple((attempt, row.outcome) for (_, attempt), row in self.disk.charges.items()),
            self.results[0] if self.results else 0,
            tuple(sorted(self.live.items())),
            frozenset(self.said),
            self.stops,
        )
