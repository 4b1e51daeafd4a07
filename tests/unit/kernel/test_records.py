"""A record that no codec carries stops nobody: a job is refused, an end is kept in words that can be written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from qmk.kernel.effects import Journal, Launch, ReplyError
from qmk.kernel.events import Failed, Finished, Routed, Started
from qmk.kernel.objects.job import COMPLETED, FAILED
from qmk.kernel.records import decode_record, writable
from qmk.qvm.graph import Graph, Node

PROGRAM = Graph(
    nodes=(
        Node("a", "core.alloc", vqs=("q",)),
        Node("m", "core.mz", vqs=("q",), produces=("m",)),
        Node("d", "core.free", vqs=("q",)),
    ),
    vqs=("q",),
    events=("m",),
)
UNWRITABLE: list[Any] = [object(), 1 << 64, "\ud800", {"x": [1 << 70]}, {"\udc80": 1}]


def nested(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", UNWRITABLE, ids=map(str, range(len(UNWRITABLE))))
def test_a_job_whose_record_cannot_be_written_is_refused_and_only_it(make_bench: Any, value: Any):
    bench = make_bench(workers=4)
    session = bench.open()
    (route,) = bench.call("q_submit", session_id=session, graph=PROGRAM, idempotency_key="k")
    effects = bench.step(
        Routed, job=route.job, engine="e", method="", seconds=1.0, memory_bytes=0, reasons=[{"why": value}]
    )
    (refused,) = [effect for effect in effects if isinstance(effect, ReplyError)]
    assert refused.error.kind.name == "INTERNAL_ERROR"
    assert "cannot be written" in refused.error.message
    assert not [effect for effect in effects if isinstance(effect, (Journal, Launch))]
    assert not bench.kernel.jobs.by_id
    again = bench.submit(session, graph=PROGRAM, idempotency_key="k")
    assert again in bench.kernel.jobs.by_id


@pytest.mark.parametrize("value", [*UNWRITABLE, nested(100)], ids=map(str, range(len(UNWRITABLE) + 1)))
def test_an_end_that_cannot_be_written_as_it_is_is_kept_all_the_same(make_bench: Any, value: Any):
    bench = make_bench(workers=4)
    session = bench.open()
    good, bad = bench.submit(session), bench.submit(session)
    bench.start(good)
    bench.start(bad)
    bench.finish(good, note=value)
    bench.step(Failed, job=bad, fence=bench.fence(bad), kind="JOB_FAILED", message="boom", fields={"x": value})
    states = {job: bench.kernel.jobs.by_id[job].state for job in (good, bad)}
    assert states == {good: COMPLETED, bad: FAILED}
    again = make_bench(workers=4).kernel
    again.replay(decode_record(msgspec.msgpack.encode(record)) for record in bench.journal)
    assert again.snapshot() == bench.kernel.snapshot()


def test_what_can_be_written_is_left_alone():
    for record in (Started(now_ns=1, job="j", fence=1), Finished(now_ns=1, job="j", fence=1, usage={"a": [1.5, "b"]})):
        assert writable(record) == (record, msgspec.msgpack.encode(record))
