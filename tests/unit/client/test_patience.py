"""When a call is made again: pauses grow, patience ends, and a wait that was held for long starts anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmk.abi.calls import q_submit, q_wait
from qmk.base.errors import QmkError
from qmk.client.calls import connection_lost, not_running
from qmk.client.patience import LONGEST_DELAY_S, Outage

LOST = connection_lost(Path("s"), q_wait.CALL)
ABSENT = not_running(Path("s"), FileNotFoundError())


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_pauses_grow_to_a_bound_and_patience_ends():
    clock = Clock()
    outage = Outage(10.0, q_wait.CALL, clock_s=clock)
    pauses: list[float] = []
    while clock.now_s < 10.0 - 1e-9:
        pauses.append(outage.delay_s(ABSENT))
        clock.now_s += pauses[-1]
    clock.now_s = 10.0
    with pytest.raises(QmkError):
        outage.delay_s(ABSENT)
    assert sum(pauses) == pytest.approx(10.0)
    assert pauses[:3] == [0.02, 0.04, 0.08]
    assert max(pauses) == LONGEST_DELAY_S


def test_a_wait_that_was_held_for_long_has_all_patience_again():
    clock = Clock()
    outage = Outage(1.0, q_wait.CALL, clock_s=clock)
    for _ in range(50):
        assert outage.delay_s(LOST) == 0.02
        clock.now_s += 600.0


def test_what_may_have_been_carried_out_is_not_repeated_what_was_never_sent_is():
    assert Outage(1.0, q_submit.CALL).delay_s(ABSENT)
    assert Outage(1.0, q_submit.CALL, repeatable=True).delay_s(LOST)
    with pytest.raises(QmkError):
        Outage(1.0, q_submit.CALL).delay_s(LOST)
    with pytest.raises(QmkError):
        Outage(0.0, q_wait.CALL).delay_s(LOST)


def test_a_daemon_that_can_promise_nothing_more_is_left_and_one_that_refuses_is_not():
    journal = QmkError("INTERNAL_ERROR", "the journal cannot be written", journal=True)
    closing = QmkError("RESOURCE_EXHAUSTED", "the daemon is shutting down", resource="daemon")
    assert Outage(1.0, q_submit.CALL, repeatable=True).delay_s(journal)
    assert Outage(1.0, q_submit.CALL).delay_s(closing)
    with pytest.raises(QmkError):
        Outage(1.0, q_wait.CALL).delay_s(QmkError("JOB_NOT_FOUND", "no job"))
