"""Scripts in the kernel: whose rights their runs have, which places they take, and what ends with them."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.base.limits import LIMITS
from qmk.kernel.config import TenantConfig
from qmk.kernel.effects import Kill, Launch, Recall, ReplyError, Route
from qmk.kernel.events import Recalled
from qmk.kernel.objects.script import HOST_UID, SESSION
from qmk.qvm.graph import pack
from qmk.request.scripts import script_program
from tests.unit.kernel.conftest import Bench, bell

SCRIPT = script_program("import qmk")


def launch(bench: Bench, session: str, **params: Any) -> str:
    """A script that a worker has taken."""
    job = bench.submit(session, graph=SCRIPT, shots=1, **params)
    bench.start(job)
    return job


def ask(bench: Bench, script: str, name: str = "q_submit", **params: Any) -> list[Any]:
    return bench.call(name, session_id=SESSION + script, uid=HOST_UID, conn=7, **params)


def run(bench: Bench, script: str, index: int = 0) -> str:
    """A run of the script that was accepted."""
    (route,) = ask(bench, script, graph=bell(), idempotency_key=f"{SESSION}{script}-{index}")
    assert isinstance(route, Route)
    bench.route(route.job)
    return route.job


def error_of(effects: list[Any]) -> Any:
    (found,) = [effect.error for effect in effects if isinstance(effect, ReplyError)]
    return found


def state(bench: Bench, job: str) -> str:
    return bench.kernel.jobs.by_id[job].state


def test_a_script_takes_neither_a_slot_nor_a_running_job(make_bench: Any) -> None:
    bench = make_bench(local=TenantConfig(quotas={"running_jobs": 1}), workers=1)
    session = bench.open()
    script, ordinary = launch(bench, session), bench.submit(session)
    first = run(bench, script)
    assert bench.kernel.tenant("local").quota("running_jobs").in_use == 1
    assert [each.job for each in bench.launches] == [script, ordinary]
    bench.start(ordinary)
    bench.finish(ordinary)
    assert bench.launches[-1].job == first
    assert bench.launches[0].script
    assert not bench.launches[-1].script


def test_a_tenant_has_half_of_the_places_and_the_others_the_rest(make_bench: Any) -> None:
    bench = make_bench(workers=1)
    sessions = [bench.open(tenant=name) for name in ("alice", "bob", "carol")]
    for session in sessions:
        for _ in range(LIMITS.running_scripts):
            bench.submit(session, graph=SCRIPT, shots=1)
    out = [bench.kernel.jobs.by_id[each.job].tenant for each in bench.launches]
    assert bench.kernel.jobs.queue.scheduler.figures("alice") == (4, 4)
    assert out == ["alice"] * (LIMITS.running_scripts // 2) + ["bob"] * (LIMITS.running_scripts // 2)
    bench.start(bench.launches[0].job)
    bench.finish(bench.launches[0].job)
    assert bench.kernel.jobs.by_id[bench.launches[-1].job].tenant == "carol"


@pytest.mark.parametrize("how", ["cancel", "finish"])
def test_its_session_and_its_runs_end_with_it(make_bench: Any, how: str) -> None:
    bench = make_bench(workers=3)
    session = bench.open()
    script = launch(bench, session)
    other = bench.submit(session, tags=(SESSION + script,))
    first, second = run(bench, script), run(bench, script, 1)
    (third,) = ask(bench, script, graph=bell(), idempotency_key="late")
    bench.start(first)
    if how == "cancel":
        effects = bench.call("q_cancel", session_id=session, job_id=script)
        assert {effect.job for effect in effects if isinstance(effect, Kill)} >= {script, first}
    else:
        effects = bench.finish(script)
    assert error_of(effects).kind.name == "JOB_CANCELLED"
    assert [state(bench, job) for job in (first, second, other)] == ["CANCELLED", "CANCELLED", "QUEUED"]
    bench.route(third.job)  # the router answers too late
    assert third.job not in bench.kernel.jobs.by_id
    assert error_of(ask(bench, script, graph=bell())).kind.name == "SESSION_NOT_FOUND"


def test_runs_have_the_rights_of_the_submitter_and_no_more(make_bench: Any) -> None:
    bench = make_bench()
    token = bench.enrol("alice", rights=["CAP_SUBMIT", "CAP_STATUS"])
    narrow = bench.ask("q_negotiate_caps", token=token).session_id
    wide = bench.submit(bench.open(tenant="alice"))
    script = launch(bench, narrow)
    assert error_of(ask(bench, script, graph=bell())).kind.name == "INSUFFICIENT_CAPS"  # it may not allocate
    assert error_of(ask(bench, script, "q_cancel", job_id=wide)).kind.name == "INSUFFICIENT_CAPS"
    stranger = bench.submit(bench.open(tenant="bob"))
    assert error_of(ask(bench, script, "q_status", job_id=stranger)).kind.name == "JOB_NOT_FOUND"
    bench.operate("op_token_revoke", tenant="alice", serial=bench.kernel.tenants.tokens("alice")[0].serial)
    assert error_of(ask(bench, script, "q_status", job_id=wide)).kind.name == "SESSION_NOT_FOUND"


def test_nobody_but_the_host_uses_the_session_of_a_script(make_bench: Any) -> None:
    bench = make_bench()
    script = launch(bench, bench.open())
    for uid in (-1, 0, 1000):
        refused = error_of(bench.call("q_submit", session_id=SESSION + script, graph=bell(), uid=uid))
        assert refused.kind.name == "SESSION_NOT_FOUND"


def test_a_script_submits_no_script_and_bounded_rights_are_not_divided(make_bench: Any) -> None:
    bench = make_bench()
    script = launch(bench, bench.open())
    assert "another script" in error_of(ask(bench, script, graph=SCRIPT)).message
    bounded = bench.open(quota={"shots_period": 10**6})
    refused = error_of(bench.call("q_submit", session_id=bounded, graph=SCRIPT))
    assert (refused.kind.name, "quotas of its own" in refused.message) == ("UNSUPPORTED", True)


def test_a_script_is_replayed_with_the_rights_of_whoever_replays_it(make_bench: Any) -> None:
    bench = make_bench()
    script = launch(bench, bench.open())
    bench.finish(script)
    narrow = bench.ask("q_negotiate_caps", requested=[]).session_id
    (recall,) = [each for each in bench.call("q_replay", session_id=narrow, job_id=script) if isinstance(each, Recall)]
    bench.step(Recalled, key=recall.key, graph=pack(SCRIPT))
    assert bench.launches[-1].script
    bench.start(bench.launches[-1].job)
    assert error_of(ask(bench, bench.launches[-1].job, graph=bell())).kind.name == "INSUFFICIENT_CAPS"
    bounded = bench.open(quota={"shots_period": 10**6})
    refused = error_of(bench.call("q_replay", session_id=bounded, job_id=script))
    assert refused.kind.name == "UNSUPPORTED"


def test_a_new_daemon_goes_on_with_what_the_submitter_could(make_bench: Any) -> None:
    bench = make_bench(workers=1)
    session = bench.open()
    script = launch(bench, session)
    first = run(bench, script)
    again = bench.restarted()
    assert again.kernel.snapshot() == bench.kernel.snapshot()
    again.recover()
    assert [each.job for each in again.launches if each.script] == [script]
    again.start(script)
    repeated = ask(again, script, graph=bell(), idempotency_key=f"{SESSION}{script}-0")
    (reply,) = [each.result for each in repeated if hasattr(each, "result")]
    assert reply.job_id == first
    assert not any(isinstance(each, Launch) for each in repeated)
