"""A policy that proposes nonsense makes the kernel unfair or slow at worst: every proposal is checked."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.capacity import Settings
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Audit, Interrupt, Launch, SetTimer
from qmk.kernel.events import Finished
from qmk.kernel.policy import Entry
from qmk.kernel.scheduling import Action, Place, Preempt, WakeAt
from qmk.policy.schedule.scheduler import FairScheduler
from qmk.policy.standard import StandardPolicy
from tests.unit.kernel.conftest import Bench


class Dictated(FairScheduler):
    """Proposes what ``said`` holds, and only then what it would by itself; ``said`` None: nothing at all."""

    said: list[Action] | None = None

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        fair = self.decide
        self.decide = lambda: fair() if self.said is None else self.said  # type: ignore[assignment]


class BadPolicy(StandardPolicy):
    def __init__(self) -> None:
        self.dictated: Dictated | None = None

    def scheduler(self, settings: Settings, /) -> FairScheduler:
        self.dictated = Dictated(settings)
        return self.dictated


@pytest.fixture
def bad() -> tuple[Bench, Dictated]:
    bench, policy = Bench(), BadPolicy()
    config = KernelConfig(workers=2, regions=(("west", 4), ("east", 4)), token_key=bytes(range(32)), audited=True)
    bench.kernel = Kernel(config, policy)
    assert policy.dictated is not None
    return bench, policy.dictated


def proposals(bench: Bench, scheduler: Dictated, *said: Action) -> tuple[list[Any], list[str]]:
    """What the kernel does about them, and why it does not."""
    scheduler.said = list(said)
    bench.kernel.out = []
    bench.kernel.launch_ready()
    scheduler.said = []
    done = [effect for effect in bench.kernel.out if isinstance(effect, (Launch, Interrupt, SetTimer))]
    refused = [e for e in bench.kernel.out if isinstance(e, Audit) and e.kind == "schedule.refuse"]
    return done, [effect.fields["why"] for effect in refused]


def test_a_place_that_is_not_free_is_refused(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    session = bench.open()
    scheduler.said = []
    first, second = bench.submit(session), bench.submit(session)
    (launch,), why = proposals(bench, scheduler, Place(first, "west", 0), Place(second, "west", 1))
    assert (launch.job, launch.first_qubit) == (first, 0)
    assert why == ["the place is not free"]
    for region, at in (("west", 3), ("west", -1), ("nowhere", 0), ("east", 0)):
        done, why = proposals(bench, scheduler, Place(second, region, at))
        assert why == ["the place is not free"], "east begins at qubit 4 of the device"
        assert done == []
    (launch,), why = proposals(bench, scheduler, Place(second, "west", 2))
    assert (launch.job, launch.first_qubit, why) == (second, 2, [])


def test_only_a_job_that_waits_is_launched_and_only_once(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    session = bench.open()
    scheduler.said = []
    job = bench.submit(session)
    (launch,), why = proposals(bench, scheduler, Place(job, "west", 0), Place(job, "east", 4), Place("job_none", "", 0))
    assert launch.job == job
    assert why == ["the job does not wait"] * 2


def test_no_more_than_the_workers(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    session = bench.open()
    scheduler.said = []
    one, two, three = (bench.submit(session) for _ in range(3))
    said = Place(one, "west", 0), Place(two, "west", 2), Place(three, "east", 4)
    done, why = proposals(bench, scheduler, *said)
    assert [launch.job for launch in done] == [one, two]
    assert why == ["the place is not free"]


def test_quotas_and_suspensions_hold_whatever_is_proposed(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    token = bench.enrol("small", quotas={"running_jobs": 1})
    session = bench.open(token=token)
    scheduler.said = []
    first, second = bench.submit(session), bench.submit(session)
    done, why = proposals(bench, scheduler, Place(first, "west", 0), Place(second, "east", 4))
    assert ([launch.job for launch in done], why) == ([first], ["its tenant or its session has as much out as it may"])
    other = bench.submit(bench.open(tenant="other"))
    bench.operate("op_tenant_suspend", tenant="other")
    assert proposals(bench, scheduler, Place(other, "east", 4)) == ([], ["its tenant is suspended"])


def test_a_launch_that_cannot_yield_is_not_asked_and_no_timer_is_set_in_the_past(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    scheduler.said = []
    job = bench.submit(bench.open())
    proposals(bench, scheduler, Place(job, "west", 0))
    done, why = proposals(bench, scheduler, Preempt(job), Preempt("job_none"), WakeAt(bench.now_ns))
    assert done == []
    assert why == ["the job cannot yield", "the job cannot yield", "it asks to be woken in the past"]


def test_a_refused_job_still_waits_and_a_fair_scheduler_launches_it(bad: tuple[Bench, Dictated]) -> None:
    bench, scheduler = bad
    scheduler.said = []
    job = bench.submit(bench.open())
    proposals(bench, scheduler, Place(job, "nowhere", 0))
    assert job in {waiting.id for waiting in bench.kernel.jobs.queue}
    scheduler.said = None
    bench.kernel.out = []
    bench.kernel.launch_ready()
    assert [effect.job for effect in bench.kernel.out if isinstance(effect, Launch)] == [job]


class Gossip(StandardPolicy):
    """Its index shows everything to everybody, and its cache gives whatever result there is."""

    def index(self) -> Any:
        return _Everything()

    def cache(self, entries: int, size_bytes: int, /) -> Any:
        return _Anything()


class _Everything:
    def __init__(self) -> None:
        self.rows: list[str] = []

    def put(self, group: Hashable, at_ns: int, id: str) -> None:
        self.rows.append(id)

    def drop(self, group: Hashable, at_ns: int, id: str) -> None:
        self.rows.remove(id)

    def oldest(self, group: Hashable) -> list[str]:
        return self.rows

    def page(self, groups: Sequence[Hashable], cursor: str, limit: int) -> tuple[list[str], str | None]:
        return self.rows, None


class _Anything:
    entry: Entry | None = None

    def add(self, tenant: str, key: Hashable, entry: Entry) -> None:
        self.entry = entry

    def find(self, tenant: str, key: Hashable) -> Entry | None:
        return self.entry

    def drop(self, tenant: str, job: str) -> None:
        self.entry = None


def test_an_index_that_shows_everything_shows_nobody_what_is_anothers() -> None:
    bench = Bench()
    bench.kernel = Kernel(KernelConfig(token_key=bytes(range(32))), Gossip())
    alice, bob = bench.open(tenant="alice"), bench.open(tenant="bob")
    job = bench.submit(alice)
    assert [row.job_id for row in bench.ask("q_jobs", session_id=alice).jobs] == [job]
    assert bench.ask("q_jobs", session_id=bob).jobs == []


def test_a_cache_that_gives_anything_serves_only_what_was_asked_for() -> None:
    bench = Bench()
    bench.kernel = Kernel(KernelConfig(workers=4, token_key=bytes(range(32)), cache_bytes=1 << 20), Gossip())
    alice, bob = bench.open(tenant="alice"), bench.open(tenant="bob")

    def submit(session: str, seed: int) -> str:
        return bench.submit(session, policy=Policy(seed=seed), routed={"version": "1"})

    first = submit(alice, 1)
    bench.start(first)
    bench.step(Finished, job=first, fence=bench.fence(first), usage={"result_bytes": 100}, version="1")
    for session, seed, cached in ((bob, 1, ""), (alice, 2, ""), (alice, 1, first)):
        assert bench.kernel.jobs.by_id[submit(session, seed)].cached_from == cached
