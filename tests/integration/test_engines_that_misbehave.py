"""What an engine does wrong is its job's failure, and nobody else's."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.api.embedded import Embedded
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.host import isolated, spawn
from qmk.qvm.graph import Graph, Node

Make = Callable[..., Any]
Eventually = Callable[[Callable[[], bool], str], None]

PROGRAM = Graph(
    nodes=(
        Node("a", "core.alloc", {"n": 1}, ("q",), caps=("CAP_ALLOC",)),
        Node("x", "core.x", {}, ("q",)),
        Node("m", "core.mz", {}, ("q",), produces=("e",)),
    ),
    vqs=("q",),
    events=("e",),
    caps=("CAP_ALLOC",),
)


@pytest.fixture
def client(make_daemon: Make, odd_engines: Any):
    daemon = make_daemon(engines=odd_engines)
    with Client(daemon.socket) as connected:
        connected.daemon = daemon  # type: ignore[attr-defined]
        yield connected


def pids(folder: Path, name: str) -> list[int]:
    file = folder / "odd" / f"{name}.pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def failure(client: Client, engine: str) -> QmkError:
    with pytest.raises(QmkError) as caught:
        client.run(PROGRAM, engine=engine, shots=10)
    return caught.value


def test_a_job_is_watched_until_it_ends(client: Client, tmp_path: Path, eventually: Eventually):
    job = client.job(client.submit(PROGRAM, engine="slow", shots=50).job_id)
    seen: list[qmk.Result] = []
    for found in job.watch(0.05):
        if seen:
            assert found.shots > seen[-1].shots or not found.partial
        seen.append(found)
        if found.shots > 45:
            (tmp_path / "odd" / "go").touch()
        assert dict(found.counts) == {"0": found.shots}
    assert [found.partial for found in seen] == [True] * (len(seen) - 1) + [False]
    assert "so far" in repr(seen[0])
    final = job.partial()
    assert final is not None
    assert (final.partial, final.shots) == (False, 50)
    waiting = client.submit(PROGRAM, engine="hang").job_id
    eventually(lambda: client.status(waiting).state == "RUNNING", "the hanging engine's start")
    nothing = client.partial(waiting)
    assert nothing is not None
    assert (nothing.partial, nothing.shots, dict(nothing.counts)) == (True, 0, {})
    client.cancel(waiting)


def test_cancelling_ends_the_work_and_all_it_started(
    client: Client, tmp_path: Path, eventually: Eventually, alive: Callable[[int], bool]
):
    job = client.submit(PROGRAM, engine="hang").job_id
    eventually(lambda: len(pids(tmp_path, "hang")) == 2, "the hanging engine's start")
    working = pids(tmp_path, "hang")
    assert all(alive(pid) for pid in working)
    assert client.cancel(job, "enough").state == "CANCELLED"
    eventually(lambda: not any(alive(pid) for pid in working), "the end of the cancelled work")
    assert client.wait(job).state == "CANCELLED"
    with pytest.raises(QmkError) as caught:
        client.result(job)
    assert caught.value.kind.name == "JOB_CANCELLED"
    assert client.run(PROGRAM, shots=10).counts == {"1": 10}


def test_a_time_limit_ends_the_work(
    client: Client, tmp_path: Path, eventually: Eventually, alive: Callable[[int], bool]
):
    job = client.submit(PROGRAM, engine="hang", timeout_ms=1500).job_id
    status = client.wait(job)
    assert (status.state, status.error["data"]["name"]) == ("FAILED", "TIMEOUT")  # type: ignore[index]
    eventually(lambda: not any(alive(pid) for pid in pids(tmp_path, "hang")), "the end of the work past its time")


def test_a_worker_that_dies_once_is_replaced_and_the_job_completes(client: Client, tmp_path: Path):
    result = client.run(PROGRAM, engine="crash_once", shots=10)
    assert result.shots == 10
    assert len(set(pids(tmp_path, "crash_once"))) == 2
    assert client.status(result.job_id).attempts == 1


def lose_worker(tmp_path: Path, eventually: Eventually, number: int, nth: int) -> None:
    """Send a signal to the ``nth`` worker of engine ``slow``, and wait for the one that follows it."""
    eventually(lambda: len(pids(tmp_path, "slow")) == nth, f"start {nth}")
    os.kill(pids(tmp_path, "slow")[-1], number)
    eventually(lambda: len(pids(tmp_path, "slow")) == nth + 1, f"the start after loss {nth}")


def test_a_worker_that_is_killed_or_stopped_from_outside_again_and_again_is_replaced(
    client: Client, tmp_path: Path, eventually: Eventually, alive: Callable[[int], bool]
):
    job = client.submit(PROGRAM, engine="slow", shots=20).job_id
    for nth, number in enumerate((signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM), 1):
        lose_worker(tmp_path, eventually, number, nth)
    assert [alive(pid) for pid in pids(tmp_path, "slow")] == [False, False, False, True]
    (tmp_path / "odd" / "go").touch()
    assert client.wait(job).state == "COMPLETED"
    reasons = [event.fields["reason"] for event in client.events(job).events if event.kind == "requeued"]
    assert [any(word in reason for word in ("SIGKILL", "SIGSTOP", "SIGTERM")) for reason in reasons] == [True] * 3


def test_a_caller_bounds_how_often_a_lost_worker_is_replaced(client: Client, tmp_path: Path, eventually: Eventually):
    job = client.submit(PROGRAM, engine="slow", shots=20, attempts=2).job_id
    lose_worker(tmp_path, eventually, signal.SIGKILL, 1)
    os.kill(pids(tmp_path, "slow")[-1], signal.SIGKILL)
    status = client.wait(job)
    assert status.error is not None
    told = status.error["data"]
    assert (status.state, told["name"], told["blame"], told["cause"]) == (
        "FAILED",
        "RESOURCE_EXHAUSTED",
        "system",
        "killed",
    )


def test_an_engine_without_memory_is_told_what_was_predicted_and_what_there_is(client: Client):
    error = failure(client, "hungry")
    assert error.kind.name == "RESOURCE_EXHAUSTED"
    assert "1.0 MiB were predicted" in error.message
    assert error.fields["limit"] > error.fields["asked"] == 1 << 20


def test_a_run_in_a_process_of_its_own_outlives_the_loss_of_that_process(
    odd_engines: dict[str, tuple[str, str]], tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(isolated, "LOOK_EVERY_S", 0.05)
    external = {name: spawn.External(*where) for name, where in odd_engines.items()}

    def lose_workers() -> None:
        for nth, number in enumerate((signal.SIGKILL, signal.SIGSTOP), 1):
            lose_worker(tmp_path, eventually, number, nth)
        (tmp_path / "odd" / "go").touch()

    with Embedded(isolate=True, engines=external) as kernel:
        outside = threading.Thread(target=lose_workers)
        outside.start()
        assert kernel.run(PROGRAM, engine="slow", shots=20).counts == {"0": 20}
        outside.join()
        (tmp_path / "odd" / "go").unlink()
        with pytest.raises(QmkError, match="2 workers of its engine") as caught:
            kernel.run(PROGRAM, engine="crash", shots=20, attempts=5)
        assert caught.value.fields["cause"] == "crashed"
        with pytest.raises(QmkError, match="were predicted") as caught:
            kernel.run(PROGRAM, engine="hungry", shots=20)
        assert len(pids(tmp_path, "crash")) == 2


def test_a_worker_that_always_dies_fails_the_job_after_two_attempts(client: Client, tmp_path: Path):
    error = failure(client, "crash")
    assert (error.kind.name, error.kind.blame) == ("JOB_FAILED", "engine")
    assert "SIGSEGV" in error.message
    assert "about to fall" in error.fields["last_words"]
    assert len(set(pids(tmp_path, "crash"))) == 2
    assert client.run(PROGRAM, shots=10).counts == {"1": 10}


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("raise", "ZeroDivisionError: the engine divided by zero"),
        ("contradict", "contradicts itself"),
        ("unloadable", "cannot start.*the licence has expired"),
    ],
)
def test_an_engines_own_error_is_named_and_not_retried(client: Client, engine: str, says: str):
    error = failure(client, engine)
    assert error.kind.name == "JOB_FAILED"
    with pytest.raises(QmkError, match=says):
        raise error
    assert "Traceback" not in error.message


def test_an_engine_that_writes_too_much_is_read_and_forgotten(client: Client):
    assert client.run(PROGRAM, engine="chatty", shots=10).shots == 10


def test_progress_is_told_while_a_job_runs(client: Client, tmp_path: Path):
    told: list[int] = []

    def progress(done: int) -> None:
        told.append(done)
        if done >= 30:
            (tmp_path / "odd" / "go").touch()

    client.run(PROGRAM, engine="slow", shots=40, progress=progress)
    assert told == sorted(told)
    assert told[-1] >= 30


def test_events_tell_the_jobs_life(client: Client, tmp_path: Path):
    (tmp_path / "odd" / "go").touch()
    job = client.submit(PROGRAM, engine="crash_once", shots=10).job_id
    kinds: list[str] = []
    after, ended = 0, False
    while not ended:
        page = client.events(job, after)
        kinds += [event.kind for event in page.events]
        after, ended = page.last_seq, page.ended
    assert [kind for kind in kinds if kind != "progress"] == ["queued", "started", "requeued", "started", "completed"]


def test_jobs_run_beside_a_hanging_one(client: Client, tmp_path: Path, eventually: Eventually):
    job = client.submit(PROGRAM, engine="hang").job_id
    eventually(lambda: len(pids(tmp_path, "hang")) == 2, "the hanging engine's start")
    for _ in range(5):
        assert client.run(PROGRAM, shots=10).counts == {"1": 10}
    client.cancel(job)


def test_threads_may_share_a_client(client: Client):
    counts: list[dict[str, int]] = []
    threads = [
        threading.Thread(target=lambda: counts.append(client.run(PROGRAM, shots=10, keep_events=False).counts))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [{"1": 10}] * 6


def test_embedded_time_limit_and_death(
    odd_engines: Any, tmp_path: Path, eventually: Eventually, alive: Callable[[int], bool]
):
    from qmk.host.spawn import External

    engines = {name: External(*value) for name, value in odd_engines.items()}

    def outcome(engine: str, **limits: Any) -> Any:
        return kernel.run(PROGRAM, shots=10, engine=engine, **limits)

    with qmk.Embedded(isolate=True, engines=engines) as kernel:
        with pytest.raises(QmkError) as timed:
            outcome("hang", timeout_ms=1500)
        assert timed.value.kind.name == "TIMEOUT"
        eventually(lambda: not any(alive(pid) for pid in pids(tmp_path, "hang")), "the end of the work past its time")
        assert outcome("crash_once").shots == 10
        assert len(set(pids(tmp_path, "crash_once"))) == 2
        with pytest.raises(QmkError, match="SIGSEGV") as crashed:
            outcome("crash")
        assert (crashed.value.kind.name, crashed.value.kind.blame) == ("JOB_FAILED", "engine")
        assert "about to fall" in crashed.value.fields["last_words"]
        with pytest.raises(QmkError, match="licence"):
            outcome("unloadable")
        assert outcome("zeros").counts == {"0": 10}


def test_in_process_failures_are_errors_too(odd_engines: Any):
    from qmk.host.spawn import External

    with qmk.Embedded(engines={"raise": External(*odd_engines["raise"])}) as kernel:
        with pytest.raises(QmkError, match="ZeroDivisionError"):
            kernel.run(PROGRAM, shots=10, engine="raise")
        with pytest.raises(QmkError, match="time limit needs a worker"):
            kernel.run(PROGRAM, timeout_ms=5)
