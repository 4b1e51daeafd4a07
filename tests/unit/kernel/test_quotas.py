"""Every quota at its boundary: the last that fits is taken, one more is refused with the numbers, and it frees."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.quotas import QUOTAS, check_limits
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.ir.summary import summarise
from qmk.kernel.config import TenantConfig
from qmk.kernel.demand import Demand, measure, result_bytes_max
from qmk.kernel.effects import Forget, Launch, ReplyError, Route
from qmk.kernel.events import ClockStepped, ConnectionClosed
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.quota import MINUTE_NS, Rate
from qmk.policy import refusals
from qmk.qvm.graph import Graph, Node

DAY_S = 86_400
BELL_GATES = 2


@pytest.fixture
def bench_of(make_bench: Any) -> Any:
    """A bench whose local tenant has these quotas."""

    def make(config: dict[str, Any] | None = None, **quotas: int) -> Any:
        return make_bench(local=TenantConfig(quotas=quotas), **(config or {}))

    return make


def refused(bench: Any, session: str, program: Any, **params: Any) -> dict[str, Any]:
    return bench.refusal("q_submit", session_id=session, graph=program(), **params).fields


def used(bench: Any, name: str) -> int:
    return bench.kernel.tenant("local").quota(name).in_use


@pytest.mark.parametrize(
    ("name", "limit", "asked", "before"),
    [
        ("queued_jobs", 1, 2, 1),
        ("logical_qubits", 3, 4, 2),
        ("shots_period", 1999, 2000, 1000),
        ("gates", 3999, 4000, 2000),
    ],
)
def test_one_more_job_than_fits_is_refused_with_the_numbers(
    bench_of: Any, program: Any, name: str, limit: int, asked: int, before: int
) -> None:
    bench = bench_of(**{name: limit})
    session = bench.open()
    job = bench.submit(session)
    fields = refused(bench, session, program)
    expected = {"quota": name, "asked": asked, "limit": limit, "used": before, "scope": "tenant"}
    assert {key: fields[key] for key in expected} == expected
    assert fields["retryable"] is (QUOTAS[name].kind == "held" or before + asked <= 2 * limit)
    assert used(bench, name) == before, "a refusal takes nothing"
    bench.call("q_cancel", session_id=session, job_id=job)
    assert used(bench, name) == 0
    bench.submit(session)


@pytest.mark.parametrize(("name", "limit"), [("shots", 999), ("physical_qubits", 1), ("running_jobs", 0)])
def test_a_job_that_could_never_run_is_refused_for_good(bench_of: Any, program: Any, name: str, limit: int) -> None:
    bench = bench_of(**{name: limit})
    fields = refused(bench, bench.open(), program)
    assert (fields["quota"], fields["limit"], fields["retryable"]) == (name, limit, False)


def test_what_exceeds_a_quota_alone_is_not_worth_a_retry(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=999)
    fields = refused(bench, bench.open(), program)
    assert fields["retryable"] is False
    assert "retry_after_ms" not in fields


def test_qubits_of_running_jobs_hold_back_launches(bench_of: Any) -> None:
    bench = bench_of({"workers": 4}, physical_qubits=3)
    session = bench.open()
    first, second = bench.submit(session), bench.submit(session)
    assert [launch.job for launch in bench.launches] == [first], "two qubits more do not fit beside two"
    assert any(isinstance(effect, Launch) and effect.job == second for effect in bench.finish(first))
    assert used(bench, "physical_qubits") == 2


def test_reserved_qubits_count_beside_those_of_jobs(bench_of: Any, program: Any) -> None:
    bench = bench_of(logical_qubits=3)
    session = bench.open()
    handles = bench.ask("q_alloc", session_id=session, n=2).handles
    assert refused(bench, session, program)["quota"] == "logical_qubits"
    bench.ask("q_release", session_id=session, handles=handles[:1])
    bench.submit(session)
    assert bench.refusal("q_alloc", session_id=session, n=1).fields["quota"] == "logical_qubits"


def test_a_spent_quota_frees_when_the_period_ends(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=1000)
    bench.now_s = 10 * DAY_S + 100.0
    session = bench.open()
    bench.finish(bench.submit(session))
    fields = refused(bench, session, program)
    assert fields["retry_after_ms"] == (DAY_S - 100) * 1000
    assert fields["period_end"] == 11 * DAY_S
    bench.now_s = 11 * DAY_S - 1
    assert refused(bench, session, program)["retry_after_ms"] == 1000
    bench.now_s = 11 * DAY_S
    bench.submit(session)


def test_a_refusal_says_when_it_is_possible_again(bench_of: Any, program: Any) -> None:
    """In words, not in its data alone: at the period's end, when jobs end, or in a moment."""
    bench = bench_of(shots_period=1000, queued_jobs=2, calls_per_minute=100)
    bench.now_s = 10 * DAY_S + 3600.0
    session = bench.open()

    def words(**params: Any) -> str:
        return bench.refusal("q_submit", session_id=session, graph=program(), **params).message

    job = bench.submit(session, shots=999)
    assert words(shots=2) == (
        "2 shots on top of 999 exceed the quota 'shots_period' of 1000 shots; "
        "it is free again when a job of the tenant ends or is cancelled"
    ), "they are only reserved"
    bench.finish(job)
    assert words(shots=2) == (
        "2 shots on top of 999 exceed the quota 'shots_period' of 1000 shots; "
        "it is free again when the period ends, in 23 h 0 min"
    )
    assert words(shots=1001).endswith("exceed the quota 'shots_period' of 1000 shots"), "it never is"


