"""Batches of jobs through both clients: the bits of the same batch in this process, handles, refusals, cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stim

import qmk
from qmk.base.errors import QmkError
from qmk.client import AsyncClient, Client, Job

HEAD = 'OPENQASM 3.0; include "stdgates.inc"; '
BELL = HEAD + "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
TURN = HEAD + "input float theta; qubit[2] q; bit[2] c; ry(theta) q[0]; cx q[0], q[1]; c = measure q;"
LONG = HEAD + "qubit[1] q; bit[1] c;" + "x q[0];" * 100 + "c = measure q;"
HUNDREDS = 600
Make = Callable[..., Any]


def test_a_batch_has_the_bits_of_the_same_batch_in_this_process(daemon: Any) -> None:
    batch: Any = [BELL, (TURN, {"theta": [0.3, 1.2]}), LONG, LONG]
    here = qmk.run(batch, shots=100, seed=11)
    with Client(daemon.socket) as client:
        there = client.run_many(batch, shots=100, seed=11)
        again = client.run_many([LONG, LONG], shots=1)

    async def ask() -> Any:
        async with AsyncClient(daemon.socket) as client:
            return await client.run_many(batch, shots=100, seed=11)

    awaited = asyncio.run(ask())
    assert there.counts == here.counts == awaited.counts
    assert [list(one.rows()) for one in there] == [list(one.rows()) for one in here]
    assert there.entries == here.entries
    assert again.counts == [{"0": 1}] * 2, "a graph that was sent before goes by its hash"


def test_objects_of_frameworks_are_submitted_as_programs_are(daemon: Any) -> None:
    bell = stim.Circuit("H 0\nCX 0 1\nM 0 1")
    here = qmk.run(bell, shots=100, seed=5)
    with Client(daemon.socket) as client:
        assert client.run(bell, shots=100, seed=5).counts == here.counts
        assert client.job(client.submit(bell, shots=100, seed=5).job_id).result(timeout=30).counts == here.counts
        both: Any = [bell, BELL]
        assert client.run_many(both, shots=100, seed=5).counts == qmk.run(both, shots=100, seed=5).counts
        assert client.estimate(bell)


def test_handles_have_the_methods_of_futures(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        jobs = client.submit_many([BELL, BELL], shots=50, seed=3)
        assert [sum(job.result(timeout=30).counts.values()) for job in jobs] == [50, 50]
        job = jobs[1]
        assert isinstance(job, Job)
        assert (job.done(), job.running(), job.cancelled(), job.exception()) == (True, False, False, None)
        assert job.status().state == "COMPLETED"
        assert not job.cancel(), "it has ended"
        assert client.job(job.job_id).result().counts == qmk.run(BELL, shots=50, seed=jobs.entries[1].seed).counts
        assert job.job_id.endswith(job.short_id)
        with pytest.raises(QmkError, match="timeout must be a number of seconds"):
            client.job(job.job_id).result(timeout=-1)


def test_hundreds_of_jobs_are_more_than_one_batch(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        found = client.run_many([BELL] * HUNDREDS, shots=1, seed=1, keep_events=False)
    assert len({one.job_id for one in found}) == HUNDREDS
    assert found.counts == qmk.sample([BELL] * HUNDREDS, shots=1, seed=1).counts


def test_a_wrong_program_is_refused_before_anything_is_sent(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        before = client.jobs(limit=1).jobs
        with pytest.raises(QmkError, match=r"^entry 1 \(program 1\): .*'foo' is not declared"):
            client.run_many([BELL, HEAD + "foo;"])
        after = client.jobs(limit=1).jobs
    assert after == before


def test_if_one_is_refused_none_runs(make_daemon: Make, odd_engines: dict[str, Any], tmp_path: Path) -> None:
    running = make_daemon(engines=odd_engines)
    with Client(running.socket, quota={"queued_jobs": 2}) as client:
        with pytest.raises(QmkError) as caught:
            client.submit_many([BELL, BELL, BELL], engine="hang")
        assert (caught.value.kind.name, caught.value.fields["entry"]) == ("QUOTA_EXCEEDED", 2)
        assert [row.state for row in client.jobs().jobs] == ["CANCELLED", "CANCELLED"]


def test_the_first_job_that_fails_ends_the_batch(make_daemon: Make, odd_engines: dict[str, Any]) -> None:
    running = make_daemon(engines=odd_engines)
    with Client(running.socket) as client:
        with pytest.raises(QmkError, match=r"^entry 0 \(program 0\): ") as caught:
            client.run_many([BELL, BELL], engine="hang", timeout_ms=1500)
        assert caught.value.kind.name == "TIMEOUT"
        assert {row.state for row in client.jobs().jobs} <= {"CANCELLED", "FAILED"}
        job = client.submit_many([BELL], engine="hang")[0]
        with pytest.raises(QmkError, match=r"has not ended after 0.05 s; job_.*: (QUEUED|RUNNING) on hang") as late:
            job.result(timeout=0.05)
        assert late.value.kind.name == "TIMEOUT"
        assert job.cancel("enough")
        assert job.cancelled()
        error: Any = job.exception()
        assert error.kind.name == "JOB_CANCELLED"


def test_whoever_waits_long_is_told_what_for(
    make_daemon: Make, odd_engines: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmk.client.job.SAYS_MS", 50)
    running = make_daemon(engines=odd_engines, workers=1)
    with Client(running.socket) as client:
        first, second = (client.submit_many([BELL], engine="hang")[0] for _ in range(2))
        with pytest.raises(QmkError, match=r"has not ended after 0\.4 s"):
            second.result(timeout=0.4)
        first.cancel()
        second.cancel()
    said = [each.getMessage() for each in caplog.records if each.name == "qmk.client"]
    assert 1 <= len(said) <= 3, "the pauses grow"
    assert said[0].startswith(f"still waiting for {second.job_id}: QUEUED on hang")
    assert "0 of yours before it in the queue, expected to start" in said[0]


def test_a_key_makes_a_batch_run_once(daemon: Any) -> None:
    with Client(daemon.socket, patience_s=5) as client:
        first, again = (client.submit_many([BELL, BELL], seed=9, idempotency_key="pair") for _ in range(2))
        assert [job.job_id for job in first] == [job.job_id for job in again]
        assert first[0].job_id != first[1].job_id


def test_part_of_an_id_is_enough_where_one_job_has_it(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        job = client.submit(BELL, shots=20, seed=1).job_id
        end, begin = job[-10:], job[:-4]
        assert client.wait(end).job_id == job
        assert client.job(end).result().job_id == job
        assert client.status(begin).job_id == client.status(begin.removeprefix("job_")).job_id == job
        other = client.submit(BELL, shots=20, seed=2).job_id
        shared = job[:8]  # of the time of both
        with pytest.raises(QmkError, match=f"'{shared}' may be any of ") as caught:
            client.result(shared)
        assert set(caught.value.fields["matches"]) >= {job, other} or len(caught.value.fields["matches"]) == 5
        with pytest.raises(QmkError, match="no job 'abc'") as short:
            client.status("abc")
        assert short.value.kind.name == "JOB_NOT_FOUND"


def test_jobs_since_a_time(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        first, second = (client.submit(BELL).job_id for _ in range(2))
        rows = client.jobs(limit=2).jobs
        assert [row.job_id for row in rows] == [second, first]
        page = client.jobs(since=rows[0].submitted, limit=100)
        assert second in [row.job_id for row in page.jobs]
        assert all(row.submitted >= rows[0].submitted for row in page.jobs)
        assert client.jobs(since=rows[0].submitted + 3600).jobs == []
        assert client.jobs(since=rows[0].submitted + 3600).next is None
        yesterday: Any = "yesterday"
        with pytest.raises(QmkError, match="since must be a Unix time"):
            client.jobs(since=yesterday)
