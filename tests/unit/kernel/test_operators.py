"""The operator's calls: tenants, tokens, suspension, and what the journal keeps of them."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.calls import METHODS
from qmk.abi.operator import OPERATOR_CALLS, OPERATOR_METHODS
from qmk.base.limits import LIMITS
from qmk.kernel.effects import Journal, Reply, ReplyError
from qmk.kernel.events import CallReceived, TokenIssued
from tests.exchanges import EXAMPLES


def test_a_tenant_is_registered_once_and_listed(bench: Any):
    row = bench.operate("op_tenant_add", tenant="chem", weight=2.0, allowed=["CAP_ALLOC"], quotas={"queued_jobs": 3})
    assert (row.tenant, row.suspended, row.weight, row.allowed) == ("chem", False, 2.0, ["CAP_ALLOC"])
    assert row.quotas["queued_jobs"] == 3
    assert row.quotas["running_jobs"] == LIMITS.running_jobs
    error = bench.operate("op_tenant_add", tenant="chem")
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "tenant")
    assert bench.operate("op_tenant_add", tenant="local").kind.name == "INVALID_PARAMS"
    bench.operate("op_tenant_add", tenant="bio")
    assert [row.tenant for row in bench.operate("op_tenant_list").tenants] == ["bio", "chem"]
    assert bench.operate("op_tenant_list", tenant="chem").tenants == [row]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("op_tenant_set", {"tenant": "nobody"}),
        ("op_tenant_list", {"tenant": "nobody"}),
        ("op_tenant_suspend", {"tenant": "nobody"}),
        ("op_tenant_resume", {"tenant": "nobody"}),
        ("op_token_issue", {"tenant": "nobody"}),
        ("op_token_list", {"tenant": "nobody"}),
        ("op_token_revoke", {"tenant": "nobody"}),
        ("op_token_revoke", {"tenant": "chem", "serial": "tok_none"}),
        ("op_tenant_set", {"tenant": "chem", "quotas": {"beans": 3}}),
        ("op_tenant_set", {"tenant": "chem", "quotas": {"queued_jobs": -1}}),
        ("op_tenant_set", {"tenant": "chem", "quotas": {"name": 3}}),
        ("op_tenant_set", {"tenant": "chem", "allowed": ["CAP_PAINT"]}),
        ("op_token_issue", {"tenant": "chem", "rights": ["CAP_PAINT"]}),
        ("op_token_issue", {"tenant": "chem", "expires": 999}),
    ],
)
def test_what_does_not_fit_is_refused_and_recorded_nowhere(bench: Any, name: str, params: dict[str, Any]):
    bench.operate("op_tenant_add", tenant="chem")
    before = len(bench.journal)
    assert bench.operate(name, **params).kind.name == "INVALID_PARAMS"
    assert len(bench.journal) == before


def test_changes_hold_at_once_for_open_sessions_and_queued_jobs(make_bench: Any):
    bench = make_bench(workers=4)
    token = bench.enrol("chem", quotas={"running_jobs": 1, "physical_qubits": 4})
    session = bench.open(token=token)
    jobs = [bench.submit(session) for _ in range(4)]
    assert [launch.job for launch in bench.launches] == jobs[:1]
    bench.operate("op_tenant_set", tenant="chem", quotas={"running_jobs": 3}, allowed=["CAP_MEASURE"])
    assert [launch.job for launch in bench.launches] == jobs[:2], "two jobs of two qubits fill the map that it may use"
    bench.operate("op_tenant_set", tenant="chem", quotas={"physical_qubits": 6})
    assert [launch.job for launch in bench.launches] == jobs[:3]
    assert bench.refusal("q_alloc", session_id=session, n=1).fields["missing"] == ["CAP_ALLOC"]
    reply = bench.ask("q_negotiate_caps", token=token)
    assert [row.name for row in reply.granted] == ["CAP_MEASURE"]


def test_a_suspended_tenant_is_refused_everywhere_and_its_jobs_wait(make_bench: Any):
    bench = make_bench(workers=1)
    token = bench.enrol("chem")
    session, other = bench.open(token=token), bench.open()
    running, queued = bench.submit(session), bench.submit(session)
    bench.call("q_wait", session_id=session, job_id=queued)
    waiter = bench.count
    effects = bench.call("q_get_telemetry", session_id=session)
    bench.count += 1
    effects = bench.step(
        CallReceived,
        conn=9,
        ref=bench.count,
        method="op_tenant_suspend",
        params=OPERATOR_METHODS["op_tenant_suspend"].request(tenant="chem"),
        entropy=b"x" * 16,
        operator=True,
    )
    assert [(e.ref, e.error.kind.name) for e in effects if isinstance(e, ReplyError)] == [(waiter, "TENANT_SUSPENDED")]
    for call, params in (("q_submit", {}), ("q_status", {"job_id": running}), ("q_close_session", {})):
        assert bench.refusal(call, session_id=session, **params).kind.name == "TENANT_SUSPENDED"
    assert bench.refusal("q_negotiate_caps", token=token).kind.name == "TENANT_SUSPENDED"
    bench.finish(running)
    assert bench.kernel.jobs.by_id[running].state == "COMPLETED"
    assert [launch.job for launch in bench.launches] == [running], "queued jobs wait"
    theirs = bench.submit(other)
    assert bench.launches[-1].job == theirs, "and hold back nobody"
    bench.finish(theirs)
    bench.operate("op_tenant_resume", tenant="chem")
    assert bench.launches[-1].job == queued
    assert bench.ask("q_status", session_id=session, job_id=queued).state == "QUEUED"


def test_the_text_of_a_token_is_told_once_and_recorded_nowhere(bench: Any):
    token = bench.enrol("chem", rights=["CAP_STATUS"], expires=5000)
    (issued,) = [record for record in bench.journal if isinstance(record, TokenIssued)]
    assert token not in repr(bench.journal)
    assert issued.rights == ("CAP_STATUS",)
    (row,) = bench.operate("op_token_list", tenant="chem").tokens
    assert (row.serial, row.expires, row.rights) == (issued.serial, 5000.0, ["CAP_STATUS"])
    bench.now_s = 5000
    assert bench.operate("op_token_list", tenant="chem").tokens == []


def test_revoking_ends_the_sessions_of_a_token_and_keeps_the_jobs(bench: Any):
    one, two = bench.enrol("chem"), bench.enrol("chem")
    mine, theirs = bench.open(token=one), bench.open(token=two)
    job = bench.submit(mine)
    serial = bench.operate("op_token_list", tenant="chem").tokens[0].serial
    reply = bench.operate("op_token_revoke", tenant="chem", serial=serial)
    assert (reply.revoked, reply.sessions) == ([serial], 1)
    assert bench.refusal("q_status", session_id=mine, job_id=job).kind.name == "SESSION_NOT_FOUND"
    assert bench.ask("q_status", session_id=theirs, job_id=job).state == "QUEUED"
    assert bench.operate("op_token_revoke", tenant="chem", serial=serial).kind.name == "INVALID_PARAMS"
    assert bench.operate("op_token_revoke", tenant="chem").sessions == 1
    assert bench.refusal("q_negotiate_caps", token=two).kind.name == "AUTH_FAILED"
    assert bench.ask("q_negotiate_caps", token=bench.enrol("chem")).tenant == "chem", "later tokens are good"


def test_a_replayed_journal_knows_tenants_and_tokens(bench: Any):
    kept, gone = bench.enrol("chem", quotas={"queued_jobs": 7}), bench.enrol("bio")
    bench.operate("op_token_revoke", tenant="bio")
    bench.operate("op_tenant_set", tenant="local", quotas={"held_qubits": 2})
    again = bench.restarted()
    assert again.kernel.snapshot() == bench.kernel.snapshot()
    assert again.ask("q_negotiate_caps", token=kept).tenant == "chem"
    assert again.refusal("q_negotiate_caps", token=gone).kind.name == "AUTH_FAILED"
    assert again.kernel.tenant("chem").queued_jobs.limit == 7
    assert again.kernel.tenant("local").held_qubits.limit == 2


def test_the_local_tenant_may_have_tokens_too(make_bench: Any):
    """For its owner, where the socket asks everybody for one."""
    bench = make_bench(local_allowed=False)
    token = bench.operate("op_token_issue", tenant="local").token
    assert bench.ask("q_negotiate_caps", token=token).tenant == "local"


def test_the_number_of_live_tokens_is_bounded(bench: Any, monkeypatch: pytest.MonkeyPatch):
    from qmk.base import limits

    monkeypatch.setitem(limits.TABLE, "tokens", limits.Limit(2, "tokens", "live tokens of one tenant"))
    monkeypatch.setitem(limits.TABLE, "tenants", limits.Limit(1, "tenants", "registered tenants"))
    bench.enrol("chem", expires=2000)
    bench.enrol("chem")
    assert bench.operate("op_token_issue", tenant="chem").fields["quota"] == "tokens"
    bench.now_s = 2000
    bench.enrol("chem")
    assert len(bench.kernel.tenants.tokens("chem")) == 2, "expired ones are cleared away"
    assert bench.operate("op_tenant_add", tenant="bio").fields["quota"] == "tenants"


def test_every_answer_of_a_change_comes_after_its_record(bench: Any):
    bench.count += 1
    effects = bench.step(
        CallReceived,
        conn=1,
        ref=bench.count,
        method="op_tenant_add",
        params=OPERATOR_METHODS["op_tenant_add"].request(tenant="chem"),
        entropy=b"x" * 16,
        operator=True,
    )
    kinds = [type(effect) for effect in effects if isinstance(effect, (Journal, Reply))]
    assert kinds == [Journal, Journal, Reply], "the tenant, and how the shares stand with it"


@pytest.mark.parametrize("call", OPERATOR_CALLS, ids=lambda call: call.name)
def test_each_is_unknown_on_the_ordinary_socket(bench: Any, call: Any):
    assert call.name not in METHODS
    bench.count += 1
    (effect,) = bench.step(
        CallReceived,
        conn=1,
        ref=bench.count,
        method=call.name,
        params=call.request(**EXAMPLES[call.name][0]),
        entropy=b"x" * 16,
    )
    assert effect.error.kind.name == "METHOD_NOT_FOUND"


def test_ordinary_calls_are_unknown_on_the_operators_socket(bench: Any):
    (effect,) = bench.step(
        CallReceived,
        conn=1,
        ref=1,
        method="q_negotiate_caps",
        params=METHODS["q_negotiate_caps"].request(),
        entropy=b"x" * 16,
        operator=True,
    )
    assert effect.error.kind.name == "METHOD_NOT_FOUND"


def test_worked_examples_are_what_a_kernel_answers(bench: Any):
    import msgspec

    bench.now_s = 1767225600.0
    names: dict[str, str] = {}
    for name in (
        "op_tenant_add",
        "op_tenant_set",
        "op_tenant_list",
        "op_tenant_suspend",
        "op_tenant_resume",
        "op_token_issue",
        "op_token_revoke",
        "op_token_list",
    ):
        call = OPERATOR_METHODS[name]
        params, expected = EXAMPLES[call.name]
        if name == "op_token_revoke":
            bench.open(token=names["qmk1.example"])
            params = {**params, "serial": names["tok_example"]}
        if name == "op_token_list":
            bench.enrol("chem")
        answer = msgspec.to_builtins(bench.operate(name, **params))
        listed = answer.get("tokens")
        for row in (answer, *(listed if isinstance(listed, list) else ())):
            for field, lead in (("serial", "tok_example"), ("token", "qmk1.example")):
                if field in row:
                    names[lead], row[field] = row[field], lead
        if "revoked" in answer:
            answer["revoked"] = ["tok_example" for _ in answer["revoked"]]
        for row in (answer, *answer.get("tenants", [])):
            if "quotas" in row:
                row["quotas"] = {name: row["quotas"][name] for name in ("queued_jobs", "running_jobs")}
        assert answer == expected, name
