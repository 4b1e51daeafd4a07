"""The worker's side of fences: what it does when it is asked to save, yield or rewind, and when it saves unasked."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from qmk.engines import reference
from qmk.qvm.graph import Graph, digest, pack
from qmk.sdk.kit.builder import Builder, when
from qmk.worker import driver
from qmk.worker.driver import SavingBudget
from qmk.worker.main import serve
from qmk.worker.messages import Ask, Done, Failed, FromWorker, NotDone, Run, RunProgress, StateSaved, Stop, ToWorker
from qmk.worker.runner import Runner, execute
from qmk.worker.wire import Channel

SHOTS, SEED = 40, 11


def rounds(count: int = 4, measure_in: int = 1) -> Graph:
    """A qubit turned in ``count`` epochs; at the end of epoch ``measure_in`` another is measured and fed forward."""
    b = Builder(2)
    for epoch in range(1, count + 1):
        b.op("h", 0).op("rx", 0, theta=0.4 * epoch).op("cnot", 0, 1)
        if epoch == measure_in:
            event = b.measure(1)
            b.op("x", 0, guard=when(event))
        b.op("fence")
    return b.measure_all().graph()


class Ends:
    """A worker's loop over a socket pair, in this very thread: what it is to read is sent before it runs."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.host: Channel[FromWorker] = Channel(ours, FromWorker)
        self.worker: Channel[ToWorker] = Channel(theirs, ToWorker)
        self.runner = Runner(reference.DECLARATION)
        self.graph = rounds()

    def run(self, fence: int = 1, **fields: object) -> Run:
        return Run(fence, digest(self.graph), pack(self.graph), "", SHOTS, SEED, **fields)  # type: ignore[arg-type]

    def talk(self, *messages: ToWorker) -> list[FromWorker]:
        """Everything that the worker says to ``messages`` but how far it is, which depends on the clock."""
        for message in (*messages, Stop()):
            self.host.send(message)
        serve(self.worker, self.runner)
        return self.heard()

    def heard(self) -> list[FromWorker]:
        said: list[FromWorker] = []
        while (message := self.host.waiting()) is not None:
            if not isinstance(message, RunProgress):
                said.append(message)
        return said

    def close(self) -> None:
        self.host.sock.close()
        self.worker.sock.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    yield both
    both.close()


def counts(ends: Ends) -> dict[str, int]:
    return execute(reference.DECLARATION, ends.graph, "", SHOTS, SEED).counts


def test_a_run_that_nobody_disturbs_ends_with_done(ends: Ends) -> None:
    (done,) = ends.talk(ends.run())
    assert isinstance(done, Done)
    assert done.counts == counts(ends)


def test_save_is_answered_at_the_next_fence_and_the_run_goes_on(ends: Ends) -> None:
    saved, done = ends.talk(ends.run(), Ask(1, "c1", "save"))
    assert isinstance(saved, StateSaved)
    assert (saved.ref, saved.epoch, saved.shots_done, saved.stopped) == ("c1", 1, 0, False)
    assert isinstance(done, Done)
    assert done.counts == counts(ends)


def test_yield_ends_the_run_and_its_state_continues_it(ends: Ends) -> None:
    (saved,) = ends.talk(ends.run(), Ask(1, "c1", "yield"))
    assert isinstance(saved, StateSaved)
    assert saved.stopped
    again, done = ends.talk(ends.run(2, start=saved.state), Ask(2, "c2", "save"))
    assert isinstance(again, StateSaved)
    assert again.epoch == 2, "a run that goes on passes a fence before it is stopped again"
    assert isinstance(done, Done)
    assert done.counts == counts(ends)


def test_rewind_runs_gates_backwards(ends: Ends) -> None:
    ends.graph = rounds(measure_in=0)
    saved, at_two = ends.talk(ends.run(), Ask(1, "c1", "save"), Ask(1, "c2", "rewind", 0))
    assert isinstance(saved, StateSaved)
    assert isinstance(at_two, StateSaved)
    assert (at_two.ref, at_two.epoch, at_two.stopped) == ("c2", 0, True)
    (done,) = ends.talk(ends.run(2, start=at_two.state))
    assert isinstance(done, Done)
    assert done.counts == counts(ends)


def test_rewind_past_a_measurement_takes_the_state_kept_from_there(ends: Ends) -> None:
    ends.graph = rounds(measure_in=2)
    (first,) = ends.talk(ends.run(), Ask(1, "", "yield"))
    assert isinstance(first, StateSaved)
    run = ends.run(2, start=first.state)
    denied, done = ends.talk(run, Ask(2, "c", "rewind", 1))
    assert isinstance(denied, NotDone)
    assert denied.ref == "c"
    assert "from the end of epoch 2 to that of 1: a measurement" in denied.message
    assert isinstance(done, Done)
    assert done.counts == counts(ends)

    driving = driver.FenceDriver(ends.worker, run)
    plan = ends.runner.prepare(ends.graph, "").plan
    execution = plan.start(SHOTS, SEED)  # type: ignore[attr-defined]
    ends.host.send(Ask(2, "kept", "save"))
    asked = False
    advance = execution.advance

    def advance_and_ask() -> bool:
        nonlocal asked
        if execution.epoch == 1 and not asked:
            asked = True
            ends.host.send(Ask(2, "back", "rewind", 1))
        return advance()

    execution.advance = advance_and_ask
    with pytest.raises(driver.Stopped):
        driving(plan, execution)  # type: ignore[arg-type]
    kept, back = ends.heard()
    assert isinstance(kept, StateSaved)
    assert isinstance(back, StateSaved)
    assert (back.ref, back.epoch, back.stopped) == ("back", 1, True)
    assert back.state == kept.state


