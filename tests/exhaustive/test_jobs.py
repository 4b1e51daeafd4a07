"""Jobs and launches of the kernel move exactly as the models do, and the checker finds what is broken in either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmk.kernel import ledger, succession
from qmk.kernel.handlers import HANDLERS, submit
from qmk.kernel.jobs import JobTable
from qmk.kernel.objects.job import Job as KernelJob
from qmk.kernel.pending import PendingTable
from qmk.kernel.state import State as KernelState
from tests.exhaustive import job_model, launch_model
from tests.exhaustive.checker import Wrong, conform, explore
from tests.exhaustive.job_model import Jobs
from tests.exhaustive.job_system import KernelOfJobs
from tests.exhaustive.launch_model import Launches
from tests.exhaustive.launch_system import KernelOfLaunches

JOBS = {"one request": job_model.Bounds(1, timed=(0,), kept=1), "two requests": job_model.Bounds(2, kept=1, callers=1)}
LAUNCHES = launch_model.Bounds(stops=1)


@pytest.mark.parametrize(("name", "states"), [("one request", 35), ("two requests", 579)])
def test_the_kernel_moves_jobs_as_the_model_does(name: str, states: int) -> None:
    model = Jobs(JOBS[name])
    space = explore(model)
    assert len(space.parent) == states
    assert conform(model, space, lambda: KernelOfJobs(model.bounds)) == space.transitions + space.forbidden


def test_the_kernel_moves_launches_as_the_model_does() -> None:
    model = Launches(LAUNCHES)
    space = explore(model)
    assert len(space.parent) == 1491
    assert conform(model, space, lambda: KernelOfLaunches(model.bounds)) == space.transitions + space.forbidden


class LateAnswersCount(Jobs):
    def hear_late(self, state: Any, act: Any) -> Any:
        ended = state.jobs[act.number].state in job_model.ENDED
        return self.end(state, act.number, job_model.COMPLETED, "completed") if ended else None


class WaitsAreForgotten(Jobs):
    def end(self, state: Any, number: int, how: str, outcome: str) -> Any:
        waits = state.jobs[number].waits
        after = super().end(state, number, how, outcome)
        return after.put(number, after.jobs[number]._replace(waits=waits)) if after.jobs[number].state else after


class CallersAreForgotten(Jobs):
    def route(self, state: Any, number: int, job: Any) -> Any:
        after = super().route(state, number, job)
        return None if after is None else after.put(number, after.jobs[number]._replace(callers=job.callers))


class NobodyTakesTheWorker(Jobs):
    def launch(self, state: Any) -> Any:
        return state if state.ended else super().launch(state)


class EveryLaunchIsTheFirst(Jobs):
    def begin(self, state: Any, number: int) -> Any:
        return state.put(number, state.jobs[number]._replace(state="RUNNING", launches=1))


class LostJobs(Jobs):
    def crash(self, state: Any, number: int, job: Any) -> Any:
        after = super().crash(state, number, job)
        return None if after is None else after._replace(order=())


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (LateAnswersCount, "ended more or less than once|charged after its end"),
        (WaitsAreForgotten, "somebody is not answered"),
        (CallersAreForgotten, "a caller is not answered"),
        (NobodyTakesTheWorker, "waits for a worker that is free"),
        (EveryLaunchIsTheFirst, "charged twice"),
        (LostJobs, "is lost"),
    ],
)
def test_a_fault_in_the_model_of_jobs_is_found(fault: type[Jobs], rule: str) -> None:
    with pytest.raises(Wrong, match=rule):
        explore(fault(JOBS["two requests"]))


class AnyLaunchCounts(Launches):
    def is_current(self, state: Any, launch: int) -> bool:
        return True


class NothingIsStopped(Launches):
    def recover(self, state: Any) -> Any:
        after, told = super().recover(state)
        return after, [row for row in told if row[0] != "kill"]


class NumbersComeAgain(Launches):
    def give(self, state: Any) -> Any:
        return super().give(state._replace(given=0))


class TheEndIsForgotten(Launches):
    def recover(self, state: Any) -> Any:
        after, told = super().recover(state)
        return (after._replace(state=launch_model.QUEUED), told) if state.state == "COMPLETED" else (after, told)


class NothingIsLaunchedAgain(Launches):
    def recover(self, state: Any) -> Any:
        after, told = super().recover(state)
        return (after, [row for row in told if row[0] != "launch"])


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        (AnyLaunchCounts, "cannot count any more|charged|two launches"),
        (NothingIsStopped, "cannot count any more|two launches"),
        (NumbersComeAgain, "cannot count any more"),
        (TheEndIsForgotten, "charged twice"),
        (NothingIsLaunchedAgain, "nobody has"),
    ],
)
def test_a_fault_in_the_model_of_launches_is_found(fault: type[Launches], rule: str) -> None:
    with pytest.raises(Wrong, match=rule):
        explore(fault(LAUNCHES))


def stale_launches_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(JobTable, "current", lambda self, job, fence: self.launched.get(job))


def launches_are_not_taken_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(succession, "adoptable", lambda jobs, launches: ())


def every_launch_is_taken_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(succession, "adoptable", lambda jobs, launches: tuple(launches))


def generations_are_the_same(patch: pytest.MonkeyPatch) -> None:
    recover = JobTable._recover

    def forgetful(self: JobTable, record: Any) -> Any:
        changed = recover(self, record)
        self.fence = 1 << 32
        return changed

    patch.setattr(JobTable, "_recover", forgetful)


def lost_launches_are_free(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "charges", lambda accounts, jobs, record: [])


def lost_workers_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KernelJob, "lose", lambda self, cause, workers: None)


def ends_of_jobs_are_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KernelState, "_wake", lambda self, job: None)


def cancelled_launches_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(KernelState, "stop", lambda self, job, record: self.commit(record) and None)


def repeated_requests_are_new(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(submit, "repeat", lambda kernel, event, session, digest: False)


def keys_are_for_any_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(submit.admission, "request_digest", lambda *args: "same")


def callers_that_join_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PendingTable, "join", lambda self, pending, conn, ref: None)


def results_are_given_early(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(HANDLERS, "q_result", HANDLERS["q_status"])


@pytest.mark.parametrize(
    "fault",
    [
        stale_launches_count,
        lost_launches_are_free,
        lost_workers_are_not_counted,
        ends_of_jobs_are_not_told,
        cancelled_launches_go_on,
        repeated_requests_are_new,
        keys_are_for_any_request,
        callers_that_join_are_forgotten,
        results_are_given_early,
    ],
)
def test_a_fault_in_the_kernels_jobs_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Jobs(JOBS["one request"])
    space = explore(model)
    fault(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        conform(model, space, lambda: KernelOfJobs(model.bounds))


@pytest.mark.parametrize(
    "fault",
    [
        stale_launches_count,
        launches_are_not_taken_over,
        every_launch_is_taken_over,
        generations_are_the_same,
        lost_launches_are_free,
        cancelled_launches_go_on,
    ],
)
def test_a_fault_in_the_kernels_launches_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Launches(LAUNCHES)
    space = explore(model)
    fault(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        conform(model, space, lambda: KernelOfLaunches(model.bounds))