def test_a_refusal_counts_in_the_singular_too(bench_of: Any, program: Any) -> None:
    bench = bench_of(calls_per_minute=3, queued_jobs=1, shots=1)
    session = bench.open()
    error = bench.refusal("q_submit", session_id=session, graph=program(), shots=2)
    assert error.message == "2 shots of one job exceed the quota 'shots' of 1 shot"
    bench.submit(session, shots=1)
    error = bench.refusal("q_submit", session_id=session, graph=program(), shots=1)
    assert error.message == (
        "1 call on top of 3 exceeds the quota 'calls_per_minute' of 3 calls; it is free again in 20.00 s"
    )
    bench.now_s += 20
    error = bench.refusal("q_submit", session_id=session, graph=program(), shots=1)
    assert error.message.startswith("1 job on top of 1 exceeds the quota 'queued_jobs' of 1 job; it is free again when")


def test_a_clock_that_goes_back_frees_nothing_twice(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=1000)
    bench.now_s = 10.5 * DAY_S
    session = bench.open()
    bench.finish(bench.submit(session))
    for days in (9.8, 10.6, 9.9, 10.4):
        bench.now_s = days * DAY_S
        assert refused(bench, session, program)["quota"] == "shots_period"
    bench.now_s = 11.0 * DAY_S
    bench.submit(session)


def test_one_wrong_hour_of_the_clock_does_not_last_for_years(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=1000)
    bench.now_s = 4000.5 * DAY_S
    session = bench.open()
    bench.finish(bench.submit(session))
    bench.now_s = 10.5 * DAY_S
    fields = refused(bench, session, program)
    assert fields["period_end"] == 11 * DAY_S
    bench.now_s = 11.0 * DAY_S
    bench.submit(session)


def test_a_clock_that_is_set_ahead_forgets_nothing_that_was_spent(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=1000)
    bench.now_s = 10.5 * DAY_S
    session = bench.open()
    bench.finish(bench.submit(session))
    for days in (1, 40):
        bench.now_s += days * DAY_S
        bench.step(ClockStepped, by_ns=days * DAY_S * 10**9)
        session = bench.open()
        assert refused(bench, session, program)["quota"] == "shots_period"
    assert refused(bench, session, program)["period_end"] == 52 * DAY_S
    spent_at_ns = round(10.5 * DAY_S * 1e9)
    again = bench.restarted()
    for days in (0, 0, 40, 0.1):  # whatever the clock says at a start: the ledger is asked from there on
        again.now_s += days * DAY_S
        assert again.kernel.counted_from_ns(again.now_ns) <= spent_at_ns
        again.recover()
        again = again.restarted()
    again.now_s += 0.9 * DAY_S
    assert again.kernel.counted_from_ns(again.now_ns) > spent_at_ns, "a stop over one end of a period is believed"


