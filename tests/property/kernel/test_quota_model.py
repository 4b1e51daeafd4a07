"""Any interleaving of submits, routes, starts, ends, deaths, cancels and crashes keeps the books.

The model is a list of jobs and the rows of the ledger. After every step each quota of the tenant, and of a session
with quotas of its own, equals what the model adds up from them: never negative, never above its limit (engine time
may end above it by the runs under way). A submit is accepted exactly when the model has room. The ledger has each
(job, attempt) once, a job's shots at most once, and nothing for what was lost. A crash forgets what the journal does
not hold, and takes what was spent from the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qmk.abi.calls import METHODS
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Charge, Forget, Journal, Kill, Launch, Reply, ReplyError, Route
from qmk.kernel.events import (
    CallReceived,
    Failed,
    Finished,
    Progressed,
    Recovered,
    Refused,
    Routed,
    ShuttingDown,
    Started,
    Submitted,
)
from qmk.policy.standard import STANDARD
from qmk.qvm.graph import Graph, Node, pack

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LIMITS = {
    "queued_jobs": 5,
    "logical_qubits": 8,
    "physical_qubits": 4,
    "running_jobs": 2,
    "shots": 600,
    "shots_period": 2000,
    "gates": 2200,
    "engine_seconds": 9,
    "bytes_stored": 19_000,
}
NARROW = {"queued_jobs": 3, "shots_period": 900, "engine_seconds": 5, "physical_qubits": 3}
ANY = st.integers(0, 1 << 16)
SELDOM = st.sampled_from((False,) * 7 + (True,))


def program(qubits: int) -> Graph:
    names = tuple(f"q{n}" for n in range(qubits))
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=names),
            *(Node(f"h{name}", "core.h", vqs=(name,)) for name in names),
            Node("m", "core.mz", vqs=names[:1], produces=("m",)),
            Node("d", "core.free", vqs=names),
        ),
        vqs=names,
        events=("m",),
    )


PROGRAMS = {qubits: program(qubits) for qubits in (1, 2, 3)}
GRAPH_BYTES = {qubits: len(pack(graph)) for qubits, graph in PROGRAMS.items()}


@dataclass
class Job:
    """``state``: pending, queued, running, ended or forgotten. ``placed``: a launch is out."""

    session: str
    qubits: int
    shots: int
    state: str = "pending"
    seconds: int = 0
    stored: int = 0
    kept: int = 0
    placed: bool = False
    done: int = 0

    @property
    def open(self) -> bool:
        return self.state in ("pending", "queued", "running")


class Books(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.config = KernelConfig(
            workers=3, local=TenantConfig(quotas=LIMITS), kept_jobs=5, job_attempts=3, session_idle_s=10**9
        )
        self.kernel = Kernel(self.config, STANDARD)
        self.now_ns = 20_000 * DAY
        self.count = 0
        self.journal: list[Any] = []
        self.ledger: dict[tuple[str, int], Charge] = {}
        self.jobs: dict[str, Job] = {}
        self.launches: dict[str, int] = {}
        self.sessions: list[str] = []
        self.narrow = ""

    def step(self, event: Any) -> list[Any]:
        effects = self.kernel.step(event)
        for effect in effects:
            match effect:
                case Journal():
                    self.journal.append(effect.record)
                    if isinstance(effect.record, Submitted):
                        self.jobs[effect.record.job].state = "queued"
                case Charge():
                    key = (effect.job, effect.attempt)
                    assert key not in self.ledger, "charged twice"
                    self.ledger[key] = effect
                    job = self.jobs[effect.job]
                    shots = {"completed": job.shots, "lost": 0}.get(effect.outcome, job.done)
                    assert effect.amounts["shots_period"] == shots
                    assert effect.amounts["gates"] == shots * job.qubits
                case Launch():
                    self.launches[effect.job] = effect.fence
                    self.jobs[effect.job].placed = True
                case Kill():
                    self.launches.pop(effect.job, None)
                case Forget():
                    job = self.jobs[effect.job]
                    assert job.state == "ended"
                    job.state = "forgotten"
                    self.journal = [record for record in self.journal if getattr(record, "job", "") != effect.job]
        return effects

    def call(self, name: str, graph: Graph | None = None, **params: Any) -> list[Any]:
        self.count += 1
        return self.step(
            CallReceived(
                now_ns=self.now_ns,
                conn=1,
                ref=self.count,
                method=name,
                params=METHODS[name].request(**params),
                entropy=self.count.to_bytes(16, "big"),
                graph=graph,
            )
        )

    def open_session(self, **params: Any) -> str:
        (reply,) = [e for e in self.call("q_negotiate_caps", **params) if isinstance(e, Reply)]
        return reply.result.session_id

    @initialize()
    def sessions_open(self) -> None:
        self.narrow = self.open_session(quota=NARROW)
        self.sessions = [self.open_session(), self.narrow]

    def used(self, session: str = "") -> dict[str, float]:
        """What the model adds up: all of it, or what the narrow session submitted."""
        mine = [job for job in self.jobs.values() if not session or job.session == session]
        open_jobs = [job for job in mine if job.open]
        placed = [job for job in mine if job.placed]
        period = self.now_ns - self.now_ns % DAY
        rows = [row for row in self.ledger.values() if row.now_ns >= period and (not session or row.session == session)]
        return {
            "queued_jobs": len(open_jobs),
            "logical_qubits": sum(job.qubits for job in open_jobs),
            "physical_qubits": sum(job.qubits for job in placed),
            "running_jobs": len(placed),
            "shots_period": sum(job.shots for job in open_jobs) + sum(row.amounts["shots_period"] for row in rows),
            "gates": sum(job.qubits * job.shots for job in open_jobs) + sum(row.amounts["gates"] for row in rows),
            "engine_seconds": sum(job.seconds for job in open_jobs)
            + sum(row.amounts["engine_seconds"] for row in rows),
            "bytes_stored": sum(job.stored for job in mine if job.state in ("queued", "running"))
            + sum(job.kept for job in mine if job.state == "ended"),
        }

    def has_room(self, session: str, qubits: int, shots: int, stored: int) -> bool:
        more = {"queued_jobs": 1, "logical_qubits": qubits, "shots_period": shots, "gates": qubits * shots}
        more["engine_seconds"] = 0
        for limits, used in self.books(session):
            if any(name in limits and used[name] + amount > limits[name] for name, amount in more.items()):
                return False
            if qubits > limits["physical_qubits"] or shots > limits.get("shots", shots):
                return False
        return sum(job.stored for job in self.jobs.values() if job.open) + stored <= LIMITS["bytes_stored"]

    def books(self, session: str) -> list[tuple[dict[str, int], dict[str, float]]]:
        found = [(LIMITS, self.used())]
        return [*found, (NARROW, self.used(session))] if session == self.narrow else found

    @rule(seconds=st.integers(0, 4))
    def time_passes(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND

    @rule(really=SELDOM)
    def a_day_begins(self, really: bool) -> None:
        if really:
            self.now_ns += DAY - self.now_ns % DAY

    @rule(pick=ANY, qubits=st.sampled_from((1, 1, 2, 3)), shots=st.sampled_from((100, 300, 500, 601)), route=ANY)
    def submit(self, pick: int, qubits: int, shots: int, route: int) -> None:
        session = self.sessions[pick % len(self.sessions)]
        stored = GRAPH_BYTES[qubits] + 4096 + 4 * 18 + shots + 64  # one event: two bits at most
        room = self.has_room(session, qubits, shots, stored)
        (effect,) = self.call("q_submit", PROGRAMS[qubits], session_id=session, shots=shots)
        if not room:
            assert isinstance(effect, ReplyError), effect
            assert effect.error.kind.name == "QUOTA_EXCEEDED"
            return
        assert isinstance(effect, Route), effect
        self.jobs[effect.job] = Job(session, qubits, shots, stored=stored)
        if route % 4:
            self.route(route // 4, route // 16)

    def pending(self) -> list[str]:
        return [id for id, job in self.jobs.items() if job.state == "pending"]

    @precondition(lambda self: self.pending())
    @rule(pick=ANY, seconds=ANY)
    def route(self, pick: int, seconds: int) -> None:
        job_id = self.pending()[pick % len(self.pending())]
        job = self.jobs[job_id]
        seconds %= 5
        fits = all(
            used["engine_seconds"] + seconds <= limits["engine_seconds"] for limits, used in self.books(job.session)
        )
        if seconds == 4:
            self.jobs.pop(job_id)
            self.step(Refused(now_ns=self.now_ns, job=job_id, kind="UNSUPPORTED", message="no", fields={}))
            return
        routed = {"engine": "e", "method": "", "seconds": float(seconds), "memory_bytes": 1, "reasons": []}
        if fits:
            job.seconds = seconds
        self.step(Routed(now_ns=self.now_ns, job=job_id, **routed))
        assert (job.state != "pending") == fits
        if not fits:
            self.jobs.pop(job_id)

    @precondition(lambda self: self.launches)
    @rule(pick=ANY, what=st.sampled_from(("start", "start", "progress", "finish", "finish", "fail", "defect", "die")))
    def worker_answers(self, pick: int, what: str) -> None:
        job_id, fence = list(self.launches.items())[pick % len(self.launches)]
        job = self.jobs[job_id]
        common: dict[str, Any] = {"now_ns": self.now_ns, "job": job_id, "fence": fence}
        if what == "start":
            if job.state == "queued":
                job.state = "running"
                self.step(Started(**common))
            return
        if what == "progress":
            shots = pick % 97 + 1
            if shots > job.done:
                job.state, job.done = "running", shots
            self.step(Progressed(shots_done=shots, **common))
            return
        del self.launches[job_id]
        job.placed = False
        if what == "finish":
            size = (pick % 3) * 400
            self.end(job, min(size, job.stored - GRAPH_BYTES[job.qubits]))
            self.step(Finished(usage={"engine_seconds": pick % 5 / 2, "result_bytes": size}, **common))
            return
        if what == "die":
            attempts = self.kernel.jobs.by_id[job_id].attempts + 1
            if attempts < self.config.job_attempts:
                job.state, job.done = "queued", 0
            else:
                self.end(job, 0)
        else:
            self.end(job, 0)
        kind = "INTERNAL_ERROR" if what == "defect" else "JOB_FAILED"
        self.step(Failed(kind=kind, message="m", fields={}, died=what == "die", **common))

    def end(self, job: Job, result_bytes: int) -> None:
        job.state = "ended"
        job.placed = False
        job.kept = GRAPH_BYTES[job.qubits] + result_bytes

    @precondition(lambda self: any(job.state in ("queued", "running") for job in self.jobs.values()))
    @rule(pick=ANY)
    def cancel(self, pick: int) -> None:
        ids = [id for id, job in self.jobs.items() if job.state in ("queued", "running")]
        job_id = ids[pick % len(ids)]
        self.end(self.jobs[job_id], 0)
        self.call("q_cancel", session_id=self.sessions[0], job_id=job_id)

    @rule(really=SELDOM)
    def narrow_session_closes(self, really: bool) -> None:
        if really and self.narrow:
            self.call("q_close_session", session_id=self.narrow)
            self.narrow = self.open_session(quota=NARROW)
            self.sessions[1] = self.narrow

    @rule(clean=st.booleans(), really=SELDOM)
    def daemon_restarts(self, clean: bool, really: bool) -> None:
        if not really:
            return
        if clean:
            for job_id in self.pending():
                del self.jobs[job_id]
            self.launches_stop()
            self.step(ShuttingDown(now_ns=self.now_ns))
        for job_id in self.pending():
            del self.jobs[job_id]
        self.launches_stop()
        period = self.now_ns - self.now_ns % DAY
        used: dict[str, dict[str, float]] = {}
        for row in self.ledger.values():
            if row.now_ns >= period:
                sums = used.setdefault(row.tenant, {"shots_period": 0, "gates": 0, "engine_seconds": 0})
                for name in sums:
                    sums[name] += row.amounts[name]
        self.kernel = Kernel(self.config, STANDARD)
        self.kernel.replay(self.journal)
        self.step(Recovered(now_ns=self.now_ns, used=used))
        self.sessions_open()

    def launches_stop(self) -> None:
        self.launches.clear()
        for job in self.jobs.values():
            job.placed = False
            if job.state == "running":
                job.state, job.done = "queued", 0

    @invariant()
    def every_quota_equals_the_model(self) -> None:
        for session in ("", self.narrow) if self.narrow else ():
            opened = self.kernel.sessions.get(session)
            account = self.kernel.tenant("local").account if not session else opened.account
            expected = self.used(session)
            for row in account.figures(self.now_ns, self.kernel.accounts.period_ns):
                if row.name in expected:
                    assert row.used == expected[row.name], (session, row)
                    assert row.used >= 0
                    assert row.used <= row.limit or row.name == "engine_seconds", (session, row)

    @invariant()
    def what_is_kept_and_held_in_memory_is_counted(self) -> None:
        accounts = self.kernel.accounts
        assert accounts.kept_bytes == sum(job.kept for job in self.jobs.values() if job.state == "ended")
        assert accounts.queued_bytes == sum(GRAPH_BYTES[job.qubits] for job in self.jobs.values() if job.open)

    @invariant()
    def shots_are_charged_once(self) -> None:
        charged: dict[str, float] = {}
        for row in self.ledger.values():
            charged[row.job] = charged.get(row.job, 0) + row.amounts["shots_period"]
            if row.outcome == "lost":
                assert row.amounts["shots_period"] == row.amounts["gates"] == row.amounts["engine_seconds"] == 0
        for job_id, shots in charged.items():
            assert shots <= self.jobs[job_id].shots
        completed = [row for row in self.ledger.values() if row.outcome == "completed"]
        assert all(row.amounts["shots_period"] == self.jobs[row.job].shots for row in completed)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
