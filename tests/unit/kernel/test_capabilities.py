"""Delegation: rights that shrink, reach other sessions and tenants, run out, expire, and are taken back."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.rights import DELEGABLE, JOB_RIGHTS, RIGHTS
from qmk.base import limits
from qmk.kernel.effects import Interrupt, Reply, ReplyError, ReplyResult, SetTimer
from qmk.kernel.events import Saved, TimerFired
from qmk.kernel.objects.capability import CapabilityTree, Limits


def opened(bench: Any, **params: Any) -> Any:
    return bench.ask("q_negotiate_caps", **params)


def granted(reply: Any, name: str) -> str:
    return next(row.capability for row in reply.granted if row.name == name)


def offer(bench: Any, giver: Any, rights: list[str], **fields: Any) -> str:
    fields.setdefault("capability", giver.root)
    return bench.ask("q_delegate", session_id=giver.session_id, rights=rights, **fields).capability


def take(bench: Any, taker: Any, capability: str, rights: list[str], **fields: Any) -> str:
    return bench.ask(
        "q_delegate", session_id=taker.session_id, capability=capability, rights=rights, **fields
    ).capability


def denied(bench: Any, name: str, session: Any, **params: Any) -> str:
    return bench.refusal(name, session_id=session.session_id, **params).kind.name


def dropped(bench: Any) -> Any:
    """A session that has given up all it was let have but to look."""
    reply = opened(bench, token=bench.enrol("lab"), requested=[name for name in RIGHTS if name != "CAP_STATUS"])
    for row in reply.granted:
        bench.ask("q_revoke", session_id=reply.session_id, capability=row.capability)
    return reply


@pytest.fixture
def weak(bench: Any) -> Any:
    """A session that may only look, of a token that may do more."""
    return dropped(bench)


@pytest.fixture
def narrow(bench: Any) -> Any:
    """A session that may only look, as its token may."""
    return opened(bench, token=bench.enrol("lab", rights=["CAP_STATUS"]))


@pytest.fixture
def strong(bench: Any, weak: Any) -> Any:
    """A session of the same tenant that may do everything."""
    return opened(bench, token=bench.enrol("lab"))


@pytest.fixture
def foreign(bench: Any) -> Any:
    """A session of another tenant."""
    return opened(bench, token=bench.enrol("else"))


def test_the_root_says_what_a_session_may_do(bench: Any, narrow: Any):
    assert opened(bench, requested=[]).rights == list(JOB_RIGHTS)
    assert narrow.rights == ["CAP_STATUS"]
    assert narrow.granted == []


def test_an_offer_does_nothing_until_it_is_taken_up(bench: Any, strong: Any, weak: Any):
    job = bench.submit(strong.session_id)
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root)
    assert denied(bench, "q_cancel", weak, job_id=job) == "INSUFFICIENT_CAPS"
    take(bench, weak, capability, ["CAP_CANCEL"])
    bench.call("q_cancel", session_id=weak.session_id, job_id=job)
    assert bench.kernel.jobs.by_id[job].state == "CANCELLED"


def test_an_offer_to_one_session_is_nothing_to_another(bench: Any, strong: Any, weak: Any, foreign: Any):
    third = opened(bench, token=bench.enrol("lab", rights=["CAP_STATUS"]))
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root)
    for stranger in (third, foreign):
        error = bench.refusal(
            "q_delegate", session_id=stranger.session_id, capability=capability, rights=["CAP_CANCEL"]
        )
        absent = bench.refusal(
            "q_delegate", session_id=stranger.session_id, capability="cap_none", rights=["CAP_CANCEL"]
        )
        assert (error.kind, error.message) == (absent.kind, absent.message.replace("cap_none", capability))


def test_an_offer_to_a_tenant_is_for_all_its_sessions(bench: Any, strong: Any, weak: Any, foreign: Any):
    third = dropped(bench)
    capability = offer(bench, strong, ["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"], to_tenant="lab")
    for taker in (weak, third):
        take(bench, taker, capability, ["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"])
        bench.submit(taker.session_id)
    assert denied(bench, "q_delegate", foreign, capability=capability, rights=["CAP_SUBMIT"]) == "INVALID_PARAMS"


def test_a_session_takes_up_no_more_than_its_token_has(bench: Any, strong: Any):
    """However the offer is addressed: a token narrowed to some rights, shots and time stays so."""
    few = opened(bench, token=bench.enrol("lab", rights=["CAP_STATUS", "CAP_SUBMIT"], shots=10, expires=2000))
    for receiver in ({"to_session": few.root}, {"to_tenant": "lab"}):
        capability = offer(bench, strong, ["CAP_SUBMIT", "CAP_CANCEL"], **receiver)
        error = bench.refusal(
            "q_delegate", session_id=few.session_id, capability=capability, rights=["CAP_CANCEL", "CAP_SUBMIT"]
        )
        assert (error.kind.name, error.fields["missing"]) == ("INSUFFICIENT_CAPS", ["CAP_CANCEL"])
        params = {"capability": capability, "rights": ["CAP_SUBMIT"], "shots": 99, "expiry": 9000.0}
        made = bench.ask("q_delegate", session_id=few.session_id, **params)
        assert (made.rights, made.shots, made.expiry) == (["CAP_SUBMIT"], 10, 2000.0)
    assert bench.kernel.sessions.get(few.session_id).caps.held == {"CAP_STATUS", "CAP_SUBMIT"}


def test_another_tenants_offer_is_cut_to_the_token_too(bench: Any, strong: Any):
    job = bench.submit(strong.session_id)
    guest = opened(bench, token=bench.enrol("else", rights=["CAP_STATUS"]))
    capability = offer(bench, strong, ["CAP_STATUS", "CAP_CANCEL"], to_tenant="else", jobs=[job])
    assert denied(bench, "q_delegate", guest, capability=capability, rights=["CAP_CANCEL"]) == "INSUFFICIENT_CAPS"
    take(bench, guest, capability, ["CAP_STATUS"])
    assert bench.ask("q_status", session_id=guest.session_id, job_id=job).state == "QUEUED"
    assert denied(bench, "q_program", guest, job_id=job) == "JOB_NOT_FOUND"  # what it runs is nobody else's


def test_what_is_handed_on_ends_with_the_session_that_handed_it_on(bench: Any, strong: Any, weak: Any):
    """So nothing is handed on straight from an offer, which is its giver's."""
    third = dropped(bench)
    capability = offer(bench, strong, ["CAP_ALLOC"], to_tenant="lab")
    onward = {"rights": ["CAP_ALLOC"], "to_session": third.root}
    error = bench.refusal("q_delegate", session_id=weak.session_id, capability=capability, **onward)
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "capability")
    assert "take it up" in error.fields["help"]
    mine = take(bench, weak, capability, ["CAP_ALLOC"])
    take(bench, third, offer(bench, weak, ["CAP_ALLOC"], capability=mine, to_session=third.root), ["CAP_ALLOC"])
    bench.ask("q_alloc", session_id=third.session_id, n=1)
    bench.ask("q_close_session", session_id=weak.session_id)
    assert denied(bench, "q_alloc", third, n=1) == "INSUFFICIENT_CAPS"
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0


