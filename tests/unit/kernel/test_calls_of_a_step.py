"""What a step of the kernel costs, in calls: a bound that a clock cannot give, a little above what it takes now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qmk.abi.calls import METHODS
from qmk.kernel.effects import Journal, Route
from qmk.kernel.events import CallReceived

Count = Callable[[Callable[[], object]], int]


@pytest.fixture
def busy(make_bench: Any) -> tuple[Any, str]:
    """A kernel with a session that has done a few jobs already, so that nothing is made for the first time."""
    bench = make_bench(workers=4)
    session = bench.open()
    for _ in range(5):
        job = bench.submit(session)
        bench.start(job)
        bench.finish(job, engine_seconds=0.1)
    return bench, session


def asked(bench: Any, method: str, **params: Any) -> CallReceived:
    bench.count += 1
    entropy = bench.count.to_bytes(16, "big")
    request = METHODS[method].request(**params)
    return CallReceived(now_ns=bench.now_ns, conn=1, ref=bench.count, method=method, params=request, entropy=entropy)


def test_asking_for_figures(busy: tuple[Any, str], calls: Count):
    bench, session = busy
    event = asked(bench, "q_get_telemetry", session_id=session)
    assert calls(lambda: bench.kernel.step(event)) <= 80


def test_opening_a_session(busy: tuple[Any, str], calls: Count):
    bench, _ = busy
    event = asked(bench, "q_negotiate_caps")
    assert calls(lambda: bench.kernel.step(event)) <= 275


def test_accepting_a_job(busy: tuple[Any, str], calls: Count):
    """What comes after the program was verified: the record, the quotas, the scheduler, the launch, the answer."""
    bench, session = busy
    (route,) = bench.call("q_submit", session_id=session, graph=bench.program())
    assert isinstance(route, Route)
    assert calls(lambda: bench.route(route.job)) <= 270


def test_the_start_and_the_end_of_a_job(busy: tuple[Any, str], calls: Count):
    bench, session = busy
    job = bench.submit(session)
    bench.call("q_wait", session_id=session, job_id=job)
    assert calls(lambda: bench.start(job)) <= 92
    assert calls(lambda: bench.finish(job, engine_seconds=0.1)) <= 262


def test_every_record_comes_with_its_bytes(busy: tuple[Any, str]):
    bench, session = busy
    (route,) = bench.call("q_submit", session_id=session, graph=bench.program())
    effects = bench.route(route.job)
    effects += bench.start(route.job)
    effects += bench.finish(route.job, engine_seconds=0.1)
    found = [effect for effect in effects if isinstance(effect, Journal)]
    assert len(found) == 3
    assert [effect.data for effect in found] == [msgspec.msgpack.encode(effect.record) for effect in found]