def test_rewind_to_an_epoch_that_has_not_come_is_refused(ends: Ends) -> None:
    denied, done = ends.talk(ends.run(), Ask(1, "c", "rewind", 3))
    assert isinstance(denied, NotDone)
    assert "the run is at the end of epoch 1 and has not come to that of 3" in denied.message
    assert isinstance(done, Done)


def test_unknown_requests_are_refused_and_those_of_other_launches_ignored(ends: Ends) -> None:
    denied, done = ends.talk(ends.run(), Ask(7, "old", "yield"), Ask(1, "c", "dance"))
    assert isinstance(denied, NotDone)
    assert "cannot 'dance'" in denied.message
    assert isinstance(done, Done)


def test_a_request_after_the_end_is_not_answered(ends: Ends) -> None:
    ends.graph = Builder(1).op("h", 0).measure_all().graph()
    (done,) = ends.talk(ends.run(), Ask(1, "c", "yield"))
    assert isinstance(done, Done)


def test_a_second_run_behind_the_first_is_kept_for_later(ends: Ends) -> None:
    first, second = ends.talk(ends.run(1), ends.run(2))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (first.fence, second.fence) == (1, 2)


def test_states_are_sent_unasked_at_the_first_fences(ends: Ends) -> None:
    *saved, done = ends.talk(ends.run(save_fences=True))
    assert isinstance(done, Done)
    assert saved
    for message in saved:
        assert isinstance(message, StateSaved)
        assert message.ref == ""
        (again,) = ends.talk(ends.run(2, start=message.state))
        assert isinstance(again, Done)
        assert again.counts == done.counts


@pytest.mark.parametrize(("shots", "seed"), [(SHOTS + 1, SEED), (SHOTS, SEED + 1)])
def test_a_state_of_another_run_is_refused(ends: Ends, shots: int, seed: int) -> None:
    (saved,) = ends.talk(ends.run(), Ask(1, "c1", "yield"))
    assert isinstance(saved, StateSaved)
    (failed,) = ends.talk(Run(2, digest(ends.graph), pack(ends.graph), "", shots, seed, start=saved.state))
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.fields["start"]) == ("UNSUPPORTED", True)
    assert f"not of {shots} with seed {seed}" in failed.message


def test_a_state_for_a_program_without_fences_is_refused(ends: Ends) -> None:
    ends.graph = Builder(1).op("h", 0).measure_all().graph()
    (failed,) = ends.talk(ends.run(start=b"anything"))
    assert isinstance(failed, Failed)
    assert failed.kind == "UNSUPPORTED"
    assert "needs a program with fences" in failed.message


def test_states_too_large_are_not_saved(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(driver.LIMITS.__dict__, "checkpoint_bytes", 100)
    denied, done = ends.talk(ends.run(save_fences=True), Ask(1, "c", "yield"))
    assert isinstance(denied, NotDone)
    assert "'checkpoint_bytes'" in denied.message
    assert isinstance(done, Done)
    assert done.counts == counts(ends)


def test_saving_unasked_takes_its_share_of_the_run_and_no_more() -> None:
    now_s = 0.0
    budget = SavingBudget(lambda: now_s)
    assert budget.allows()
    budget.spend(0.1)
    spent_s = 0.1
    for _ in range(1000):
        now_s += 0.01
        if budget.allows():
            budget.spend(0.1)
            spent_s += 0.1
    assert 0.8 * driver.SAVING_SHARE * now_s <= spent_s <= driver.SAVING_SHARE * now_s + driver.SAVING_FREE_S + 0.1


def test_progress_tells_shots_and_epoch(ends: Ends) -> None:
    """On a clock that moves more than the interval between two looks at it."""
    ticks = iter(range(10_000))
    driving = driver.FenceDriver(ends.worker, ends.run(), lambda: float(next(ticks)))
    plan = ends.runner.prepare(ends.graph, "").plan
    driving(plan, plan.start(SHOTS, SEED))  # type: ignore[attr-defined, arg-type]
    seen: list[tuple[int, int]] = []
    while (message := ends.host.waiting()) is not None:
        assert isinstance(message, RunProgress)
        seen.append((message.shots_done, message.epoch))
    assert seen == [(0, 1), (0, 2), (0, 3), (0, 4), (SHOTS, 5)]