@pytest.mark.parametrize("rights", [["CAP_STATUS"], ["CAP_STATUS", "CAP_RESULT"]])
def test_the_last_use_may_be_a_wait(bench: Any, strong: Any, foreign: Any, rights: list[str]):
    """It is answered as it would have been at once: with the result if the capability had that right."""
    job, other = bench.submit(strong.session_id), bench.submit(strong.session_id)
    capability = offer(bench, strong, rights, to_tenant="else", jobs=[job, other], uses=2)
    taken = take(bench, foreign, capability, rights)
    bench.call("q_wait", session_id=foreign.session_id, job_id=job)
    first = bench.count
    assert not bench.call("q_wait", session_id=foreign.session_id, job_id=job)[1:], "only its timer, if any"
    last = bench.count
    assert denied(bench, "q_status", foreign, job_id=other) == "JOB_NOT_FOUND"
    effects = bench.finish(job)
    for ref in (first, last):
        (answer,) = [effect for effect in effects if getattr(effect, "ref", None) == ref]
        assert isinstance(answer, ReplyResult if "CAP_RESULT" in rights else Reply)
    for id in (capability, taken):
        assert bench.kernel.caps.get(id) is None, "with the last answer the used-up capability goes"


def test_the_last_use_may_be_a_long_poll_or_a_checkpoint(bench: Any, strong: Any, weak: Any):
    job = bench.submit(strong.session_id, fenced=True)
    bench.start(job)
    taken = take(bench, strong, strong.root, ["CAP_CONTROL", "CAP_STATUS"], jobs=[job], uses=2)
    bench.call("q_events", session_id=strong.session_id, job_id=job, after=2)
    poll = bench.count
    (interrupt,) = bench.call("q_checkpoint", session_id=strong.session_id, job_id=job)
    save = bench.count
    assert isinstance(interrupt, Interrupt)
    assert bench.kernel.caps.get(taken) is not None
    assert denied(bench, "q_delegate", strong, capability=taken, rights=["CAP_STATUS"]) == "INSUFFICIENT_CAPS"
    saved = {"checkpoint": interrupt.ref, "epoch": 1, "blob": "b", "size_bytes": 1}
    effects = bench.step(Saved, job=job, fence=interrupt.fence, **saved)
    assert {e.ref for e in effects if isinstance(e, Reply)} == {poll, save}
    assert bench.kernel.caps.get(taken) is None


