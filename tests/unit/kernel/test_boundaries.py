"""What happens exactly at a bound, and for what is not there: places where a change by one goes unnoticed elsewhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel import admission
from qmk.kernel.demand import COUNT_BYTES, RESULT_BYTES, result_bytes_max
from qmk.kernel.effects import ClearTimer
from qmk.kernel.events import Started
from qmk.kernel.objects.checkpoint import Checkpoint, CheckpointTable
from qmk.kernel.succession import describe_try
from qmk.policy.standard import STANDARD
from tests.unit.kernel.conftest import bell


def test_a_state_is_needed_until_its_last_checkpoint_goes() -> None:
    table = CheckpointTable(lambda tenant, size: None, STANDARD.index())
    for id in ("a", "b"):
        table.add(Checkpoint(id, "job", "lab", 1, "blob", 10, True, 5))
    table.drop("a")
    assert table.uses("blob")
    table.drop("b")
    assert not table.uses("blob")
    assert table.freed == [("a", "blob"), ("b", "blob")]


@pytest.mark.parametrize(("idle_s", "ended"), [(60, False), (61, True)])
def test_a_session_may_be_idle_for_as_long_as_it_may(make_bench: Any, idle_s: int, ended: bool) -> None:
    bench = make_bench(session_idle_s=60)
    session = bench.ask("q_negotiate_caps").session_id
    bench.now_s += idle_s
    found = bench.kernel.sessions.find_expired(bench.now_ns)
    assert [each.id for each in found] == ([session] if ended else [])


def test_events_may_take_all_the_room_there_is() -> None:
    kernel: Any = SimpleNamespace(
        refusals=SimpleNamespace(too_many_events=lambda *asked: QmkError("QUOTA_EXCEEDED", ""))
    )
    admission.require_event_room(kernel, bell(), LIMITS.event_bytes)  # a byte a shot
    with pytest.raises(QmkError):
        admission.require_event_room(kernel, bell(), LIMITS.event_bytes + 1)


def test_room_for_a_result_is_that_of_its_outcomes() -> None:
    assert result_bytes_max(1, 1000, False) == RESULT_BYTES + 4 * (2 + COUNT_BYTES) + 64
    assert result_bytes_max(1, 3, False) == RESULT_BYTES + 3 * (2 + COUNT_BYTES) + 64


def test_an_engine_that_never_began_took_no_time() -> None:
    record = SimpleNamespace(engine="aer", method="statevector")
    waiting: Any = SimpleNamespace(started_ns=0, submitted=record)
    begun: Any = SimpleNamespace(started_ns=5_000_000_000, submitted=record)
    assert describe_try(waiting, "memory", "", 9_000_000_000)["seconds"] == 0.0
    assert describe_try(begun, "memory", "", 9_000_000_000)["seconds"] == 4.0


def test_a_record_of_a_job_that_is_gone_changes_nothing(bench: Any) -> None:
    assert bench.kernel.jobs.apply(Started(now_ns=bench.now_ns, job="job_gone", fence=1)) == []


@pytest.mark.parametrize("expiry", [None, 5000.0])
def test_a_timer_is_cleared_where_one_was_set(bench: Any, expiry: float | None) -> None:
    session = bench.ask("q_negotiate_caps")
    made = bench.ask(
        "q_delegate", session_id=session.session_id, capability=session.root, rights=["CAP_STATUS"], expiry=expiry
    )
    effects = bench.call("q_revoke", session_id=session.session_id, capability=made.capability)
    cleared = [effect.key for effect in effects if isinstance(effect, ClearTimer) and made.capability in effect.key]
    assert len(cleared) == (expiry is not None)
