"""Random histories of the scheduler: what it promises at every step; and a recorded one replays bit for bit."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qmk.kernel.capacity import Settings, width_of
from qmk.kernel.scheduling import (
    Action,
    AllowanceSet,
    Clock,
    Declined,
    Event,
    Left,
    Place,
    Preempt,
    Queued,
    ShareSet,
    Started,
    Stopped,
    Task,
)
from qmk.policy.schedule.plan import decide
from qmk.policy.schedule.preempt import QUIET_EPOCHS
from qmk.policy.schedule.state import OUT, WAITING, Schedule

SETTINGS = Settings(workers=3, memory_bytes=100, regions=(("left", 12), ("right", 8)))
TENANTS = st.sampled_from("abc")
ANY = st.integers(0, 1 << 16)


class RandomSchedule(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = Schedule(SETTINGS)
        self.tape: list[tuple[list[Event], list[Action]]] = []
        self.pending: list[Event] = []
        self.now_ns = 10**15
        self.tasks: dict[str, Task] = {}
        self.out: dict[str, Place] = {}
        self.started: set[str] = set()
        self.asked: dict[str, list[int]] = {}
        self.limits = {"a": 1000, "b": 1000, "c": 1000}

    def tell(self, *events: Event) -> None:
        told = [*self.pending, Clock(self.now_ns), *events]
        self.pending = []
        actions = decide(self.state, told)
        self.tape.append((told, actions))
        for action in actions:
            match action:
                case Place():
                    assert action.job not in self.out
                    self.out[action.job] = action
                case Preempt():
                    assert self.tasks[action.job].fenced
                    assert action.job in self.out
                    self.asked.setdefault(action.job, []).append(self.state.epoch)
                case _:
                    pass

    def task(self, fields: dict[str, Any]) -> Task:
        number = len(self.tasks) + 1
        task = Task(job=f"j{number}", seq=number, **fields)
        self.tasks[task.job] = task
        return task

    @rule(
        fields=st.fixed_dictionaries(
            {
                "tenant": TENANTS,
                "cost_ns": st.integers(0, 5_000_000_000),
                "memory_bytes": st.integers(0, 100),
                "qubits": st.integers(0, 12),
                "priority": st.integers(-2, 2),
                "deadline_epochs": st.none() | st.integers(1, 50),
                "fenced": st.booleans(),
                "allowance": st.sampled_from(("", "", "x", "y")),
                "wanted_region": st.sampled_from(("", "", "", "left", "right", "gone")),
            }
        )
    )
    def arrives(self, fields: dict[str, Any]) -> None:
        if fields["allowance"]:
            fields = {**fields, "allowance": fields["tenant"] + fields["allowance"]}
        self.tell(Queued(self.task(fields)))

    @rule(milliseconds=st.integers(0, 400))
    def time_passes(self, milliseconds: int) -> None:
        self.now_ns += milliseconds * 1_000_000
        self.tell()

    @rule(seconds=st.integers(-100, 100))
    def clock_jumps(self, seconds: int) -> None:
        self.now_ns += seconds * 10**9
        self.tell()

    @rule(tenant=TENANTS, weight=st.sampled_from((0.5, 1.0, 3.0)), limit=st.integers(0, 4))
    def operator_changes(self, tenant: str, weight: float, limit: int) -> None:
        self.limits[tenant] = limit
        self.tell(ShareSet(tenant, weight, limit))

    @rule(tenant=TENANTS, name=st.sampled_from("xy"), jobs=st.integers(0, 2), qubits=st.sampled_from((5, 1 << 62)))
    def session_is_bounded(self, tenant: str, name: str, jobs: int, qubits: int) -> None:
        self.tell(AllowanceSet(tenant + name, jobs, qubits))

    @rule(tenant=TENANTS, name=st.sampled_from("xy"))
    def session_ends(self, tenant: str, name: str) -> None:
        self.tell(AllowanceSet(tenant + name))

    @precondition(lambda self: self.out)
    @rule(pick=ANY, later=st.booleans())
    def worker_starts(self, pick: int, later: bool) -> None:
        job = list(self.out)[pick % len(self.out)]
        if job not in self.started:
            self.started.add(job)
            self.pending.append(Started(job))
            if not later:
                self.tell()

    @precondition(lambda self: self.out)
    @rule(pick=ANY, used_ms=st.integers(0, 9_000), how=st.sampled_from(("end", "end", "die", "yield")))
    def launch_is_over(self, pick: int, used_ms: int, how: str) -> None:
        job = list(self.out)[pick % len(self.out)]
        continued = how == "yield" and self.tasks[job].fenced
        del self.out[job]
        self.started.discard(job)
        then = Left(job) if how == "end" else Queued(self.tasks[job])
        self.tell(Stopped(job, used_ms * 1_000_000, continued), then)

    @precondition(lambda self: self.out)
    @rule(pick=ANY)
    def cannot_yield(self, pick: int) -> None:
        self.tell(Declined(list(self.out)[pick % len(self.out)]))

    @precondition(lambda self: self.tasks)
    @rule(pick=ANY)
    def is_cancelled(self, pick: int) -> None:
        job = list(self.tasks)[pick % len(self.tasks)]
        self.out.pop(job, None)
        self.started.discard(job)
        self.tell(Left(job))

    @invariant()
    def nothing_is_overcommitted(self) -> None:
        tasks = [self.tasks[job] for job in self.out]
        assert len(tasks) <= SETTINGS.workers
        assert sum(task.memory_bytes for task in tasks) <= SETTINGS.memory_bytes
        ends = {"left": (0, 12), "right": (12, 20)}
        taken: set[int] = set()
        for job, place in self.out.items():
            qubits = set(range(place.first_qubit, place.first_qubit + width_of(self.tasks[job])))
            low, high = ends[place.region]
            assert low <= min(qubits) <= max(qubits) < high
            assert not qubits & taken
            taken |= qubits
            wanted = self.tasks[job].wanted_region
            if wanted in ends and width_of(self.tasks[job]) <= ends[wanted][1] - ends[wanted][0]:
                assert place.region == wanted

    @invariant()
    def counts_are_those_of_the_entries(self) -> None:
        state = self.state
        assert set(state.out) == set(self.out)
        waiting = [entry for entry in state.entries.values() if entry.state == WAITING]
        assert state.waiting == len(waiting)
        assert state.waiting_ns == sum(entry.left_ns for entry in waiting)
        for share in state.shares:
            mine = [entry for entry in state.entries.values() if entry.share is share]
            running = [entry for entry in mine if entry.state == OUT]
            assert share.charged == sum(entry.charge for entry in running)
            assert (share.live, share.running) == (len(mine), len(running))
            assert share.started == sum(entry.started for entry in running)
            assert len(share.queue) + len(share.held) == sum(entry.state == WAITING for entry in mine)
            waiting_ns = sum(entry.left_ns for entry in mine if entry.state == WAITING)
            assert share.before((1 << 62, 0)) == (len(share.queue) + len(share.held), waiting_ns)
            assert (share.key is not None) == share.ready
        for allowance in state.allowances.values():
            mine = [entry for entry in state.entries.values() if entry.allowance is allowance]
            running = [entry for entry in mine if entry.state == OUT]
            assert (allowance.live, allowance.running) == (len(mine), len(running))
            assert allowance.qubits == sum(width_of(entry.task) for entry in running)
            offered = allowance.offered
            assert len(allowance.held) + (offered is not None) == sum(entry.state == WAITING for entry in mine)
            if offered is not None:
                assert offered.key == min(entry.key for entry in mine if entry.state == WAITING)
                assert allowance.running < allowance.limit
        assert state.shares.weight == sum(share.weight for share in state.shares if share.live)

    @invariant()
    def no_worker_idles_while_the_turn_is_somebodys_who_fits(self) -> None:
        state = self.state
        share = state.shares.first()
        if not self.pending and share is not None and state.capacity.free_slots:
            head = share.queue.first()
            assert head is not None
            assert state.capacity.fit(head.task) is None  # type: ignore[attr-defined]

    @invariant()
    def nobody_is_preempted_twice_in_quiet_epochs(self) -> None:
        for epochs in self.asked.values():
            assert all(later - sooner >= QUIET_EPOCHS for sooner, later in itertools.pairwise(epochs))

    def teardown(self) -> None:
        fresh = Schedule(SETTINGS)
        assert [decide(fresh, events) for events, _ in self.tape] == [actions for _, actions in self.tape]
        for event in self.pending:
            fresh.apply(event)
            self.state.apply(event)
        assert fresh.snapshot() == self.state.snapshot()


TestRandomSchedule = RandomSchedule.TestCase
TestRandomSchedule.settings = settings(
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking sixty steps outlasts the time a test has
)