@pytest.mark.parametrize("how", ["revoked", "suspended", "left"])
def test_a_last_wait_is_over_with_what_let_it_in(bench: Any, strong: Any, foreign: Any, how: str):
    job = bench.submit(strong.session_id)
    capability = offer(bench, strong, ["CAP_STATUS"], to_tenant="else", jobs=[job], uses=1)
    taken = take(bench, foreign, capability, ["CAP_STATUS"])
    bench.call("q_wait", session_id=foreign.session_id, job_id=job)
    waiter = bench.count
    if how == "revoked":
        effects = bench.call("q_revoke", session_id=strong.session_id, capability=capability)
    elif how == "suspended":
        effects = bench.operate_for_effects("op_tenant_suspend", tenant="lab")
    else:
        effects = bench.call("q_close_session", session_id=foreign.session_id)
    errors = [(e.ref, e.error.kind.name) for e in effects if isinstance(e, ReplyError)]
    assert errors == [(waiter, "SESSION_NOT_FOUND" if how == "left" else "JOB_NOT_FOUND")]
    assert bench.kernel.caps.get(taken) is None
    assert bench.kernel.caps.get(capability) is None


def test_nothing_grows_on_the_way(bench: Any, strong: Any, weak: Any):
    first = bench.ask(
        "q_delegate",
        session_id=strong.session_id,
        capability=strong.root,
        rights=["CAP_STATUS", "CAP_CANCEL"],
        to_tenant="lab",
        expiry=2000.0,
        expiry_epoch=50_000,
        shots=10,
        uses=3,
    )
    wanted = {"expiry": 9000.0, "expiry_epoch": 90_000, "shots": 99, "uses": 99}
    mine = bench.ask(
        "q_delegate", session_id=weak.session_id, capability=first.capability, rights=["CAP_CANCEL"], **wanted
    )
    assert mine.rights == ["CAP_CANCEL"]
    assert (mine.expiry, mine.expiry_epoch, mine.shots, mine.uses) == (2000.0, 50_000, 10, 3)
    error = bench.refusal(
        "q_delegate", session_id=weak.session_id, capability=first.capability, rights=["CAP_CANCEL", "CAP_RESULT"]
    )
    assert (error.kind.name, error.fields["missing"]) == ("INSUFFICIENT_CAPS", ["CAP_RESULT"])
    assert denied(bench, "q_delegate", weak, capability=weak.root, rights=["CAP_SUBMIT"]) == "INSUFFICIENT_CAPS"


