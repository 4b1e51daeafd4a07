"""What a step costs does not grow with what has nothing to do with it: counted in calls, not timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.kernel.effects import Reply, Route
from qmk.kernel.events import CheckpointDropped, ConnectionClosed, Failed, Saved
from tests.unit.kernel.test_channels import Town, joint, running

Calls = Callable[[Callable[[], object]], int]
FEW, MANY = 4, 64
SLACK = 20
"""Calls by which two steps of the same cost may differ."""


def test_the_state_of_a_channel_costs_the_same_however_many_jobs_hold_of_it(make_bench: Any, calls: Calls) -> None:
    """Nor does it matter how many hold of others."""

    def cost(mine: int, others: int) -> int:
        town = Town(make_bench)
        channel, other = (town.channel(entanglements_max=100_000) for _ in range(2))
        for count, id in ((mine, channel), (others, other)):
            for _ in range(count):
                assert isinstance(town.submit("alice", joint(), channels={"c": id}), str)
        assert town.ask("bob", "q_chan_status", channel=channel).jobs == mine
        return calls(lambda: town.ask("bob", "q_chan_status", channel=channel))

    few = cost(FEW, FEW)
    assert cost(MANY, FEW) <= few + SLACK
    assert cost(FEW, MANY) <= few + SLACK


def test_the_jobs_that_need_a_channel_are_those_with_a_use_before_them(make_bench: Any) -> None:
    """Whatever takes a job on or back: the index says what a walk over all jobs would."""
    town = Town(make_bench, workers=4)
    channel = town.channel()
    kernel = town.bench.kernel

    def walked() -> int:
        found = list(kernel.channels.needing(channel))
        jobs = [job for job in kernel.jobs.by_id.values() if not job.has_ended]
        uses = {job.id: max((use.last_epoch for use in job.submitted.channels), default=0) for job in jobs}
        assert found == [job.id for job in jobs if uses[job.id] > job.epochs_done]
        assert town.ask("bob", "q_chan_status", channel=channel).jobs == len(found)
        return len(found)

    assert walked() == 0
    job = running(town, joint(uses=1, fences=(1,)), channel)
    assert walked() == 1
    state = {"job": job, "checkpoint": "chk_x", "blob": "b", "size_bytes": 1, "epoch": 1}
    town.bench.step(Saved, **state, fence=town.bench.fence(job))
    assert walked() == 0
    town.bench.step(CheckpointDropped, checkpoint="chk_x")
    assert walked() == 1, "it would have to begin anew"
    town.bench.step(Saved, **{**state, "checkpoint": "chk_y"}, fence=town.bench.fence(job))
    assert walked() == 0
    fields = {"engine": "reference", "start": True}
    fence = town.bench.fence(job)
    town.bench.step(Failed, job=job, fence=fence, kind="UNSUPPORTED", message="another version", fields=fields)
    assert walked() == 1
    town.bench.start(job)
    town.bench.finish(job)
    assert walked() == 0
    town.replayed()


@pytest.mark.parametrize("tenants", [FEW, MANY])
def test_whether_there_are_other_tenants_is_known_without_a_look_at_them(
    bench: Any, calls: Calls, tenants: int
) -> None:
    for number in range(tenants):
        bench.operate("op_tenant_add", tenant=f"t{number}")
    assert not bench.kernel.only_local
    assert calls(lambda: bench.kernel.only_local) <= 5


def test_a_connection_that_closes_costs_the_same_however_many_jobs_are_validating(
    make_bench: Any, program: Any, calls: Calls
) -> None:
    def cost(validating: int) -> int:
        bench = make_bench()
        session = bench.open()
        for _ in range(validating):
            bench.call("q_submit", session_id=session, graph=program(), conn=1)
        bench.call("q_submit", session_id=session, graph=program(), conn=2)
        return calls(lambda: bench.step(ConnectionClosed, conn=2))

    assert cost(MANY) <= cost(FEW) + SLACK


def test_nobody_is_answered_on_a_connection_that_closed_while_its_job_was_validating(bench: Any, program: Any) -> None:
    """Whoever asked for the same job on another one is."""
    session = bench.open()
    params = {"session_id": session, "graph": program(), "idempotency_key": "k"}
    (route,) = [effect for effect in bench.call("q_submit", conn=1, **params) if isinstance(effect, Route)]
    for conn in (2, 2, 1):
        bench.call("q_submit", conn=conn, **params)
    bench.step(ConnectionClosed, conn=2)
    answers = [effect for effect in bench.route(route.job) if isinstance(effect, Reply)]
    assert [(answer.conn, answer.result.job_id) for answer in answers] == [(1, route.job), (1, route.job)]
    assert bench.step(ConnectionClosed, conn=1) == []
