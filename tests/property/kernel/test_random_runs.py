"""Random histories: whatever happens in whatever order, the kernel keeps its promises.

- Every call is answered exactly once, unless its connection closed first; at the end of a quiet period nothing but
  waits for unfinished jobs is open.
- A job ends at most once, and only by moves of the table (any other raises).
- There are never more launches out than workers, and never two of one job.
- A kernel that replays the journal equals the one that wrote it, at every moment.
- No launch number comes twice, over restarts too; answers of launches that are over change nothing.
- A job whose engine runs out of memory or refuses goes on with another while there is one; a repeated one may be
  answered with what it gave before.
- A job that has not ended has the state it is to go on from; blobs that the kernel let go are named by nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qmk.abi.calls import METHODS
from qmk.abi.shapes import Policy
from qmk.kernel import succession
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import (
    DropBlob,
    Interrupt,
    Journal,
    Kill,
    Launch,
    QueryResources,
    Recall,
    Reply,
    ReplyError,
    ReplyResult,
    Route,
)
from qmk.kernel.events import (
    CallReceived,
    ConnectionClosed,
    Failed,
    Finished,
    NotInterrupted,
    Progressed,
    Recalled,
    Recovered,
    Refused,
    Routed,
    Saved,
    ShuttingDown,
    Started,
    Submitted,
    TimerFired,
    Yielded,
)
from qmk.kernel.objects.alternative import Alternative
from qmk.kernel.objects.job import ENDED
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node
from tests.unit.kernel.test_compaction import left

ANSWERS = (Reply, ReplyError, ReplyResult, QueryResources)
WORKERS = 2
CONNS = (1, 2, 3)


def program(wide: bool) -> Graph:
    fence = (Node("f", "core.fence"),) if wide else ()
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("q",)),
            *fence,
            Node("m", "core.mz", vqs=("q",), produces=("m",)),
            Node("d", "core.free", vqs=("q",)),
        ),
        vqs=("q",),
        events=("m",),
    )


PROGRAMS = (program(False), program(True))
ANY = st.integers(0, 1 << 16)
"""Which of the things at hand: taken modulo their number, the newest first."""
SELDOM = st.sampled_from((False,) * 7 + (True,))


def nth(things: list[Any], pick: int) -> Any:
    return things[-1 - pick % len(things)]


class RandomRun(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        config = TenantConfig(quotas={"queued_jobs": 6, "held_qubits": 4})
        self.kernel = Kernel(
            KernelConfig(
                workers=WORKERS,
                local=config,
                open_waits=4,
                kept_jobs=4,
                sessions=3,
                cache_bytes=10**6,
                hedging=True,
                jobs_in_play=1,
                jobs_archived=2,
            ),
            STANDARD,
        )
        self.now_ns = 1_000_000_000
        self.count = 0
        self.journal: list[Any] = []
        self.mirror = Kernel(self.kernel.config, STANDARD)
        self.mirrored = 0
        self.open: dict[int, int] = {}
        self.sessions: list[str] = ["ses_none"]
        self.jobs: list[str] = ["job_none"]
        self.unrouted: list[str] = []
        self.running: dict[str, int] = {}
        self.adopted = 0
        self.old_launches: list[tuple[str, int]] = [("job_none", 0)]
        self.timers: set[str] = {"job:job_none"}
        self.ended: dict[str, str] = {}
        self.graphs: dict[str, bytes] = {}
        self.recalls: list[Recall] = []
        self.interrupts: list[Interrupt] = []
        self.checkpoints: list[str] = ["chk_none"]
        self.states = 0

    def step(self, event: Any) -> None:
        before = {id: job.state for id, job in self.kernel.jobs.by_id.items()}
        for effect in self.kernel.step(event):
            self.take(effect)
        for id, state in before.items():
            job = self.kernel.jobs.by_id.get(id)
            if state in ENDED and job is not None:
                assert job.state == state

    def take(self, effect: Any) -> None:
        match effect:
            case Journal():
                self.journal.append(effect.record)
                if isinstance(effect.record, Submitted):
                    self.graphs[effect.record.job] = effect.record.graph
            case Recall():
                self.recalls.append(effect)
            case Interrupt():
                assert self.running[effect.job] == effect.fence
                self.interrupts.append(effect)
            case DropBlob():
                assert effect.checkpoint not in self.kernel.jobs.checkpoints.by_id
            case Launch():
                assert effect.fence > max(fence for _, fence in self.old_launches), "a number comes twice"
                assert effect.start_from == self.kernel.jobs.state_of(self.kernel.jobs.by_id[effect.job])
                self.running[effect.job] = effect.fence
                self.old_launches.append((effect.job, effect.fence))
            case Kill():
                if self.running.get(effect.job) == effect.fence:
                    del self.running[effect.job]
                else:
                    assert (effect.job, effect.fence) in self.old_launches, "of a launch that outlived its daemon"
            case Route():
                self.unrouted.append(effect.job)
            case _ if isinstance(effect, ANSWERS):
                assert self.open.pop(effect.ref) == effect.conn
                if isinstance(effect, Reply):
                    self.learn(effect.result)
            case _:
                key = getattr(effect, "key", None)
                if key is not None and hasattr(effect, "at_ns"):
                    self.timers.add(key)

    def learn(self, result: Any) -> None:
        if hasattr(result, "granted"):
            self.sessions.append(result.session_id)
        if hasattr(result, "checkpoint_id"):
            self.checkpoints.append(result.checkpoint_id)
        if (hasattr(result, "estimated_epochs") or hasattr(result, "replay_of")) and result.job_id not in self.jobs:
            self.jobs.append(result.job_id)

    def call(self, name: str, conn: int, graph: Graph | None = None, **params: Any) -> None:
        self.count += 1
        self.open[self.count] = conn
        request = METHODS[name].request(**params)
        entropy = self.count.to_bytes(16, "big")
        self.step(
            CallReceived(
                now_ns=self.now_ns,
                conn=conn,
                ref=self.count,
                method=name,
                params=request,
                entropy=entropy,
                graph=graph,
            )
        )

    @initialize()
    def first_session(self) -> None:
        self.call("q_negotiate_caps", 1)

    @rule(seconds=st.integers(0, 5))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * 1_000_000_000

    @rule(conn=st.sampled_from(CONNS))
    def negotiate(self, conn: int) -> None:
        self.call("q_negotiate_caps", conn)

    @rule(pick=ANY, priority=st.integers(-1, 1), timeout_ms=st.none() | st.just(1000))
    def submit_and_accept(self, pick: int, priority: int, timeout_ms: int | None) -> None:
        waiting = len(self.unrouted)
        self.submit(1, 0, False, priority, timeout_ms, "")
        if len(self.unrouted) > waiting:
            self.router_answers(waiting, True)

    @rule(
        conn=st.sampled_from(CONNS),
        pick=ANY,
        wide=st.booleans(),
        priority=st.integers(-1, 1),
        timeout_ms=st.none() | st.just(1000),
        key=st.sampled_from(("", "", "k1", "k2")),
    )
    def submit(self, conn: int, pick: int, wide: bool, priority: int, timeout_ms: int | None, key: str) -> None:
        self.call(
            "q_submit",
            conn,
            graph=PROGRAMS[wide],
            session_id=nth(self.sessions, pick),
            shots=200,
            policy=Policy(priority=priority, timeout_ms=timeout_ms, seed=pick % 2 or None),
            idempotency_key=key,
        )

    @precondition(lambda self: self.unrouted)
    @rule(pick=ANY, accept=st.sampled_from((True, True, True, False)))
    def router_answers(self, pick: int, accept: bool) -> None:
        job = self.unrouted.pop(pick % len(self.unrouted))
        if accept:
            routed = {"engine": "e", "method": "", "seconds": 1.5, "memory_bytes": 1, "reasons": [], "fenced": True}
            others = tuple(
                Alternative(engine=name, method="m", seconds=pick % 4, memory_bytes=pick % 3, may_fail=name == "g")
                for name in "fg"[: pick % 3]
            )
            self.step(Routed(now_ns=self.now_ns, job=job, **routed, alternatives=others, version="1"))
        else:
            self.step(Refused(now_ns=self.now_ns, job=job, kind="UNSUPPORTED", message="no", fields={}))

    @rule(
        conn=st.sampled_from(CONNS),
        pick=ANY,
        name=st.sampled_from(("q_status", "q_wait", "q_wait", "q_result", "q_cancel", "q_events", "q_get_telemetry")),
        timeout_ms=st.none() | st.integers(0, 2000),
        after=st.integers(0, 6),
    )
    def ask(self, conn: int, pick: int, name: str, timeout_ms: int | None, after: int) -> None:
        params: dict[str, Any] = {
            "session_id": nth(self.sessions, pick // 7),
            "job_id": nth(self.jobs, pick),
        }
        if name == "q_wait":
            params["timeout_ms"] = timeout_ms
        if name == "q_events":
            params |= {"after": after, "timeout_ms": timeout_ms or 0}
        self.call(name, conn, **params)

    @rule(
        conn=st.sampled_from(CONNS),
        pick=ANY,
        name=st.sampled_from(("q_checkpoint", "q_checkpoint", "q_migrate", "q_rollback", "q_replay", "q_restore")),
        where=st.integers(0, 2),
        key=st.sampled_from(("", "", "k1")),
    )
    def stop_or_repeat(self, conn: int, pick: int, name: str, where: int, key: str) -> None:
        params: dict[str, Any] = {"session_id": nth(self.sessions, pick // 7), "job_id": nth(self.jobs, pick)}
        if name == "q_migrate":
            params["region"] = f"r{where}"
        if name == "q_rollback":
            params["epoch"] = where
        if name in ("q_replay", "q_restore"):
            params["idempotency_key"] = key
        if name == "q_restore":
            del params["job_id"]
            params["checkpoint_id"] = nth(self.checkpoints, pick)
        self.call(name, conn, **params)

    @precondition(lambda self: self.recalls)
    @rule(pick=ANY, found=st.sampled_from((True, True, True, False)))
    def journal_is_read(self, pick: int, found: bool) -> None:
        recall = self.recalls.pop(pick % len(self.recalls))
        if found:
            self.step(Recalled(now_ns=self.now_ns, key=recall.key, graph=self.graphs[recall.job]))
        else:
            self.step(Refused(now_ns=self.now_ns, job=recall.key, kind="INTERNAL_ERROR", message="no", fields={}))

    @precondition(lambda self: self.interrupts)
    @rule(pick=ANY, done=st.sampled_from((True, True, False)))
    def an_interrupt_is_answered(self, pick: int, done: bool) -> None:
        """Now, or when nobody waits for it any more."""
        asked = nth(self.interrupts, pick)
        common: dict[str, Any] = {"now_ns": self.now_ns, "job": asked.job, "fence": asked.fence}
        if asked in self.interrupts:
            self.interrupts.remove(asked)
        if not done:
            self.step(NotInterrupted(ref=asked.ref, kind="", message="no", epoch=pick % 3 - 1, **common))
        elif asked.kind == "save":
            self.step(Saved(**self.state(asked.ref, pick), **common))
        else:
            if self.running.get(asked.job) == asked.fence:
                del self.running[asked.job]
            self.step(Yielded(**self.state(asked.ref, pick), why="preempted", **common))

    @precondition(lambda self: self.old_launches)
    @rule(pick=ANY, stale=SELDOM)
    def a_state_is_saved_unasked(self, pick: int, stale: bool) -> None:
        if not self.running and not stale:
            return
        job, fence = nth(self.old_launches if stale else list(self.running.items()), pick)
        self.states += 1
        self.step(Saved(now_ns=self.now_ns, job=job, fence=fence, **self.state(f"chk_{self.states}", pick)))

    def state(self, checkpoint: str, pick: int) -> dict[str, Any]:
        return {"checkpoint": checkpoint, "epoch": pick % 2, "blob": f"blob{pick % 5}", "size_bytes": pick % 100}

    @rule(conn=st.sampled_from(CONNS), pick=ANY, n=st.integers(1, 3))
    def reserve(self, conn: int, pick: int, n: int) -> None:
        self.call("q_alloc", conn, session_id=nth(self.sessions, pick), n=n)

    @rule(conn=st.sampled_from(CONNS), pick=ANY, really=SELDOM)
    def close_session(self, conn: int, pick: int, really: bool) -> None:
        if not really:
            return
        self.call("q_close_session", conn, session_id=nth(self.sessions, pick))

    @precondition(lambda self: self.old_launches)
    @rule(pick=ANY, what=st.sampled_from(("start", "progress", "finish", "fail", "refuse", "die")))
    def worker_answered_before(self, pick: int, what: str) -> None:
        self.worker_answers(pick, what, stale=True)

    @precondition(lambda self: self.running)
    @rule(pick=ANY, what=st.sampled_from(("start", "progress", "progress", "finish", "fail", "refuse", "die", "die")))
    def worker_answers_now(self, pick: int, what: str) -> None:
        self.worker_answers(pick, what, stale=False)

    def worker_answers(self, pick: int, what: str, stale: bool) -> None:
        """An answer of a launch that is out, or (``stale``) of any launch there ever was."""
        job, fence = nth(self.old_launches if stale else list(self.running.items()), pick)
        common: dict[str, Any] = {"now_ns": self.now_ns, "job": job, "fence": fence}
        if what in ("finish", "fail", "refuse", "die") and self.running.get(job) == fence:
            del self.running[job]
        match what:
            case "start":
                self.kernel_started(job, common)
            case "progress":
                self.step(Progressed(shots_done=1 + pick % 220, **common))
            case "finish":
                self.step(Finished(usage={"engine_seconds": 1.0}, version="1" if pick % 2 else "", **common))
            case "refuse":
                self.step(Failed(kind="UNSUPPORTED", message="m", fields={}, **common))
            case _:
                self.step(Failed(kind="JOB_FAILED", message="m", fields={}, died=what == "die", **common))

    def kernel_started(self, job: str, common: dict[str, Any]) -> None:
        """A worker tells once that it has started."""
        known = self.kernel.jobs.by_id.get(job)
        if known is None or known.state == "QUEUED":
            self.step(Started(**common))

    @rule(pick=ANY)
    def timer_fires(self, pick: int) -> None:
        self.step(TimerFired(now_ns=self.now_ns, key=nth(sorted(self.timers), pick)))

    @rule(conn=st.sampled_from(CONNS), really=SELDOM)
    def connection_closes(self, conn: int, really: bool) -> None:
        if not really:
            return
        self.open = {ref: owner for ref, owner in self.open.items() if owner != conn}
        self.step(ConnectionClosed(now_ns=self.now_ns, conn=conn))

    @rule(clean=st.booleans(), survives=st.booleans(), pick=ANY, really=SELDOM)
    def daemon_restarts(self, clean: bool, survives: bool, pick: int, really: bool) -> None:
        """``survives``: the launcher still runs the launches that were out, and some of before."""
        if not really:
            return
        if clean:
            self.step(ShuttingDown(now_ns=self.now_ns))
            assert self.open == {}, "shutting down answers every call"
        fresh = Kernel(self.kernel.config, STANDARD)
        fresh.replay(left(self.journal))
        self.kernel = fresh
        self.open.clear()
        self.unrouted.clear()
        self.recalls.clear()
        self.interrupts.clear()
        self.sessions = ["ses_none"]
        out = set(self.running.items()) | {nth(self.old_launches, pick)} if survives else set()
        self.running = dict(succession.adoptable(fresh.jobs.by_id, out))
        assert self.running.items() <= out
        self.adopted = len(self.running)
        self.step(Recovered(now_ns=self.now_ns, adopted=tuple(sorted(out))))
        self.call("q_negotiate_caps", 1)

    @invariant()
    def only_waits_are_open(self) -> None:
        waiting = {wait.ref for wait in self.kernel.waits} | {ask.ref for ask in self.kernel.asks}
        routing = {ref for pending in self.kernel.pending.values() for _, ref in pending.callers}
        assert set(self.open) == waiting | routing

    @invariant()
    def no_wait_is_forgotten(self) -> None:
        jobs = self.kernel.jobs
        assert not [ask for ask in self.kernel.asks if jobs.by_id[ask.job].has_ended]
        assert not [a for a in self.kernel.asks if a.kind != "migrate" and not jobs.by_id[a.job].fence]
        assert not [w for w in self.kernel.waits if self.kernel.jobs.by_id[w.job].has_ended]

    @invariant()
    def capacity_is_used_and_never_exceeded(self) -> None:
        jobs = self.kernel.jobs
        assert {id: job.fence for id, job in jobs.launched.items()} == self.running
        assert len(jobs.launched) <= max(WORKERS, self.adopted), "a launcher may have more than it would be given"
        free = {f"r{number}" for number in range(WORKERS)} - {
            jobs.queue.where(job)[0] for job in jobs.launched.values()
        }
        startable = [job for job in jobs.queue if not job.wanted_region or job.wanted_region in free]
        assert len(jobs.launched) >= WORKERS or not startable
        live = {id for id, job in jobs.by_id.items() if not job.has_ended}
        assert live == {job.id for job in jobs.queue} | set(jobs.launched)

    @invariant()
    def states_are_there_while_they_are_needed(self) -> None:
        table = self.kernel.jobs.checkpoints
        for job in self.kernel.jobs.by_id.values():
            rows = table.of_job(job.id)
            assert not job.saved or (not job.has_ended and job.saved in table.by_id)
            assert sum(not row.kept for row in rows) <= 1
            assert not (job.has_ended and any(not row.kept for row in rows))
        assert {row.job for row in table.by_id.values()} <= self.kernel.jobs.by_id.keys()
        assert all(table.uses(row.blob) for row in table.by_id.values() if row.blob)

    @invariant()
    def quotas_count_what_there_is(self) -> None:
        kernel = self.kernel
        tenant = kernel.tenant("local")
        live = sum(not job.has_ended for job in kernel.jobs.by_id.values())
        assert tenant.queued_jobs.in_use == live + len(kernel.pending) <= tenant.queued_jobs.limit
        assert tenant.running_jobs.in_use == len(kernel.jobs.launched)
        held = sum(len(s.qubits) for id in self.sessions if (s := kernel.sessions.get(id)) is not None)
        assert tenant.held_qubits.in_use == held <= 4

    @invariant()
    def histories_are_dense(self) -> None:
        for job in self.kernel.jobs.by_id.values():
            assert [event.seq for event in job.events] == list(range(1, len(job.events) + 1))
            ends = [event for event in job.events if event.kind in ("completed", "failed", "cancelled")]
            assert len(ends) == job.has_ended

    @invariant()
    def a_replayed_journal_equals_the_live_run(self) -> None:
        """Of every step: the mirror has replayed what was written before it."""
        self.mirror.replay(self.journal[self.mirrored :])
        self.mirrored = len(self.journal)
        assert self.mirror.snapshot() == self.kernel.snapshot()

    def teardown(self) -> None:
        """All of it at once, too, and what a journal that leaves out all it may has of it."""
        for journal in (self.journal, left(self.journal)):
            fresh = Kernel(self.kernel.config, STANDARD)
            fresh.replay(journal)
            assert fresh.snapshot() == self.kernel.snapshot()


TestRandomRun = RandomRun.TestCase
TestRandomRun.settings = settings(max_examples=150, stateful_step_count=80, deadline=None)