def test_the_narrowest_answers_and_is_used_up(bench: Any, strong: Any, weak: Any):
    jobs = [bench.submit(strong.session_id) for _ in range(4)]
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root, uses=2)
    taken = take(bench, weak, capability, ["CAP_CANCEL"])
    for job in jobs[:2]:
        bench.call("q_cancel", session_id=weak.session_id, job_id=job)
    assert denied(bench, "q_cancel", weak, job_id=jobs[2]) == "INSUFFICIENT_CAPS"
    for id in (capability, taken):
        assert bench.kernel.caps.get(id) is None
    one = take(bench, strong, strong.root, ["CAP_CANCEL"], jobs=[jobs[2]], uses=1)
    bench.call("q_cancel", session_id=strong.session_id, job_id=jobs[3])
    assert bench.kernel.caps.get(one) is not None, "it is for another job"
    bench.call("q_cancel", session_id=strong.session_id, job_id=jobs[2])
    assert bench.kernel.caps.get(one) is None


def test_a_call_that_is_refused_costs_no_use(bench: Any, strong: Any, weak: Any):
    job = bench.submit(strong.session_id)
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root, uses=1)
    take(bench, weak, capability, ["CAP_CANCEL"])
    assert denied(bench, "q_cancel", weak, job_id="job_none") == "JOB_NOT_FOUND"
    bench.call("q_cancel", session_id=weak.session_id, job_id=job)
    assert bench.kernel.jobs.by_id[job].state == "CANCELLED"


def test_handing_on_does_not_multiply_uses(bench: Any, strong: Any, weak: Any):
    jobs = [bench.submit(strong.session_id) for _ in range(3)]
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root, uses=1)
    for _ in range(3):
        take(bench, weak, capability, ["CAP_CANCEL"], uses=1)
    bench.call("q_cancel", session_id=weak.session_id, job_id=jobs[0])
    assert denied(bench, "q_cancel", weak, job_id=jobs[1]) == "INSUFFICIENT_CAPS"


