"""q_jobs, q_checkpoints and q_channels: whose rows, in which order, in pages, for which rights."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.kernel.effects import Interrupt, Reply
from qmk.kernel.events import Saved
from tests.unit.kernel.conftest import Bench, bell


def ids(reply: Any) -> list[str]:
    return [row.job_id for row in reply.jobs]


def walk(bench: Bench, session: str, limit: int, **params: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = bench.ask("q_jobs", session_id=session, limit=limit, cursor=cursor, **params)
        found += ids(page)
        cursor = page.next
    return found


def submit(bench: Bench, session: str, count: int) -> list[str]:
    """Jobs, oldest first; every other shares its moment with the one before."""
    made: list[str] = []
    for number in range(count):
        bench.now_s += number % 2
        made.append(bench.submit(session))
    return made


def test_jobs_newest_first_in_pages(bench: Bench) -> None:
    session = bench.open()
    made = submit(bench, session, 7)
    everything = ids(bench.ask("q_jobs", session_id=session))
    assert sorted(everything) == sorted(made)
    when = {row.job_id: row.submitted for row in bench.ask("q_jobs", session_id=session).jobs}
    assert [when[job] for job in everything] == sorted(when.values(), reverse=True)
    for limit in (1, 2, 3, 7, 8):
        assert walk(bench, session, limit) == everything


def test_jobs_by_state(bench: Bench) -> None:
    session = bench.open()
    first, second, third = (bench.submit(session) for _ in range(3))
    bench.start(first)
    by_state = {
        state: ids(bench.ask("q_jobs", session_id=session, state=state)) for state in ("QUEUED", "RUNNING", "COMPLETED")
    }
    assert by_state["RUNNING"] == [first]
    assert sorted(by_state["QUEUED"]) == sorted([second, third])
    assert by_state["COMPLETED"] == []
    bench.finish(first, engine_seconds=0.5)
    bench.call("q_cancel", session_id=session, job_id=third)
    assert ids(bench.ask("q_jobs", session_id=session, state="COMPLETED")) == [first]
    (row,) = bench.ask("q_jobs", session_id=session, state="CANCELLED").jobs
    assert (row.job_id, row.error) == (third, "JOB_CANCELLED")


def test_a_state_that_is_none_is_refused(bench: Bench) -> None:
    error = bench.refusal("q_jobs", session_id=bench.open(), state="queued")
    assert error.kind.name == "INVALID_PARAMS"
    assert "QUEUED" in error.fields["help"]


def test_only_the_tenants_own(bench: Bench) -> None:
    mine, theirs = bench.open(tenant="mine"), bench.open(tenant="theirs")
    job = bench.submit(mine)
    bench.submit(theirs)
    assert ids(bench.ask("q_jobs", session_id=mine)) == [job]


def test_a_page_is_the_same_with_and_without_neighbours() -> None:
    """What a cursor is made of does not count other tenants' jobs."""
    pages: list[tuple[list[tuple[float, str]], Any]] = []
    for neighbours in (0, 3):
        bench = Bench()
        mine, theirs = bench.open(tenant="mine"), bench.open(tenant="theirs")
        for number in range(3):
            for _ in range(neighbours):
                bench.submit(theirs)
            bench.count = 100 * (number + 1)
            bench.now_s += 1
            bench.submit(mine)
        page = bench.ask("q_jobs", session_id=mine, limit=2)
        pages.append(([(row.submitted, row.job_id) for row in page.jobs], page.next))
    assert pages[0] == pages[1]


def test_forgotten_jobs_are_not_listed(make_bench: type[Bench]) -> None:
    bench = make_bench(kept_jobs=2)
    session = bench.open()
    made = [bench.submit(session) for _ in range(4)]
    for job in made:
        bench.start(job)
        bench.finish(job)
    assert sorted(ids(bench.ask("q_jobs", session_id=session))) == sorted(made[2:])


def test_a_replayed_kernel_lists_the_same(bench: Bench) -> None:
    session = bench.open()
    made = submit(bench, session, 5)
    bench.start(made[0])
    bench.finish(made[0])
    bench.start(made[1])
    bench.fail(made[1], died=True)
    fresh = bench.restarted()
    fresh.recover()
    other = fresh.open()
    for state in (None, "QUEUED", "COMPLETED"):
        before = ids(bench.ask("q_jobs", session_id=session, state=state))
        assert ids(fresh.ask("q_jobs", session_id=other, state=state)) == before


def saved(bench: Bench, session: str, job: str, epoch: int) -> str:
    """A checkpoint that was asked for, and one that the kernel keeps for itself."""
    effects = bench.call("q_checkpoint", session_id=session, job_id=job)
    (asked,) = [effect for effect in effects if isinstance(effect, Interrupt)]
    state: dict[str, Any] = {"epoch": epoch, "blob": f"{epoch:064}", "size_bytes": 10 * epoch}
    fence = bench.fence(job)
    bench.step(Saved, job=job, fence=fence, checkpoint=asked.ref, **state)
    bench.step(Saved, job=job, fence=fence, checkpoint=f"chk_own{job}{epoch}", **state)
    return asked.ref


