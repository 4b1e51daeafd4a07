"""Non-interference: whatever tenant ``bob`` does, tenant ``alice`` sees the same, answer for answer.

Each of the random pairs is run twice on the real kernel, host, router and engines, with a clock and a launcher of the
test's own: once with alice alone, once with bob beside her. Alice makes the same calls with the same entropy, by the
same clock. What she is answered, and when, must be equal. Bob floods, guesses alice's ids, proposes channels to her,
fills quotas, crashes his engines, forges tokens and takes up the very names that alice uses.

Half of the pairs leave alice a worker of her own (quota ``running_jobs``): nothing is left out of the comparison but
``estimated_start``, which is documented to depend on the load, and where on the map a job was placed. In the other half
the two share one worker, so what is time by nature differs: moments, durations, estimates. There alice waits for each
job's end before she looks.

A leak that is put in on purpose must be found: see the last test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from qmk.base.limits import LIMITS
from qmk.kernel import firewall
from qmk.kernel.handlers import jobs
from qmk.kernel.objects.session import SessionTable
from qmk.kernel.state import State
from qmk.policy.schedule import forecast
from tests.security.neighbours import ALICE, BEGIN_NS, BOB, TICK_NS, System, differences

PAIRS = 100
"""of each kind; two kinds"""


@pytest.fixture(autouse=True)
def narrow() -> Iterator[None]:
    """What is remembered of ended channels is little enough to be fought for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LIMITS.__dict__, "kept_channels", 4)
        yield


@pytest.mark.parametrize("shared", [False, True], ids=["a worker each", "one worker"])
@pytest.mark.parametrize("block", range(4))
def test_alice_is_told_the_same_with_and_without_bob(block: int, shared: bool) -> None:
    for number in range(block * PAIRS // 4, (block + 1) * PAIRS // 4):
        found = differences(number, shared)
        assert not found, f"pair {number}: " + "\n".join(found)[:3000]


def test_an_unused_session_ends_by_the_clock_and_not_when_bob_calls() -> None:
    """What an idle session holds comes back when its time is over, for whoever looks then."""
    told: list[Any] = []
    for with_bob in (False, True):
        system = System(shared=False)
        system.tokens[BOB] = system.enrol(BOB, {})
        idle, used = (system.ask(ALICE, "q_negotiate_caps", token=system.tokens[ALICE]).session_id for _ in range(2))
        system.ask(ALICE, "q_alloc", session_id=idle, n=15)
        for tick in range(1, 15):
            system.until(BEGIN_NS + tick * TICK_NS)
            system.ask(ALICE, "q_get_telemetry", session_id=used)
        if with_bob:
            system.ask(BOB, "q_negotiate_caps", token=system.tokens[BOB])
        told.append(system.ask(ALICE, "q_alloc", session_id=used, n=10))
    assert told[0] == told[1]
    assert len(told[0].handles) == 10


def any_session(table: Any, id: str, conn: int, now_ns: int, uid: int = -1) -> Any:
    return table._by_id.get(id) or REAL_USE(table, id, conn, now_ns, uid)


def any_job(kernel: Any, session: Any, job_id: str, rights: Any = None) -> Any:
    return kernel.jobs.by_id.get(job_id) or REAL_JOB_OF(kernel, session, job_id, rights)


def any_channel(kernel: Any, tenant: str, id: str) -> Any:
    return kernel.channels.by_id.get(id) or REAL_PARTY(kernel, tenant, id)


def figures_of_all(kernel: Any, _event: Any, _session: Any) -> tuple[int, int]:
    return len(kernel.jobs.queue), len(kernel.jobs.launched)


def place_among_all(state: Any, job: str) -> int | None:
    return None if REAL_PLACE(state, job) is None else state.waiting


REAL_USE, REAL_JOB_OF, REAL_PARTY, REAL_PLACE = SessionTable.use, State.job_of, firewall.party, forecast.place
LEAKS = [
    (SessionTable, "use", any_session),
    (State, "job_of", any_job),
    (firewall, "party", any_channel),
    (jobs, "_figures", figures_of_all),
    (forecast, "place", place_among_all),
]


@pytest.mark.parametrize(("where", "name", "leaking"), LEAKS, ids=[row[1] for row in LEAKS])
def test_a_leak_is_found(where: Any, name: str, leaking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, name, leaking)
    assert any(differences(number, shared=False) for number in range(PAIRS))