def test_a_program_uses_what_its_ops_need(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"], to_session=weak.root)
    take(bench, weak, capability, ["CAP_SUBMIT", "CAP_MEASURE"])
    alloc = take(bench, weak, capability, ["CAP_ALLOC"], uses=1)
    bench.submit(weak.session_id)
    assert bench.kernel.caps.get(alloc) is None
    error = bench.refusal("q_submit", session_id=weak.session_id, graph=bench.program())
    assert (error.kind.name, error.fields["missing"]) == ("INSUFFICIENT_CAPS", ["CAP_ALLOC"])


def test_qubits_outlive_the_use_they_were_made_with_but_not_its_revocation(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root, uses=1)
    taken = take(bench, weak, capability, ["CAP_ALLOC"])
    first, second = bench.ask("q_alloc", session_id=weak.session_id, n=2).handles
    assert denied(bench, "q_alloc", weak, n=1) == "INSUFFICIENT_CAPS"
    bench.ask("q_release", session_id=weak.session_id, handles=[first])
    gone = bench.ask("q_revoke", session_id=strong.session_id, capability=capability)
    assert (gone.revoked, gone.released) == ([capability, taken], [second])
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0


def test_what_is_used_up_goes_with_its_last_qubit(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root)
    taken = take(bench, weak, capability, ["CAP_ALLOC"], uses=1)
    handles = bench.ask("q_alloc", session_id=weak.session_id, n=2).handles
    assert bench.kernel.caps.get(taken) is not None
    bench.ask("q_release", session_id=weak.session_id, handles=handles)
    assert bench.kernel.caps.get(taken) is None


def test_revoking_takes_the_whole_subtree_in_every_session_and_tenant(bench: Any, strong: Any, weak: Any, foreign: Any):
    job = bench.submit(strong.session_id)
    top = take(bench, strong, strong.root, ["CAP_STATUS", "CAP_CANCEL", "CAP_ALLOC"])
    near = offer(bench, strong, ["CAP_CANCEL", "CAP_ALLOC"], capability=top, to_session=weak.root)
    taken = take(bench, weak, near, ["CAP_CANCEL", "CAP_ALLOC"])
    far = offer(bench, strong, ["CAP_STATUS"], capability=top, to_tenant="else", jobs=[job])
    theirs = take(bench, foreign, far, ["CAP_STATUS"])
    handles = bench.ask("q_alloc", session_id=weak.session_id, n=3).handles
    bench.call("q_wait", session_id=foreign.session_id, job_id=job)
    waiter = bench.count
    effects = bench.call("q_revoke", session_id=strong.session_id, capability=top)
    (reply,) = [effect.result for effect in effects if isinstance(effect, Reply)]
    assert set(reply.revoked) == {top, near, taken, far, theirs}
    assert reply.released == handles
    errors = [(e.ref, e.error.kind.name) for e in effects if isinstance(e, ReplyError)]
    assert errors == [(waiter, "JOB_NOT_FOUND")], "and the wait that it allowed is over"
    assert denied(bench, "q_cancel", weak, job_id=job) == "INSUFFICIENT_CAPS"
    assert denied(bench, "q_status", foreign, job_id=job) == "JOB_NOT_FOUND"
    bench.call("q_cancel", session_id=strong.session_id, job_id=job)
    assert bench.kernel.jobs.by_id[job].state == "CANCELLED", "its own root is what it was"


def test_only_whoever_it_derives_from_takes_it_back(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_CANCEL"], to_session=weak.root)
    taken = take(bench, weak, capability, ["CAP_CANCEL"])
    assert denied(bench, "q_revoke", weak, capability=capability) == "INVALID_PARAMS"
    assert denied(bench, "q_revoke", weak, capability=strong.root) == "INVALID_PARAMS"
    assert bench.ask("q_revoke", session_id=strong.session_id, capability=taken).revoked == [taken]


def test_giving_up_a_granted_right_takes_it_from_the_root_and_all_it_handed_on(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC", "CAP_MEASURE"], to_session=weak.root)
    taken = take(bench, weak, capability, ["CAP_ALLOC", "CAP_MEASURE"])
    only = take(bench, weak, capability, ["CAP_ALLOC"])
    handles = bench.ask("q_alloc", session_id=weak.session_id, n=1).handles
    gone = bench.ask("q_revoke", session_id=strong.session_id, capability=granted(strong, "CAP_ALLOC"))
    assert set(gone.revoked) == {granted(strong, "CAP_ALLOC"), only}
    assert gone.released == handles
    assert bench.kernel.caps.get(taken).rights == frozenset({"CAP_MEASURE"})
    assert denied(bench, "q_delegate", strong, capability=strong.root, rights=["CAP_ALLOC"]) == "INSUFFICIENT_CAPS"
    assert denied(bench, "q_alloc", weak, n=1) == "INSUFFICIENT_CAPS"


@pytest.mark.parametrize("name", ["CAP_ALLOC", "CAP_STATUS"])
def test_giving_up_a_right_ends_what_was_begun_with_its_last_use(bench: Any, strong: Any, foreign: Any, name: str):
    giver = opened(bench, token=bench.enrol("lab"), requested=["CAP_ALLOC", "CAP_STATUS"])
    job = bench.submit(strong.session_id)
    take(bench, giver, giver.root, ["CAP_ALLOC", "CAP_STATUS"], uses=1)
    if name == "CAP_ALLOC":
        bench.ask("q_alloc", session_id=giver.session_id, n=1)
    else:
        bench.call("q_wait", session_id=giver.session_id, job_id=job)
    effects = bench.call("q_revoke", session_id=giver.session_id, capability=granted(giver, name))
    kinds = [effect.error.kind.name for effect in effects if isinstance(effect, ReplyError)]
    assert kinds == (["INSUFFICIENT_CAPS"] if name == "CAP_STATUS" else [])
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0
    assert not len(bench.kernel.waits)


def test_delegations_end_with_the_session_they_come_from(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root)
    take(bench, weak, capability, ["CAP_ALLOC"])
    bench.ask("q_alloc", session_id=weak.session_id, n=1)
    bench.ask("q_close_session", session_id=strong.session_id)
    assert denied(bench, "q_alloc", weak, n=1) == "INSUFFICIENT_CAPS"
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0
    assert len(bench.kernel.caps) == 1, "the other session's root"


def test_time_ends_a_capability(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root, expiry=bench.now_s + 10)
    effects = bench.call("q_delegate", session_id=weak.session_id, capability=capability, rights=["CAP_ALLOC"])
    (timer,) = [effect for effect in effects if isinstance(effect, SetTimer)]
    assert timer.at_ns == bench.now_ns + 10_000_000_000
    bench.ask("q_alloc", session_id=weak.session_id, n=1)
    bench.now_s += 9
    (again,) = bench.step(TimerFired, key=timer.key)
    assert isinstance(again, SetTimer), "a timer that comes early is set again"
    bench.now_s += 1
    assert denied(bench, "q_alloc", weak, n=1) == "INSUFFICIENT_CAPS", "late timers make no difference"
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0
    assert denied(bench, "q_delegate", strong, capability=strong.root, rights=["CAP_ALLOC"], expiry=5.0) == (
        "INVALID_PARAMS"
    )


def test_a_timer_releases_what_hangs_on_an_expired_capability(bench: Any, strong: Any):
    taken = take(bench, strong, strong.root, ["CAP_ALLOC"], expiry=bench.now_s + 10)
    bench.ask("q_alloc", session_id=strong.session_id, n=5)
    bench.now_s += 10
    bench.step(TimerFired, key=f"cap:{taken}")
    assert bench.kernel.tenant("lab").held_qubits.in_use == 0
    bench.ask("q_alloc", session_id=strong.session_id, n=1)


def test_an_epoch_ends_a_capability(bench: Any, strong: Any, weak: Any):
    epoch = bench.kernel.epoch()
    last = bench.now_ns // (bench.kernel.config.epoch_ms * 1_000_000) + 3
    assert epoch <= last
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root, expiry_epoch=last)
    take(bench, weak, capability, ["CAP_ALLOC"])
    bench.now_s += 0.2
    bench.ask("q_alloc", session_id=weak.session_id, n=1)
    bench.now_s += 0.1
    assert denied(bench, "q_alloc", weak, n=1) == "INSUFFICIENT_CAPS"


def test_a_session_ends_with_its_token(bench: Any):
    token = bench.enrol("lab", expires=1500)
    effects = bench.call("q_negotiate_caps", token=token)
    (reply,) = [effect.result for effect in effects if isinstance(effect, Reply)]
    (timer,) = [effect for effect in effects if isinstance(effect, SetTimer) and effect.key.startswith("ses:")]
    assert (reply.expires, timer.at_ns) == (1500.0, 1500 * 10**9)
    job = bench.submit(reply.session_id)
    bench.call("q_wait", session_id=reply.session_id, job_id=job)
    waiter = bench.count
    bench.now_s = 1500
    effects = bench.step(TimerFired, key=timer.key)
    assert [(e.ref, e.error.kind.name) for e in effects if isinstance(e, ReplyError)] == [(waiter, "SESSION_NOT_FOUND")]
    late = bench.enrol("lab", expires=2000)
    session = bench.open(token=late)
    bench.now_s = 2000
    assert bench.refusal("q_status", session_id=session, job_id=job).kind.name == "SESSION_NOT_FOUND"
    assert len(bench.kernel.sessions) == 0


def test_another_tenant_gets_rights_over_named_jobs_and_nothing_else(bench: Any, strong: Any, foreign: Any):
    mine, other = bench.submit(strong.session_id), bench.submit(strong.session_id)
    give = {"capability": strong.root, "to_tenant": "else"}
    assert denied(bench, "q_delegate", strong, rights=["CAP_STATUS"], **give) == "INVALID_PARAMS"
    for right in set(strong.rights) - set(DELEGABLE):
        assert denied(bench, "q_delegate", strong, rights=[right], jobs=[mine], **give) == "INVALID_PARAMS"
    capability = offer(bench, strong, ["CAP_STATUS", "CAP_RESULT"], to_tenant="else", jobs=[mine])
    taken = take(bench, foreign, capability, ["CAP_STATUS", "CAP_RESULT"])
    assert bench.ask("q_status", session_id=foreign.session_id, job_id=mine).state == "QUEUED"
    assert denied(bench, "q_status", foreign, job_id=other) == "JOB_NOT_FOUND"
    assert denied(bench, "q_cancel", foreign, job_id=mine) == "INSUFFICIENT_CAPS"
    bench.finish(mine)
    assert bench.call("q_result", session_id=foreign.session_id, job_id=mine)
    assert denied(bench, "q_delegate", foreign, capability=taken, rights=["CAP_STATUS"], jobs=[other]) == (
        "JOB_NOT_FOUND"
    )
    own = bench.submit(foreign.session_id)
    error = bench.refusal(
        "q_delegate", session_id=foreign.session_id, capability=taken, rights=["CAP_STATUS"], jobs=[own]
    )
    assert error.kind.name == "JOB_NOT_FOUND", "a job of its own is not what the capability is for"


def test_a_suspended_tenants_delegations_rest(bench: Any, strong: Any, foreign: Any):
    job = bench.submit(strong.session_id)
    capability = offer(bench, strong, ["CAP_STATUS"], to_tenant="else", jobs=[job])
    take(bench, foreign, capability, ["CAP_STATUS"])
    bench.operate("op_tenant_suspend", tenant="lab")
    assert denied(bench, "q_status", foreign, job_id=job) == "JOB_NOT_FOUND"
    assert denied(bench, "q_delegate", foreign, capability=capability, rights=["CAP_STATUS"]) == "INVALID_PARAMS"
    bench.operate("op_tenant_resume", tenant="lab")
    assert bench.ask("q_status", session_id=foreign.session_id, job_id=job).state == "QUEUED"


def test_shots_are_bounded_by_the_token_and_by_what_was_delegated(bench: Any):
    strong = opened(bench, token=bench.enrol("lab"))
    few = opened(bench, token=bench.enrol("lab", shots=10))
    error = bench.refusal("q_submit", session_id=few.session_id, graph=bench.program(), shots=11)
    assert (error.kind.name, error.fields["quota"], error.fields["limit"]) == ("QUOTA_EXCEEDED", "token_shots", 10)
    bench.submit(few.session_id, shots=10)
    weak = dropped(bench)
    capability = offer(bench, strong, ["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"], to_session=weak.root)
    take(bench, weak, capability, ["CAP_SUBMIT", "CAP_ALLOC", "CAP_MEASURE"], shots=10)
    taken = take(bench, weak, capability, ["CAP_SUBMIT"], shots=50, uses=1)
    assert bench.refusal("q_submit", session_id=weak.session_id, graph=bench.program(), shots=51).fields["limit"] == 50
    bench.submit(weak.session_id, shots=40)
    assert bench.kernel.caps.get(taken) is None
    assert bench.refusal("q_submit", session_id=weak.session_id, graph=bench.program(), shots=11).fields["limit"] == 10


def test_waiting_tells_the_result_only_to_who_may_read_it(bench: Any, strong: Any, weak: Any):
    job = bench.submit(strong.session_id)
    bench.call("q_wait", session_id=weak.session_id, job_id=job)
    waiter = bench.count
    effects = bench.finish(job)
    (answer,) = [effect for effect in effects if getattr(effect, "ref", None) == waiter]
    assert isinstance(answer, Reply)
    assert (answer.result.state, answer.result.result) == ("COMPLETED", None)
    assert denied(bench, "q_result", weak, job_id=job) == "INSUFFICIENT_CAPS"


def test_chains_and_numbers_are_bounded(bench: Any, strong: Any, monkeypatch: pytest.MonkeyPatch):
    at = strong.root
    for _ in range(limits.LIMITS.delegation_depth):
        at = take(bench, strong, at, ["CAP_STATUS"])
    error = bench.refusal("q_delegate", session_id=strong.session_id, capability=at, rights=["CAP_STATUS"])
    assert error.fields["quota"] == "delegation_depth"
    row = limits.Limit(limits.LIMITS.delegation_depth + 1, "capabilities", "")
    monkeypatch.setitem(limits.TABLE, "capabilities", row)
    extra = take(bench, strong, strong.root, ["CAP_STATUS"])
    error = bench.refusal("q_delegate", session_id=strong.session_id, capability=strong.root, rights=["CAP_STATUS"])
    assert error.fields["quota"] == "capabilities"
    bench.ask("q_revoke", session_id=strong.session_id, capability=extra)
    take(bench, strong, strong.root, ["CAP_STATUS"])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rights": ["CAP_PAINT"]}, "rights"),
        ({"to_session": "cap_none"}, "to_session"),
        ({"to_session": "cap_none", "to_tenant": "lab"}, "to_session"),
        ({"expiry": 1.0}, "expiry"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(bench: Any, strong: Any, fields: dict[str, Any], field: str):
    params = {"capability": strong.root, "rights": ["CAP_STATUS"], **fields}
    error = bench.refusal("q_delegate", session_id=strong.session_id, **params)
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", field)


@pytest.mark.parametrize("registered", [False, True])
def test_where_nobody_else_is_known_there_is_nobody_to_hand_on_to(make_bench: Any, registered: bool):
    """The operator may have registered the local tenant itself, to change its quotas."""
    bench = make_bench()
    if registered:
        bench.operate("op_tenant_set", tenant="local", quotas={"queued_jobs": 5})
    me = bench.ask("q_negotiate_caps")
    job = bench.submit(me.session_id)
    give = {"session_id": me.session_id, "capability": me.root, "rights": ["CAP_STATUS"], "jobs": [job]}
    error = bench.refusal("q_delegate", **give, to_tenant="lab")
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "to_tenant")
    assert "no tenant but 'local', so nobody could take up what 'lab' is given" in error.message
    assert "qmk tenant add" in error.fields["help"]
    assert bench.ask("q_delegate", **give, to_tenant="local").capability
    bench.enrol("alice")  # from now on there is somebody to hide
    assert bench.ask("q_delegate", **give, to_tenant="lab").capability


def test_who_takes_up_an_offer_may_name_fewer_jobs(bench: Any, strong: Any, foreign: Any):
    jobs = [bench.submit(strong.session_id) for _ in range(3)]
    capability = offer(bench, strong, ["CAP_STATUS"], to_tenant="else", jobs=jobs[:2])
    assert (
        denied(bench, "q_delegate", foreign, capability=capability, rights=["CAP_STATUS"], jobs=jobs[1:])
        == "JOB_NOT_FOUND"
    ), "not one that the offer does not name"
    take(bench, foreign, capability, ["CAP_STATUS"], jobs=jobs[:1])
    assert bench.ask("q_status", session_id=foreign.session_id, job_id=jobs[0]).state
    assert denied(bench, "q_status", foreign, job_id=jobs[1]) == "JOB_NOT_FOUND"


def test_what_is_used_up_goes_with_the_revoked_one_that_it_was_kept_for(bench: Any, strong: Any, weak: Any):
    capability = offer(bench, strong, ["CAP_ALLOC"], to_session=weak.root, uses=1)
    taken = take(bench, weak, capability, ["CAP_ALLOC"])
    bench.ask("q_alloc", session_id=weak.session_id, n=1)
    assert bench.kernel.caps.get(capability) is not None, "it keeps the qubit"
    bench.ask("q_revoke", session_id=weak.session_id, capability=taken)
    assert bench.kernel.caps.get(capability) is None
    assert bench.kernel.sessions.get(strong.session_id).derived == 0


def test_the_tree_itself_cuts_down_whatever_it_is_asked_for():
    tree = CapabilityTree()
    bounds = Limits(jobs=frozenset({"a", "b"}), expires_ns=50, expires_epoch=5, shots=10)
    root = tree.root("r", {"CAP_STATUS"}, "lab", bounds)
    wide = Limits(jobs=frozenset({"b", "c"}), expires_ns=90, expires_epoch=9, shots=99, uses=2)
    made = tree.derive("x", root, {"CAP_STATUS", "CAP_CANCEL"}, wide)
    assert (made.rights, made.tenant, made.jobs) == ({"CAP_STATUS"}, "lab", {"b"})
    assert (made.expires_ns, made.expires_epoch, made.shots, made.uses) == (50, 5, 10, 2)
    plain = tree.derive("y", made, {"CAP_STATUS"})
    assert (plain.jobs, plain.expires_ns, plain.shots, plain.is_metered) == ({"b"}, 50, 10, True)
    assert [item.id for item in tree.remove(root)] == ["r", "x", "y"]
    assert len(tree) == 0