def test_a_period_ends_while_the_daemon_runs_as_ever(bench_of: Any) -> None:
    bench = bench_of(shots_period=1000)
    bench.now_s = 10.5 * DAY_S
    bench.open()
    bench.recover()
    bench.now_s = 12.25 * DAY_S
    bench.finish(bench.submit(bench.open()))
    bench.now_s = 12.5 * DAY_S
    assert bench.restarted().kernel.counted_from_ns(bench.now_ns) == 12 * DAY_S * 10**9


def test_what_is_reserved_and_not_spent_is_free_again_within_the_period(bench_of: Any, program: Any) -> None:
    bench = bench_of(shots_period=1000)
    session = bench.open()
    job = bench.submit(session)
    assert "retry_after_ms" not in refused(bench, session, program), "it may be free long before the period's end"
    bench.start(job)
    bench.progress(job, 400)
    bench.call("q_cancel", session_id=session, job_id=job)
    assert used(bench, "shots_period") == 400
    assert refused(bench, session, program, shots=601)["asked"] == 1001
    bench.submit(session, shots=600)


def test_engine_time_is_reserved_as_predicted_and_charged_as_measured(bench_of: Any, program: Any) -> None:
    bench = bench_of(engine_seconds=10)
    session = bench.open()
    first = bench.submit(session, seconds=6.0)
    (route,) = bench.call("q_submit", session_id=session, graph=program(), idempotency_key="k")
    (answer,) = bench.route(route.job, seconds=5.0)
    assert isinstance(answer, ReplyError)
    assert (answer.error.fields["quota"], answer.error.fields["asked"], answer.error.fields["used"]) == (
        "engine_seconds",
        11.0,
        6.0,
    )
    assert bench.refusal("q_status", session_id=session, job_id=route.job).kind.name == "JOB_NOT_FOUND"
    bench.finish(first, engine_seconds=2.5)
    figures = {row.name: row.used for row in bench.ask("q_get_telemetry", session_id=session).quota}
    assert figures["engine_seconds"] == 2.5
    bench.submit(session, seconds=7.5, idempotency_key="k")


def test_bytes_of_ended_jobs_give_way_and_others_do_not(bench_of: Any, program: Any) -> None:
    bench = bench_of()
    session = bench.open()
    probe = bench.submit(session)
    one = used(bench, "bytes_stored")
    bench = bench_of(bytes_stored=3 * one - 1)
    session = bench.open()
    first, second = bench.submit(session), bench.submit(session)
    fields = refused(bench, session, program)
    assert (fields["quota"], fields["asked"]) == ("bytes_stored", 3 * one)
    bench.finish(first, result_bytes=one)
    (route,) = bench.call("q_submit", session_id=session, graph=program())
    assert first in bench.kernel.jobs.by_id, "nothing is forgotten for a job that may yet be refused"
    effects = bench.route(route.job)
    assert Forget(first) in effects
    assert set(bench.kernel.jobs.by_id) == {second, route.job}
    assert used(bench, "bytes_stored") == 2 * one
    assert probe


def test_all_tenants_together_keep_so_much(make_bench: Any, program: Any) -> None:
    bench = make_bench(kept_bytes=5000)
    session = bench.open()
    jobs = []
    for _ in range(5):
        jobs.append(bench.submit(session))
        bench.finish(jobs[-1], result_bytes=1500)
    assert bench.kernel.accounts.kept_bytes <= 5000
    kept = list(bench.kernel.jobs.by_id)
    assert kept == jobs[-len(kept) :], "the oldest went"
    assert 1 < len(kept) < 5
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()


def test_graphs_in_memory_are_bounded_for_all_together(make_bench: Any, program: Any) -> None:
    bench = make_bench(queued_bytes=1)
    error = bench.refusal("q_submit", session_id=bench.open(), graph=program())
    assert error.kind.name == "RESOURCE_EXHAUSTED"
    assert error.fields["resource"] == "queued_bytes"
    assert error.fields["limit"] == 1


def test_calls_come_from_a_bucket_that_fills_evenly(bench_of: Any) -> None:
    bench = bench_of(calls_per_minute=3)
    session = bench.open()
    bench.ask("q_get_telemetry", session_id=session)
    bench.ask("q_get_telemetry", session_id=session)
    error = bench.refusal("q_get_telemetry", session_id=session)
    assert error.fields["quota"] == "calls_per_minute"
    assert (error.fields["retryable"], error.fields["retry_after_ms"]) == (True, 20_000)
    bench.now_s += 19.999
    bench.refusal("q_get_telemetry", session_id=session)
    bench.now_s += 0.002
    bench.ask("q_get_telemetry", session_id=session)
    assert bench.refusal("q_negotiate_caps").fields["quota"] == "calls_per_minute"


