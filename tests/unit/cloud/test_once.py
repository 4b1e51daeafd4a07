"""A task is sent once, whatever happens on the way; it is cancelled when nobody wants it; errors have a remedy."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.cloud import http, settings, task
from tests.cloud.ionq import KEY, IonqServer
from tests.cloud.recorded import Fault

JOBS = "/v0.4/jobs"


def run(**options: Any) -> qmk.Result:
    circuit = qmk.Circuit(2, 2).h(0).cx(0, 1).measure([0, 1], [0, 1])
    given: dict[str, Any] = {"seed": 1, **options}
    return qmk.run(circuit, engine="ionq:simulator", shots=20, **given)


def refused(**options: Any) -> QmkError:
    with pytest.raises(QmkError) as found:
        run(**options)
    assert KEY not in f"{found.value} {found.value.fields}"
    return found.value


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "words"),
    [
        (400, "JOB_FAILED", False, "refused the request"),
        (401, "AUTH_FAILED", False, "does not accept the key"),
        (402, "QUOTA_EXCEEDED", False, "wants to be paid"),
        (403, "AUTH_FAILED", False, "does not accept the key"),
        (404, "UNSUPPORTED", False, "does not know this device"),
        (429, "JOB_FAILED", True, "too many requests"),
        (500, "JOB_FAILED", True, "out of order"),
        (503, "JOB_FAILED", True, "out of order"),
    ],
)
def test_errors_of_a_provider(ionq: IonqServer, status: int, kind: str, retryable: bool, words: str) -> None:
    said = {"error": "Trouble", "message": f"no, says the provider to {KEY}\x1b[31m", "statusCode": status}
    ionq.faults = [Fault(f"GET {JOBS}", status, said)] * http.ATTEMPTS
    error = refused()
    assert (error.kind.name, error.fields.get("retryable", error.kind.retryable)) == (kind, retryable)
    assert words in error.message
    assert error.message.endswith("no, says the provider to [hidden] [31m")
    if status != 400:
        assert error.fields["help"]
    assert not ionq.asked("POST")


def test_faults_that_pass_are_waited_for(ionq: IonqServer, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(http, "LONGEST_PAUSE_S", 0.3)
    monkeypatch.setattr(time, "sleep", slept.append)
    ionq.faults = [Fault(f"GET {JOBS}", 429, headers={"Retry-After": "0.2"}), Fault(f"GET {JOBS}", 502)]
    ionq.faults += [Fault(f"GET {JOBS}", 503, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"})]
    ionq.faults += [Fault(f"GET {JOBS}"), Fault(f"POST {JOBS}", 429), Fault(f"POST {JOBS}", 503)]
    run()
    assert slept[:4] == [0.2, 0.002, 0.3, 0.008]
    assert len(ionq.jobs) == 1


def test_a_provider_that_is_not_there(ionq: IonqServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_CLOUD_IONQ_URL", "http://127.0.0.1:9/v0.4")
    error = refused()
    assert "does not answer" in error.message
    assert "QMK_CLOUD_IONQ_URL" in error.fields["help"]


@pytest.mark.parametrize("fault", [Fault(f"POST {JOBS}", 500, taken=True), Fault(f"POST {JOBS}", taken=True)])
def test_a_task_whose_answer_was_lost_is_found_and_not_sent_again(ionq: IonqServer, fault: Fault) -> None:
    ionq.faults = [fault]
    assert sum(run().counts.values()) == 20
    assert len(ionq.asked("POST")) == len(ionq.jobs) == 1


def test_a_task_that_was_not_taken_is_sent_again(ionq: IonqServer) -> None:
    ionq.faults = [Fault(f"POST {JOBS}", 500), Fault(f"POST {JOBS}")]
    run()
    assert (len(ionq.asked("POST")), len(ionq.jobs)) == (3, 1)


def test_a_task_on_a_later_page_is_found(ionq: IonqServer) -> None:
    run(seed=7)
    for seed in range(5):
        run(seed=seed)
    run(seed=7)
    assert len(ionq.jobs) == 6


def test_a_fault_while_it_waits_leaves_the_task(ionq: IonqServer) -> None:
    ionq.faults = [Fault(f"GET {JOBS}/", 500)] * http.ATTEMPTS
    error = refused()
    assert error.fields["task"] in ionq.jobs
    assert "same seed" in error.fields["help"]
    run()
    assert len(ionq.asked("POST")) == 1


def test_no_redirect_is_followed(ionq: IonqServer) -> None:
    ionq.faults = [Fault(f"GET {JOBS}", 302, headers={"Location": f"{ionq.url}/elsewhere"})]
    assert "(302)" in refused().message
    assert not ionq.asked("GET /elsewhere")


def interrupt_when_sent(server: IonqServer, number: int) -> threading.Thread:
    """Sends this process a signal when a task has been looked at."""

    def wait() -> None:
        while not server.asked(f"GET {JOBS}/"):
            time.sleep(0.005)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_an_interrupt_cancels_the_task(ionq: IonqServer, number: int, kind: type[BaseException]) -> None:
    ionq.looks = 1 << 30
    thread = interrupt_when_sent(ionq, number)
    with pytest.raises(kind):
        run()
    thread.join()
    (job,) = ionq.jobs.values()
    assert job["status"] == "canceled"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ionq.looks = 1
    run()
    assert len(ionq.jobs) == 2, "a cancelled task is not the answer"


def test_a_task_that_the_provider_cancelled(ionq: IonqServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ionq.faults = [Fault(f"GET {JOBS}/", 200, {"id": "a", "status": "canceled"})]
    assert refused().kind.name == "JOB_CANCELLED"


def test_a_time_limit_ends_the_worker_and_its_task(
    ionq: IonqServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    monkeypatch.setenv("QMK_CLOUD_IONQ_KEY", f"file:{tmp_path / 'key'}")  # a worker gets no other variable
    ionq.looks = 1 << 30
    with pytest.raises(QmkError) as found:
        run(timeout_ms=1500)
    assert found.value.kind.name == "TIMEOUT"
    (job,) = ionq.jobs.values()
    assert job["status"] == "canceled"


def test_keys_are_references(ionq: IonqServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IONQ_API_KEY")
    assert "IONQ_API_KEY is not set" in refused().message
    secret = tmp_path / "key"
    monkeypatch.setenv("QMK_CLOUD_IONQ_KEY", f"file:{secret}")
    assert "cannot read" in refused().message
    secret.write_text(KEY)
    secret.chmod(0o640)
    assert "mode 640" in refused().message
    secret.chmod(0o600)
    run()
    secret.write_text("two\nlines")
    assert "one line" in refused().message
    secret.write_text("")
    assert "is empty" in refused().message
    monkeypatch.setenv("QMK_CLOUD_IONQ_KEY", f"file:{tmp_path}")
    assert refused().kind.name == "AUTH_FAILED"
    monkeypatch.setenv("QMK_CLOUD_IONQ_KEY", KEY)
    assert "is not a reference" in refused().message


@pytest.mark.parametrize(
    "url", ["http://api.ionq.co/v0.4", "ftp://127.0.0.1", "https://", "https://user@host", "https://a/?b=1", "http://["]
)
def test_addresses_that_would_show_the_key_are_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("QMK_CLOUD_IONQ_URL", url)
    with pytest.raises(QmkError, match="is not an https address"):
        settings.address("ionq", "https://x")


def test_the_tag_follows_from_all_that_is_asked() -> None:
    tags = {
        task.tag_of(*asked) for asked in [("a", "b", {"c": 1}, 1), ("a", "b", {"c": 1}, 2), ("a", "c", {"c": 1}, 1)]
    }
    assert len(tags) == 3
    assert all(len(tag) == 40 for tag in tags)
