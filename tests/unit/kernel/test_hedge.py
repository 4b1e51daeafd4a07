"""A second engine is offered for an uncertain long run while a worker has nothing to do, and never where it matters
which of the two is done first."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.shapes import Policy
from qmk.kernel.effects import Charge
from qmk.kernel.events import Finished
from qmk.kernel.objects.alternative import Alternative

SECOND = Alternative(engine="second", method="m", seconds=15.0, memory_bytes=10, uncertainty=2.0)


@pytest.fixture
def bench(make_bench: Any) -> Any:
    return make_bench(workers=2, hedging=True)


def launch_of(bench: Any, seconds: float = 10.0, other: Alternative = SECOND, **params: Any) -> Any:
    routed = {"alternatives": (other,), "uncertainty": 2.0}
    job = bench.submit(bench.open(), seconds=seconds, routed=routed, **params)
    return next(launch for launch in bench.launches if launch.job == job)


def test_an_uncertain_long_run_gets_a_second_engine(bench: Any) -> None:
    assert launch_of(bench).hedge == SECOND


def test_a_sure_choice_a_short_run_and_a_seed_get_none(bench: Any, make_bench: Any) -> None:
    far = Alternative(engine="far", method="", seconds=1000.0, memory_bytes=0, uncertainty=2.0)
    assert launch_of(make_bench(workers=2, hedging=True), other=far).hedge is None
    assert launch_of(make_bench(workers=2, hedging=True), seconds=0.9).hedge is None
    assert launch_of(make_bench(workers=2, hedging=True), policy=Policy(seed=1)).hedge is None
    assert launch_of(make_bench(workers=2, hedging=True), fenced=True).hedge is None
    assert launch_of(make_bench(workers=2)).hedge is None, "it is switched off"


def test_none_where_the_workers_are_taken_or_memory_is_short(make_bench: Any) -> None:
    assert launch_of(make_bench(workers=1, hedging=True)).hedge is None
    bench = make_bench(workers=2, hedging=True)
    bench.submit(bench.open())
    assert launch_of(bench).hedge is None
    assert launch_of(make_bench(workers=2, hedging=True, memory_bytes=15), memory_bytes=6).hedge is None


def test_the_job_is_one_of_the_engine_that_was_done_first(bench: Any) -> None:
    launch = launch_of(bench)
    bench.start(launch.job)
    effects = bench.step(
        Finished, job=launch.job, fence=launch.fence, usage={"engine_seconds": 4.0}, hedge=SECOND, version="1"
    )
    job = bench.kernel.jobs.by_id[launch.job]
    assert (job.state, job.submitted.engine, job.submitted.method) == ("COMPLETED", "second", "m")
    assert [row["why"] for row in job.tried] == ["hedged"]
    (charge,) = [effect for effect in effects if isinstance(effect, Charge)]
    assert (charge.engine, charge.attempt, charge.amounts["engine_seconds"]) == ("second", 1, 4.0)
    assert bench.restarted().kernel.snapshot() == bench.kernel.snapshot()