@pytest.mark.parametrize("jump_s", [-1e6, -1.0, 0.0, 1.0, 1e6])
def test_whatever_the_clock_does_the_bucket_is_full_a_minute_later(jump_s: float) -> None:
    rate = Rate("calls_per_minute", 10, "t")
    now_ns = 10**18
    for _ in range(10):
        rate.call(now_ns)
    now_ns += int(jump_s * 1e9)
    for at_ns in (now_ns, now_ns + MINUTE_NS):
        accepted = 0
        for _ in range(25):
            accepted += rate.call(at_ns)
        assert accepted <= 10
    assert accepted == 10


def test_a_rate_of_nothing_lets_nothing_through() -> None:
    rate = Rate("calls_per_minute", 0, "t")
    assert not rate.call(5)
    assert refusals.quota_exceeded(rate, 1, 5).fields["retryable"] is False


def test_a_session_may_have_narrower_quotas(bench_of: Any, program: Any) -> None:
    bench = bench_of(queued_jobs=5)
    narrow, wide = bench.open(quota={"queued_jobs": 1, "held_qubits": 2}), bench.open()
    bench.submit(narrow)
    fields = refused(bench, narrow, program)
    assert (fields["quota"], fields["limit"], fields["scope"]) == ("queued_jobs", 1, "session")
    job = bench.submit(wide)
    bench.ask("q_alloc", session_id=narrow, n=2)
    assert bench.refusal("q_alloc", session_id=narrow, n=1).fields["scope"] == "session"
    bench.ask("q_alloc", session_id=wide, n=9)
    rows = {row.name: row for row in bench.ask("q_get_telemetry", session_id=narrow).quota}
    assert (rows["queued_jobs"].limit, rows["queued_jobs"].used) == (1, 1)
    assert rows["running_jobs"].limit == QUOTAS["running_jobs"].default
    assert set(rows) == set(QUOTAS)
    bench.ask("q_close_session", session_id=narrow)
    assert used(bench, "held_qubits") == 9
    assert used(bench, "queued_jobs") == 2, "jobs outlive their session"
    assert job in bench.kernel.jobs.by_id


def test_the_tenants_quota_holds_for_its_sessions_together(bench_of: Any, program: Any) -> None:
    bench = bench_of(queued_jobs=3)
    sessions = [bench.open(quota={"queued_jobs": 2}) for _ in range(2)]
    bench.submit(sessions[0])
    bench.submit(sessions[0])
    bench.submit(sessions[1])
    assert refused(bench, sessions[1], program)["scope"] == "tenant"


@pytest.mark.parametrize(
    ("quota", "field"),
    [
        ({"queued_jobs": 6}, "quota.queued_jobs"),
        ({"queued_job": 1}, "quota.queued_job"),
        ({"bytes_stored": 1}, "quota.bytes_stored"),
        ({"sessions": 1}, "quota.sessions"),
    ],
)
def test_a_session_cannot_widen_or_invent_quotas(bench_of: Any, quota: dict[str, int], field: str) -> None:
    error = bench_of(queued_jobs=5).refusal("q_negotiate_caps", quota=quota)
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", field)


def test_limits_of_a_tenant_are_checked_by_name() -> None:
    check_limits({"shots": 0})
    for wrong in ({"shot": 1}, {"shots": -1}):
        with pytest.raises(QmkError) as caught:
            check_limits(wrong)
        assert caught.value.kind.name == "INVALID_PARAMS"
    with pytest.raises(QmkError, match="did you mean 'shots'"):
        check_limits({"shot": 1})


def test_a_lowered_limit_takes_nothing_away_and_grants_nothing(bench_of: Any, program: Any) -> None:
    bench = bench_of()
    session = bench.open()
    jobs = [bench.submit(session) for _ in range(3)]
    bench.kernel.tenant("local").configure(TenantConfig(quotas={"queued_jobs": 2}))
    assert refused(bench, session, program)["used"] == 3
    bench.finish(jobs[0])
    assert refused(bench, session, program)["used"] == 2
    bench.kernel.tenant("local").configure(TenantConfig(quotas={"queued_jobs": 3}))
    bench.submit(session)