def test_checkpoints_of_the_tenant_and_of_a_job(make_bench: type[Bench]) -> None:
    bench = make_bench(workers=2)
    session = bench.open()
    one, other = (bench.submit(session, graph=bell(fences=3), fenced=True) for _ in range(2))
    bench.start(one)
    bench.start(other)
    made: list[str] = []
    for job, epoch in ((one, 1), (other, 1), (one, 2)):
        bench.now_s += 1
        made.append(saved(bench, session, job, epoch))
    reply = bench.ask("q_checkpoints", session_id=session)
    assert [row.checkpoint_id for row in reply.checkpoints] == made[::-1]
    newest = reply.checkpoints[0]
    assert (newest.epoch, newest.size_bytes, newest.saved) == (2, 20, bench.now_s)
    of_one = bench.ask("q_checkpoints", session_id=session, job_id=one, limit=1)
    assert [row.checkpoint_id for row in of_one.checkpoints] == [made[2]]
    rest = bench.ask("q_checkpoints", session_id=session, job_id=one, cursor=of_one.next)
    assert [row.checkpoint_id for row in rest.checkpoints] == [made[0]]
    assert rest.next is None
    stranger = bench.open(tenant="stranger")
    assert bench.ask("q_checkpoints", session_id=stranger).checkpoints == []
    assert bench.refusal("q_checkpoints", session_id=stranger, job_id=one).kind.name == "JOB_NOT_FOUND"


def test_a_right_over_one_job_lists_its_checkpoints_alone(bench: Bench) -> None:
    owner = bench.ask("q_negotiate_caps", token=bench.enrol("owner"))
    named, other = bench.submit(owner.session_id), bench.submit(owner.session_id)
    give = {"capability": owner.root, "rights": ["CAP_STATUS"], "to_tenant": "guest", "jobs": [named]}
    offer = bench.ask("q_delegate", session_id=owner.session_id, **give).capability
    guest = bench.ask("q_negotiate_caps", token=bench.enrol("guest", rights=["CAP_STATUS"]), requested=[])
    bench.ask("q_delegate", session_id=guest.session_id, capability=offer, rights=["CAP_STATUS"])
    bench.call("q_checkpoint", session_id=owner.session_id, job_id=other)
    assert bench.ask("q_checkpoints", session_id=guest.session_id, job_id=named).checkpoints == []
    assert bench.ask("q_checkpoints", session_id=guest.session_id).checkpoints == []
    assert ids(bench.ask("q_jobs", session_id=guest.session_id)) == []
    assert bench.refusal("q_checkpoints", session_id=guest.session_id, job_id=other).kind.name == "JOB_NOT_FOUND"


def proposed(bench: Bench, session: str, peers: list[str]) -> str:
    effects = bench.call("q_open_chan", session_id=session, peers=peers, fidelity=0.9, entanglements_max=10)
    (reply,) = [effect for effect in effects if isinstance(effect, Reply)]
    return reply.result.channel


def test_channels_of_both_parties_and_nobody_else(bench: Bench) -> None:
    caps = ["CAP_LINK"]
    alice, bob, carol = (bench.open(tenant=name, requested=caps) for name in ("alice", "bob", "carol"))
    made: list[str] = []
    for peers in (["alice", "bob"], ["alice", "carol"], ["alice", "alice"]):
        bench.now_s += 1
        made.append(proposed(bench, alice, peers))
    lists = {
        session: [row.channel for row in bench.ask("q_channels", session_id=session).channels]
        for session in (alice, bob, carol)
    }
    assert lists == {alice: made[::-1], bob: [made[0]], carol: [made[1]]}
    (row,) = bench.ask("q_channels", session_id=bob).channels
    assert (row.state, row.approved, row.proposed) == ("PROPOSED", ["alice"], bench.now_s - 2)
    page = bench.ask("q_channels", session_id=alice, limit=2)
    assert [row.channel for row in bench.ask("q_channels", session_id=alice, cursor=page.next).channels] == [made[0]]
    fresh = bench.restarted()
    fresh.recover()
    session = fresh.open(tenant="alice", requested=caps)
    assert [row.channel for row in fresh.ask("q_channels", session_id=session).channels] == made[::-1]


def test_forgotten_channels_are_not_listed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from qmk.base.limits import LIMITS

    monkeypatch.setattr(LIMITS, "kept_channels", 1)
    session = bench.open(requested=["CAP_LINK"])
    made: list[str] = []
    for _ in range(3):
        bench.now_s += 1
        made.append(proposed(bench, session, ["local", "local"]))
        bench.call("q_close_chan", session_id=session, channel=made[-1])
    assert [row.channel for row in bench.ask("q_channels", session_id=session).channels] == [made[2]]


def test_the_limit_of_a_page_is_declared() -> None:
    from qmk.abi.calls import q_jobs
    from qmk.base.limits import LIMITS
    from qmk.rpc.describe import field

    row = field(q_jobs.Request, "limit")
    assert row is not None
    assert row.type == f"int 1 to {LIMITS.page_rows}"
