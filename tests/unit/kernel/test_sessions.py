"""Sessions, capabilities, reserved qubits."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls import CALLS
from qmk.abi.quotas import QUOTAS
from qmk.base.limits import TABLE
from qmk.kernel.config import CAP_DEBUG, TenantConfig
from qmk.kernel.effects import Reply, ReplyError
from qmk.kernel.events import ConnectionClosed
from qmk.qvm.families import CAPABILITIES
from tests.exchanges import EXAMPLES


def test_all_default_capabilities_without_a_wish_and_only_the_wished_with_one(bench: Any) -> None:
    everything = bench.ask("q_negotiate_caps")
    assert [row.name for row in everything.granted] == list(CAPABILITIES)
    nothing = bench.ask("q_negotiate_caps", requested=[])
    assert (nothing.granted, nothing.denied) == ([], [])
    some = bench.ask("q_negotiate_caps", requested=["CAP_ALLOC", CAP_DEBUG, "CAP_PAINT", "CAP_ALLOC"])
    assert [row.name for row in some.granted] == ["CAP_ALLOC", CAP_DEBUG]
    assert [row.name for row in some.denied] == ["CAP_PAINT"]


def test_policy_denies_what_it_does_not_allow(make_bench: Any) -> None:
    bench = make_bench(local=TenantConfig(allowed_caps=("CAP_ALLOC",), default_caps=("CAP_ALLOC",)))
    reply = bench.ask("q_negotiate_caps", requested=["CAP_ALLOC", "CAP_MAGIC"])
    assert [row.name for row in reply.granted] == ["CAP_ALLOC"]
    assert [row.name for row in reply.denied] == ["CAP_MAGIC"]


def test_the_reply_carries_every_limit_and_quota(bench: Any) -> None:
    reply = bench.ask("q_negotiate_caps")
    assert reply.limits == {name: row.value for name, row in TABLE.items()}
    assert [row.name for row in reply.quota] == list(QUOTAS)
    assert reply.devices == ["ideal"]


def test_tokens_decide_the_tenant(make_bench: Any) -> None:
    bench = make_bench(local_allowed=False)
    good, held = bench.enrol("lab"), bench.enrol("held")
    bench.operate("op_tenant_suspend", tenant="held")
    assert bench.ask("q_negotiate_caps", token=good).tenant == "lab"
    assert bench.refusal("q_negotiate_caps").kind.name == "AUTH_FAILED"
    assert bench.refusal("q_negotiate_caps", token="bad").kind.name == "AUTH_FAILED"
    assert bench.refusal("q_negotiate_caps", token=held).kind.name == "TENANT_SUSPENDED"


def test_local_mode_takes_no_token(bench: Any) -> None:
    assert bench.refusal("q_negotiate_caps", token="x").kind.name == "AUTH_FAILED"


@pytest.mark.parametrize("call", [c for c in CALLS if c.name not in ("q_negotiate_caps",)], ids=lambda c: c.name)
def test_every_call_refuses_an_unknown_session(bench: Any, call: Any) -> None:
    params = {**EXAMPLES[call.name][0], "session_id": "ses_none"}
    params.pop("graph", None)
    assert bench.refusal(call.name, **params).kind.name == "SESSION_NOT_FOUND"


def test_qubits_count_against_the_quota_until_released(make_bench: Any) -> None:
    bench = make_bench(local=TenantConfig(quotas={"held_qubits": 5}))
    one, two = bench.open(), bench.open()
    handles = bench.ask("q_alloc", session_id=one, n=3).handles
    assert len(set(handles)) == 3
    fields = bench.refusal("q_alloc", session_id=two, n=3).fields
    assert (fields["quota"], fields["asked"], fields["limit"], fields["used"]) == ("held_qubits", 6, 5, 3)
    assert bench.ask("q_release", session_id=one, handles=handles[:2]).released == handles[:2]
    bench.ask("q_alloc", session_id=two, n=4)
    assert bench.ask("q_close_session", session_id=one).released == handles[2:]
    assert bench.kernel.tenant("local").held_qubits.in_use == 4


def test_a_release_is_all_or_nothing_and_happens_once(bench: Any) -> None:
    session, other = bench.open(), bench.open()
    a, b = bench.ask("q_alloc", session_id=session, n=2).handles
    for handles, index in (
        ([a, a], 1),
        ([a, "lq_none"], 1),
        ([a, *bench.ask("q_alloc", session_id=other, n=1).handles], 1),
    ):
        error = bench.refusal("q_release", session_id=session, handles=handles)
        assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", f"handles[{index}]")
    bench.ask("q_release", session_id=session, handles=[a, b])
    assert bench.refusal("q_release", session_id=session, handles=[a]).kind.name == "INVALID_PARAMS"


def test_profiles_are_checked(bench: Any) -> None:
    session = bench.open()
    assert (
        bench.ask("q_alloc", session_id=session, n=1, profile="logical: Surface( d = 7 )").profile
        == "logical:surface(d=7)"
    )
    assert bench.ask("q_alloc", session_id=session, n=1, profile="logical:shyps(d=9)").note
    error = bench.refusal("q_alloc", session_id=session, n=1, profile="surface 7")
    assert error.fields["field"] == "profile"


def test_revoking_takes_what_derives_from_it(bench: Any, program: Any) -> None:
    reply = bench.ask("q_negotiate_caps", requested=["CAP_ALLOC", "CAP_MEASURE"])
    session = reply.session_id
    alloc = reply.granted[0].capability
    handles = bench.ask("q_alloc", session_id=session, n=2).handles
    job = bench.submit(session)
    gone = bench.ask("q_revoke", session_id=session, capability=alloc)
    assert (gone.revoked, gone.released) == ([alloc], handles)
    for call, params in (("q_alloc", {"n": 1}), ("q_submit", {"graph": program()})):
        error = bench.refusal(call, session_id=session, **params)
        assert (error.kind.name, error.fields["missing"]) == ("INSUFFICIENT_CAPS", ["CAP_ALLOC"])
    assert bench.refusal("q_revoke", session_id=session, capability=alloc).kind.name == "INVALID_PARAMS"
    assert bench.kernel.jobs.by_id[job].state == "QUEUED"


def test_revoking_the_root_revokes_all(bench: Any) -> None:
    reply = bench.ask("q_negotiate_caps", requested=["CAP_ALLOC", "CAP_MEASURE"])
    gone = bench.ask("q_revoke", session_id=reply.session_id, capability=reply.root)
    assert gone.revoked == [reply.root, *(row.capability for row in reply.granted)]
    assert bench.kernel.sessions.get(reply.session_id).caps.held == frozenset()


def test_a_capability_of_another_session_cannot_be_revoked(bench: Any) -> None:
    mine, theirs = bench.open(), bench.ask("q_negotiate_caps")
    error = bench.refusal("q_revoke", session_id=mine, capability=theirs.granted[0].capability)
    assert error.kind.name == "INVALID_PARAMS"


def test_closing_answers_open_waits_and_keeps_the_jobs(bench: Any) -> None:
    session, other = bench.open(), bench.open()
    job = bench.submit(session)
    bench.call("q_wait", session_id=session, job_id=job)
    waiter = bench.count
    effects = bench.call("q_close_session", session_id=session)
    errors = [effect for effect in effects if isinstance(effect, ReplyError)]
    assert [(e.ref, e.error.kind.name) for e in errors] == [(waiter, "SESSION_NOT_FOUND")]
    assert [e.ref for e in effects if isinstance(e, Reply)] == [bench.count]
    assert bench.refusal("q_status", session_id=session, job_id=job).kind.name == "SESSION_NOT_FOUND"
    assert bench.ask("q_status", session_id=other, job_id=job).state == "QUEUED"


def test_unused_sessions_expire(make_bench: Any) -> None:
    bench = make_bench(session_idle_s=60)
    idle, busy = bench.open(), bench.open()
    bench.ask("q_alloc", session_id=idle, n=2)
    bench.now_s += 40
    bench.ask("q_get_telemetry", session_id=busy)
    bench.now_s += 40
    assert bench.refusal("q_get_telemetry", session_id=idle).kind.name == "SESSION_NOT_FOUND"
    bench.ask("q_get_telemetry", session_id=busy)
    bench.open()
    assert bench.kernel.tenant("local").held_qubits.in_use == 0


def test_at_the_bound_a_session_without_connection_makes_room(make_bench: Any) -> None:
    bench = make_bench(sessions=2)
    first = bench.ask("q_negotiate_caps", conn=5).session_id
    second = bench.ask("q_negotiate_caps", conn=6).session_id
    assert bench.refusal("q_negotiate_caps").fields["quota"] == "sessions"
    bench.step(ConnectionClosed, conn=5)
    bench.step(ConnectionClosed, conn=6)
    bench.ask("q_get_telemetry", session_id=first, conn=8)
    bench.open()
    assert bench.refusal("q_get_telemetry", session_id=second).kind.name == "SESSION_NOT_FOUND"
    bench.ask("q_get_telemetry", session_id=first)


def test_jobs_outlive_their_connection(bench: Any) -> None:
    session = bench.open()
    job = bench.submit(session)
    bench.call("q_wait", session_id=session, job_id=job, conn=9)
    bench.step(ConnectionClosed, conn=9)
    assert not [e for e in bench.finish(job) if isinstance(e, Reply)]
    assert bench.ask("q_get_telemetry", session_id=session).session.jobs_completed == 1
