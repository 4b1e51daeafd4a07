"""A daemon's jobs on a provider's device: cancelled there when they are here, found again by another daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qmk
from tests.cloud.fixtures import ionq  # noqa: F401
from tests.cloud.ionq import KEY, IonqServer

Eventually = Callable[[Callable[[], bool], str], None]


@pytest.fixture
def provider(ionq: IonqServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> IonqServer:  # noqa: F811
    """A provider whose jobs never end, with its key in a file, as a worker gets no other."""
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    monkeypatch.setenv("QMK_CLOUD_IONQ_KEY", f"file:{file}")
    ionq.looks = 1 << 30
    return ionq


def submit(socket: Path) -> str:
    with qmk.Client(socket) as client:
        return client.submit(qmk.Circuit(1).x(0).measure_all(), engine="ionq:simulator", shots=30, seed=1).job_id


def test_a_cancelled_job_is_cancelled_at_the_provider(
    provider: IonqServer, make_daemon: Any, eventually: Eventually
) -> None:
    daemon = make_daemon()
    job = submit(daemon.socket)
    eventually(lambda: bool(provider.asked("GET /v0.4/jobs/")), "the task was sent")
    with qmk.Client(daemon.socket) as client:
        client.cancel(job)
    eventually(lambda: [each["status"] for each in provider.jobs.values()] == ["canceled"], "the task was cancelled")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_daemon_that_is_started_anew_finds_the_task(
    provider: IonqServer, make_daemon: Any, eventually: Eventually, end: str
) -> None:
    daemon = make_daemon()
    job = submit(daemon.socket)
    eventually(lambda: bool(provider.asked("GET /v0.4/jobs/")), "the task was sent")
    getattr(daemon, end)()
    provider.looks = 1
    daemon.start()
    with qmk.Client(daemon.socket) as client:
        client.wait(job)
        assert client.result(job).counts == {"1": 30}
    assert len(provider.jobs) == 1
    assert KEY not in daemon.log.read_text()