def test_one_tenant_or_connection_cannot_open_every_session(bench_of: Any) -> None:
    bench = bench_of(sessions=3)
    first = bench.open(conn=1)
    for _ in range(2):
        bench.open(conn=2)
    fields = bench.refusal("q_negotiate_caps", conn=3).fields
    assert (fields["quota"], fields["limit"], fields["scope"]) == ("sessions", 3, "tenant")
    bench.step(ConnectionClosed, conn=1)
    bench.open(conn=3)
    assert bench.refusal("q_status", session_id=first, job_id="j").kind.name == "SESSION_NOT_FOUND", "it made room"
    bench = bench_of()
    for _ in range(LIMITS.connection_sessions):
        bench.open(conn=1)
    assert bench.refusal("q_negotiate_caps", conn=1).fields["quota"] == "connection_sessions"
    bench.open(conn=2)


def test_refusals_and_admissions_are_audited(bench_of: Any, program: Any) -> None:
    bench = bench_of(queued_jobs=1)
    seen: list[tuple[str, str, dict[str, Any]]] = []
    bench.kernel.audit = lambda kind, tenant, **fields: seen.append((kind, tenant, fields))
    session = bench.open()
    job = bench.submit(session)
    refused(bench, session, program)
    bench.refusal("q_submit", session_id=session)
    kinds = [(kind, fields.get("quota", fields.get("error", fields.get("job")))) for kind, _, fields in seen]
    assert [row for row in kinds if row[0] in ("job.admit", "quota.deny", "job.refuse")] == [
        ("job.admit", job),
        ("quota.deny", "queued_jobs"),
        ("job.refuse", "INVALID_PARAMS"),
    ]
    assert {tenant for _, tenant, _ in seen} == {"local"}


def test_a_flood_of_calls_does_not_flood_the_audit_log(bench_of: Any) -> None:
    bench = bench_of(calls_per_minute=1)
    session = bench.open()
    seen: list[str] = []
    bench.kernel.audit = lambda kind, tenant, **fields: seen.append(kind)
    for _ in range(50):
        bench.refusal("q_get_telemetry", session_id=session)
    assert seen == ["quota.deny"]


def test_the_cheap_pass_agrees_with_the_summary(program: Any) -> None:
    twice = Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("p", "q")),
            Node("h", "core.h", vqs=("p",)),
            Node("d", "core.free", vqs=("p",)),
            Node("b", "core.alloc", vqs=("p",)),
            Node("t", "magic.inject_t", vqs=("p",)),
            Node("e", "core.free", vqs=("p", "q")),
        ),
        vqs=("p", "q"),
    )
    for graph in (program(), program(fences=2), twice):
        summary = summarise(graph)
        assert measure(graph)[:2] == (summary.qubits_live_max, summary.unitaries)


def test_the_largest_result_is_bounded_by_what_an_answer_carries() -> None:
    assert result_bytes_max(200, 100_000_000, False) < LIMITS.frame_bytes + 100_000
    assert result_bytes_max(1, 10**8, False) < 10_000
    assert result_bytes_max(8, 1000, True) - result_bytes_max(8, 1000, False) == 2000


def test_a_job_that_grows_asks_for_what_it_has_grown_by() -> None:
    account = Account("lab", {"logical_qubits": 10})
    before = Demand(n_qubits=6, shots=1, gates=0, graph_bytes=0, stored_bytes=0)
    account.hold(before)
    assert account.find_exceeded(before._replace(n_qubits=10), before) is None
    exceeded = account.find_exceeded(before._replace(n_qubits=11), before)
    assert exceeded is not None
    quota, asked = exceeded
    assert (quota.name, asked) == ("logical_qubits", 5)


def test_a_pending_job_is_counted_before_it_is_routed(bench_of: Any, program: Any) -> None:
    bench = bench_of(queued_jobs=2, shots_period=2000)
    session = bench.open()
    routes = [bench.call("q_submit", session_id=session, graph=program())[0] for _ in range(2)]
    assert all(isinstance(route, Route) for route in routes)
    assert refused(bench, session, program)["quota"] == "queued_jobs"
    assert used(bench, "shots_period") == 2000
