"""Names and tags of jobs: shown, listed by index, kept through restarts, archives, replays; and the operator's list."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qmk.abi.calls import METHODS
from qmk.abi.shapes import Policy
from qmk.kernel.effects import Forget, Reply, ReplyProgram
from qmk.kernel.events import Finished, Recalled, Submitted
from qmk.kernel.labels import Labelled
from qmk.kernel.objects.archive import Archived
from qmk.kernel.records import decode_record, encode
from qmk.qvm.graph import pack
from tests.unit.kernel.conftest import Bench, bell
from tests.unit.kernel.test_compaction import left
from tests.unit.kernel.test_lists import ids, walk

TAGS = ("a", "b", "run:7")


def test_they_are_shown_and_not_doubled(bench: Bench) -> None:
    session = bench.open()
    job = bench.submit(session, name="Bell pair, ψ", tags=("a", "b", "a"))
    status = bench.ask("q_status", session_id=session, job_id=job)
    assert (status.name, status.tags) == ("Bell pair, ψ", ["a", "b"])
    (row,) = bench.ask("q_jobs", session_id=session, tags=("a",)).jobs
    assert (row.name, row.tags, row.tenant) == ("Bell pair, ψ", ["a", "b"], "local")


def test_lists_by_name_tags_and_state_are_those_of_a_walk(make_bench: type[Bench]) -> None:
    """Also after jobs were archived and forgotten, and after a restart."""
    draws = random.Random(7)
    bench = make_bench(kept_jobs=25, jobs_in_play=4, jobs_archived=5)
    session = bench.open()
    for number in range(40):
        bench.now_s += 1
        tags = tuple(draws.sample(TAGS, draws.randrange(4)))
        job = bench.submit(session, name=draws.choice(("", "x", "y z")), tags=tags)
        if number < 36:
            bench.start(job)
            (bench.finish if draws.random() < 0.7 else bench.fail)(job)
    assert any(isinstance(record, Archived) and record.labels for record in left(bench.journal))

    def check(bench: Bench, session: str) -> None:
        rows = bench.ask("q_jobs", session_id=session, limit=1000).jobs
        assert len(rows) == 29
        for name in ("", "x", "y z", "z"):
            for tags in ((), ("a",), ("run:7", "a"), TAGS):
                for state in (None, "QUEUED", "COMPLETED"):
                    wanted = [
                        row.job_id
                        for row in rows
                        if name in ("", row.name) and set(tags) <= set(row.tags) and state in (None, row.state)
                    ]
                    for limit in (3, 1000):
                        assert walk(bench, session, limit, name=name, tags=tags, state=state) == wanted

    check(bench, session)
    fresh = bench.restarted()
    fresh.recover()
    check(fresh, fresh.open())
    assert fresh.kernel.jobs.snapshot()["jobs"].keys() == bench.kernel.jobs.snapshot()["jobs"].keys()


def test_lists_leave_out_a_state_and_canary_jobs(bench: Bench) -> None:
    session = bench.open()
    ended = bench.submit(session, tags=("a",))
    bench.start(ended)
    bench.finish(ended)
    queued, canary = (bench.submit(session, tags=tags) for tags in ((), ("qmk:canary", "a")))
    assert ids(bench.ask("q_jobs", session_id=session)) == [queued, ended]
    assert ids(bench.ask("q_jobs", session_id=session, not_state="COMPLETED")) == [queued]
    assert ids(bench.ask("q_jobs", session_id=session, not_state="COMPLETED", state="COMPLETED")) == [ended]
    assert ids(bench.ask("q_jobs", session_id=session, tags=("a",))) == [ended]
    assert ids(bench.ask("q_jobs", session_id=session, tags=("a", "qmk:canary"))) == [canary]
    assert bench.refusal("q_jobs", session_id=session, not_state="GONE").kind.name == "INVALID_PARAMS"


def test_a_trace_is_kept_and_no_part_of_what_a_key_is_compared_by(bench: Bench) -> None:
    session = bench.open()
    job = bench.submit(session, idempotency_key="k", trace="ab" * 16)
    (effect,) = bench.call("q_submit", session_id=session, idempotency_key="k", trace="cd" * 16, graph=bell())
    assert isinstance(effect, Reply)
    assert effect.result.job_id == job
    fresh = bench.restarted()
    assert fresh.kernel.jobs.by_id[job].submitted.trace == "ab" * 16
    submitted = decode_record(encode(fresh.kernel.jobs.by_id[job].submitted))
    assert isinstance(submitted, Submitted)
    assert submitted.trace == "ab" * 16


def test_a_program_is_its_tenants_alone(bench: Bench) -> None:
    mine, other = bench.open(tenant="chem"), bench.open(tenant="other")
    job = bench.submit(mine)
    (effect,) = bench.call("q_program", session_id=mine, job_id=job)
    assert isinstance(effect, ReplyProgram)
    assert effect.reply.job_id == job
    assert bench.refusal("q_program", session_id=other, job_id=job).kind.name == "JOB_NOT_FOUND"


def test_a_replay_keeps_them(bench: Bench) -> None:
    session = bench.open()
    job = bench.submit(session, name="first", tags=("a",))
    bench.start(job)
    bench.finish(job)
    recall: Any = bench.call("q_replay", session_id=session, job_id=job)[-1]
    bench.step(Recalled, key=recall.key, graph=pack(bell()))
    assert len(ids(bench.ask("q_jobs", session_id=session, name="first", tags=("a",)))) == 2


def test_they_change_neither_the_key_nor_the_cache_nor_the_size_of_other_records(make_bench: type[Bench]) -> None:
    bench = make_bench(workers=4, cache_bytes=1 << 20)
    session = bench.open()
    seeded: dict[str, Any] = {"policy": Policy(seed=1), "routed": {"version": "1"}}
    job = bench.submit(session, name="one", tags=("a",), idempotency_key="k", **seeded)
    effects = bench.call(
        "q_submit", session_id=session, graph=bell(), name="two", idempotency_key="k", policy=Policy(seed=1)
    )
    assert [effect.result.job_id for effect in effects if isinstance(effect, Reply)] == [job]
    assert bench.ask("q_status", session_id=session, job_id=job).name == "one", "the earlier job is the answer"
    bench.start(job)
    bench.step(Finished, job=job, fence=bench.fence(job), usage={}, version="1")
    again = bench.submit(session, name="three", tags=("b",), **seeded)
    assert bench.ask("q_status", session_id=session, job_id=again).state == "COMPLETED", "from the cache"
    records = {record.job: record for record in bench.journal if isinstance(record, Submitted)}
    plain = msgspec.structs.replace(records[job], name="", tags=())
    assert not {"name", "tags"} & msgspec.msgpack.decode(encode(plain)).keys()
    assert decode_record(encode(records[job])) == records[job]


BAD: list[dict[str, Any]] = [
    {"name": "x" * 65},
    {"name": "two\nlines"},
    {"name": "\x1b[31m"},
    {"name": "\u202eabc"},
    {"name": "end\n"},
    {"name": 7},
    {"tags": ["a b"]},
    {"tags": [""]},
    {"tags": ["x" * 65]},
    {"tags": ["a\n"]},
    {"tags": ["é"]},
    {"tags": [str(number) for number in range(17)]},
    {"tags": "abc"},
    {"tags": [None]},
]


@pytest.mark.parametrize("fields", BAD, ids=str)
@pytest.mark.parametrize("method", ["q_submit", "q_jobs"])
def test_what_is_no_name_and_no_tag_is_refused_by_the_decoder(method: str, fields: dict[str, Any]) -> None:
    sent = msgspec.json.encode({"session_id": "ses_x", **fields})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(sent, type=METHODS[method].request)


def test_the_operator_sees_the_jobs_of_all(make_bench: type[Bench]) -> None:
    bench = make_bench(workers=4)
    made: dict[str, list[str]] = {"local": [], "chem": [], "bio": []}
    sessions = {"local": bench.open(), "chem": bench.open(tenant="chem"), "bio": bench.open(tenant="bio")}
    for number in range(9):
        bench.now_s += 1
        tenant = ("local", "chem", "bio")[number % 3]
        made[tenant].append(bench.submit(sessions[tenant], name="n", tags=("even",) if number % 2 == 0 else ()))
    bench.start(made["chem"][0])

    def listed(**params: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = bench.operate("op_jobs", limit=2, cursor=cursor, **params)
            found += [(row.tenant, row.job_id) for row in page.jobs]
            cursor = page.next
        return found

    everything = listed()
    assert sorted(everything) == sorted((tenant, job) for tenant, jobs in made.items() for job in jobs)
    assert everything[0] == ("bio", made["bio"][2]), "newest first"
    assert listed(tenant="chem") == [row for row in everything if row[0] == "chem"]
    assert listed(tenant="local", tags=("even",)) == [("local", made["local"][2]), ("local", made["local"][0])]
    assert listed(state="RUNNING") == [("chem", made["chem"][0])]
    assert listed(name="none") == []
    assert len(bench.journal) == len(bench.restarted().journal), "nothing is recorded"
    for wrong in ({"tenant": "nobody"}, {"state": "queued"}, {"cursor": "?"}):
        assert bench.operate("op_jobs", **wrong).kind.name == "INVALID_PARAMS"
    for session in sessions.values():
        tenant = next(name for name, each in sessions.items() if each == session)
        rows = bench.ask("q_jobs", session_id=session, name="n").jobs
        assert {row.tenant for row in rows} == {tenant}


def test_a_page_by_tag_costs_what_it_shows(make_bench: type[Bench], calls: Callable[..., int]) -> None:
    def cost(others: int) -> int:
        bench = make_bench()
        session = bench.open()
        bench.submit(session, tags=("mine",))
        for _ in range(others):
            bench.submit(session, tags=("other",))
        return calls(lambda: bench.ask("q_jobs", session_id=session, tags=("mine",)))

    assert cost(64) <= cost(4) + 5


def reply_of(bench: Bench, method: str, **params: Any) -> Any:
    """The answer of a call that changes a job."""
    (effect,) = [each for each in bench.call(method, **params) if isinstance(each, Reply)]
    return effect.result


def test_labels_change_in_every_state_and_outlive_restarts_and_archives(make_bench: type[Bench]) -> None:
    bench = make_bench(jobs_in_play=2, jobs_archived=3, kept_jobs=50)
    session = bench.open()
    jobs: list[str] = []
    for number in range(9):
        bench.now_s += 1
        jobs.append(bench.submit(session, tags=("a", "old")))
        if number < 7:
            bench.start(jobs[-1])
            bench.finish(jobs[-1])
    assert any(isinstance(record, Archived) for record in left(bench.journal))
    archived, fresh, queued = jobs[0], jobs[6], jobs[8]
    for job in (archived, fresh, queued):
        for _ in range(5):
            assert reply_of(bench, "q_label", session_id=session, job_id=job, remove=("new",)).tags[0] == "a"
            reply = reply_of(
                bench, "q_label", session_id=session, job_id=job, add=("new", "new"), remove=("old", "none")
            )
            assert reply.tags == ["a", "new"]
    assert reply_of(bench, "q_label", session_id=session, job_id=jobs[1]).tags == ["a", "old"]
    reply_of(bench, "q_label", session_id=session, job_id=jobs[1], add=("brief",))
    assert reply_of(bench, "q_delete", session_id=session, job_id=jobs[1]).state == "COMPLETED"

    def check(bench: Bench, session: str) -> None:
        assert walk(bench, session, 2, tags=("new",)) == [queued, fresh, archived]
        assert walk(bench, session, 2, tags=("new",), state="COMPLETED") == [fresh, archived]
        assert walk(bench, session, 3, tags=("old",)) == [jobs[7], *jobs[5:1:-1]]
        assert walk(bench, session, 3, tags=("brief",)) == []
        assert bench.ask("q_status", session_id=session, job_id=archived).tags == ["a", "new"]

    check(bench, session)
    rows = left(bench.journal)
    assert sum(isinstance(record, Labelled) for record in rows) == 3, "of each job the newest, of a deleted one none"
    before, bench.journal = bench.kernel.jobs.snapshot()["jobs"], rows
    fresh_bench = bench.restarted()
    assert fresh_bench.kernel.jobs.snapshot()["jobs"] == before
    fresh_bench.recover()
    check(fresh_bench, fresh_bench.open())


def test_labels_have_their_bound_and_their_right(bench: Bench) -> None:
    session, other = bench.open(), bench.open(tenant="other")
    job = bench.submit(session, tags=tuple(f"t{number}" for number in range(15)))
    assert len(reply_of(bench, "q_label", session_id=session, job_id=job, add=("t15",)).tags) == 16
    refused = bench.refusal("q_label", session_id=session, job_id=job, add=("t16",))
    assert (refused.kind.name, refused.fields["field"]) == ("INVALID_PARAMS", "add")
    assert len(reply_of(bench, "q_label", session_id=session, job_id=job, add=("t16",), remove=("t0",)).tags) == 16
    for method in ("q_label", "q_delete"):
        assert bench.refusal(method, session_id=other, job_id=job).kind.name == "JOB_NOT_FOUND"


def test_only_what_has_ended_is_deleted_and_shares_stay(bench: Bench) -> None:
    session = bench.open()
    job = bench.submit(session, idempotency_key="k")
    for state in ("QUEUED", "RUNNING"):
        refused = bench.refusal("q_delete", session_id=session, job_id=job)
        assert (refused.kind.name, refused.fields["state"]) == ("NOT_COMPLETED", state)
        if state == "QUEUED":
            bench.start(job)
    bench.now_s += 5
    bench.finish(job)
    spent = bench.kernel.jobs.snapshot()["virtual_times"]
    effects = bench.call("q_delete", session_id=session, job_id=job)
    assert [each.job for each in effects if isinstance(each, Forget)] == [job]
    assert bench.refusal("q_status", session_id=session, job_id=job).kind.name == "JOB_NOT_FOUND"
    assert bench.submit(session, idempotency_key="k") != job
    fresh = bench.restarted()
    assert fresh.kernel.jobs.snapshot()["virtual_times"].get("local") == spent.get("local")
