"""Names, tags and groups of jobs, callbacks of handles, and the operator's list, through a daemon."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.client import AsyncClient, Client, Group, Job, Operator

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
Make = Callable[..., Any]


def test_a_group_is_all_jobs_of_a_tag(daemon: Any) -> None:
    with Client(daemon.socket) as client:
        jobs = client.submit_many([BELL] * 3, shots=50, seed=3, name="pair", tags=["scan", "run:1"])
        client.run(BELL, tags="scan")
        group = client.group("run:1")
        assert isinstance(group, Group)
        assert group.wait(timeout=30) == group.status() == {"COMPLETED": 3}
        assert {job.job_id for job in group.jobs()} == {job.job_id for job in jobs}
        assert [one.job_id for one in group.results()] == [job.job_id for job in group.jobs()]
        assert len(client.group("scan").jobs()) == 4
        assert client.group("none").status() == {}
        assert group.cancel() == 0, "all have ended"
        assert {row.job_id for row in client.jobs(tags=["run:1", "scan"], name="pair").jobs} == {
            job.job_id for job in jobs
        }
        status = jobs[0].status()
        assert (status.name, status.tags) == ("pair", ["scan", "run:1"])
        for wrong in ("two words", "é", ""):
            with pytest.raises(QmkError, match="tags"):
                client.group(wrong).status()
        with pytest.raises(QmkError, match=r"'tags\[0\]' is not well formed") as caught:
            client.submit(BELL, tags=["a b"])
        assert caught.value.kind.name == "INVALID_PARAMS"

    async def ask() -> Any:
        async with AsyncClient(daemon.socket) as client:
            group = client.group("run:1")
            return await group.wait(), len(await group.results()), await group.cancel()

    assert asyncio.run(ask()) == ({"COMPLETED": 3}, 3, 0)


def test_a_group_is_cancelled_and_waits_no_longer_than_told(make_daemon: Make, odd_engines: dict[str, Any]) -> None:
    running = make_daemon(engines=odd_engines, workers=1)
    with Client(running.socket) as client:
        client.submit_many([BELL] * 3, engine="hang", tags="stuck")
        group = client.group("stuck")
        with pytest.raises(QmkError) as late:
            group.wait(timeout=0.2)
        assert late.value.kind.name == "TIMEOUT"
        assert sum(group.status().values()) == 3
        seen: list[Job] = []
        all_seen = threading.Event()
        jobs = group.jobs()

        def see(job: Job) -> None:
            seen.append(job)
            if len(seen) == 3:
                all_seen.set()

        for job in jobs:
            job.add_done_callback(see)
        with pytest.raises(QmkError, match=r"^3 of the jobs have not ended after 0.1 s"):
            list(client.as_completed(jobs, timeout=0.1))
        assert group.cancel("enough") == 3
        assert all_seen.wait(30)
        assert set(seen) == set(jobs)
        assert all(job.cancelled() for job in jobs)
        assert group.wait(timeout=10) == {"CANCELLED": 3}
        with pytest.raises(QmkError, match="enough") as caught:
            group.results()
        assert caught.value.kind.name == "JOB_CANCELLED"


def rest() -> None:
    """Waits until the thread of a client has nothing left to wait for, and ends."""
    for thread in threading.enumerate():
        if thread.name == "qmk-jobs":
            thread.join(30)
            assert not thread.is_alive()


def test_callbacks_are_called_once_and_what_they_raise_is_logged(daemon: Any, caplog: pytest.LogCaptureFixture) -> None:
    with Client(daemon.socket) as client:
        job, other = client.submit_many([BELL, BELL], shots=10, seed=1)
        called = threading.Event()
        threads: list[str] = []

        def fail(handle: Job) -> None:
            threads.append(threading.current_thread().name)
            assert handle.result().shots == 10
            called.set()
            raise ValueError("of the callback")

        with caplog.at_level(logging.ERROR, logger="qmk.client"):
            job.add_done_callback(fail)
            assert called.wait(30)
            rest()
            job.add_done_callback(fail)
        assert threads == ["qmk-jobs", threading.current_thread().name], "at once where the end is known"
        assert caplog.text.count("ValueError: of the callback") == 2
        assert set(client.as_completed([job, other, job])) == {job, other}
        assert list(client.as_completed([])) == []
        for wrong in (None, ["job_x"], 7):
            bad: Any = wrong
            with pytest.raises(QmkError, match="jobs must be handles of jobs"):
                client.as_completed(bad)
        with pytest.raises(QmkError, match="function must be a function"):
            job.add_done_callback(bad)
    rest()


def test_handles_of_asyncio_call_back_too(daemon: Any) -> None:
    async def ask() -> Any:
        async with AsyncClient(daemon.socket) as client:
            jobs = await client.submit_many([BELL] * 4, shots=10, seed=1)
            told: list[Any] = []
            jobs[0].add_done_callback(told.append)
            found = [job async for job in client.as_completed(jobs, timeout=30)]
            await jobs[0].result()
            jobs[0].add_done_callback(told.append)
            return set(found) == set(jobs), told == [jobs[0]] * 2

    assert asyncio.run(ask()) == (True, True)


def test_a_daemon_that_is_gone_is_told_by_result(make_daemon: Make, odd_engines: dict[str, Any]) -> None:
    running = make_daemon(engines=odd_engines)
    with Client(running.socket) as client:
        job = client.job(client.submit(BELL, engine="hang").job_id)
        called = threading.Event()
        job.add_done_callback(lambda _: called.set())
        running.kill()
        assert called.wait(30)
        with pytest.raises(QmkError) as caught:
            job.result()
        assert caught.value.kind.name == "CONNECTION_LOST"


def test_the_operator_lists_the_jobs_of_all_tenants(make_daemon: Make) -> None:
    running = make_daemon()
    operator = Operator(running.folder / "state")
    operator.call("op_tenant_add", tenant="chem")
    token = operator.call("op_token_issue", tenant="chem").token
    with Client(running.socket) as mine, Client(running.socket, token=token) as theirs:
        made = [mine.run(BELL, tags="x").job_id, theirs.run(BELL, tags="x").job_id]
        assert [row.tenant for row in theirs.jobs().jobs] == ["chem"]
    rows = operator.call("op_jobs", tags=("x",)).jobs
    assert [(row.tenant, row.job_id) for row in rows] == [("chem", made[1]), ("local", made[0])]
    running.kill()
    running.start()
    assert operator.call("op_jobs", tenant="chem", tags=("x",), name="").jobs == rows[:1]


def test_progress_true_is_a_bar_of_the_whole_batch(
    daemon: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from qmk.request import progress

    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    with Client(daemon.socket) as client:
        client.run_many([BELL, BELL], shots=10, progress=True)
        assert capsys.readouterr().err == "", "no terminal"
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)
        assert (
            client.run_many([BELL, BELL], shots=10, progress=True, seed=1).counts
            == qmk.sample([BELL, BELL], shots=10, progress=True, seed=1).counts
        )
    told = capsys.readouterr().err
    assert told.count("20 of 20 shots") == 2
    assert told.endswith("\r")
