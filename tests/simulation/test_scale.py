"""A queue of thousands of jobs on many slots, under the real kernel: shares follow the weights, nobody is forgotten,
and what a decision costs grows neither with the queue nor with the slots. Counted, not timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.scale.machine import SINGLE, Machine, Size
from benchmarks.scale.model import Measured, Model, model_of

Calls = Callable[[Callable[[], object]], int]


@pytest.fixture(scope="module")
def crowd() -> Machine:
    machine = Machine(Size(slots=60, jobs=6_000, tenants=12))
    machine.fill()
    return machine


def test_slots_are_shared_by_weight_and_a_single_job_does_not_wait_for_the_crowd(crowd: Machine) -> None:
    """Predictions are wrong by a half and jobs up to four times as long, so the bound is not zero: a tenant may be off
    by about a job of each slot that it has, of the hundreds that went through it."""
    fairness = crowd.share()
    assert fairness.seconds > 20
    assert fairness.worst < 0.08
    assert fairness.index > 0.999
    assert len(crowd.single.waits_s) >= 10
    assert max(crowd.single.waits_s) < 1.0, "one of 60 slots is free every few hundredths of a second"
    crowd.drain()
    launched = {tenant.name: len(tenant.waits_s) for tenant in (*crowd.tenants, crowd.single)}
    assert launched.pop(SINGLE) == len(crowd.single.waits_s)
    assert set(launched.values()) == {500}, "every job ran once"
    assert len(crowd.kernel.jobs.queue) == 0
    assert not crowd.kernel.jobs.launched


def costs(calls: Calls, slots: int, jobs: int) -> tuple[int, int]:
    """Calls of 200 submits to a full machine, and of 200 ends of launches with what follows them."""
    machine = Machine(Size(slots, jobs, tenants=10))
    machine.fill()

    def submit() -> None:
        for number in range(200):
            machine.submit(machine.tenants[number % 10])

    def advance() -> None:
        for _ in range(200):
            machine.advance()

    return calls(submit), calls(advance)


def test_a_decision_costs_the_same_with_more_slots_and_a_longer_queue(calls: Calls) -> None:
    """The queues are trees: ten times as many jobs are at most one level more."""
    few = costs(calls, slots=10, jobs=500)
    for slots, jobs in ((200, 500), (10, 3_000)):
        many = costs(calls, slots, jobs)
        assert many[0] < 1.1 * few[0], f"submits: {slots} slots, {jobs} jobs"
        assert many[1] < 1.1 * few[1], f"ends: {slots} slots, {jobs} jobs"


def test_the_model_is_that_of_one_queue_and_the_processors_bound_it() -> None:
    model = model_of(Measured(slots=1, launch_s=0.004, kernel_s=0.001, worker_s=0.001, submit_s=0.001))
    assert model.slot_s == pytest.approx(0.003)
    wide = Model(model.kernel_s, model.slot_s, model.worker_s, processors=64)
    assert wide.launches_a_second(1) == pytest.approx(250)
    # two slots: the second finds the first at the daemon a quarter of the time, so it waits for 0.25 ms on average
    assert wide.launches_a_second(2) == pytest.approx(2 / 0.00425)
    rates = [wide.launches_a_second(slots) for slots in (1, 2, 4, 16, 64)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(wide.most, rel=1e-6)
    narrow = Model(model.kernel_s, model.slot_s, model.worker_s, processors=1)
    assert narrow.launches_a_second(64) == pytest.approx(500), "one processor: daemon and worker take it in turn"
    assert wide.launches_a_second(64, job_s=1.0) == pytest.approx(64 / 1.004, rel=0.01)
    assert wide.slots_at_saturation(1.0) == pytest.approx(1004)
