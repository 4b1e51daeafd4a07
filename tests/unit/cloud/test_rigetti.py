"""Rigetti's engine, with Rigetti's own client, against a recorded QCS: native Quil, jobs sent once, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("qcs_sdk")

from grpc import StatusCode

import qmk
from qmk.base.errors import QmkError
from qmk.cloud import task
from qmk.engines import rigetti as declared
from qmk.sdk.kit.engine_kit import Check, checks
from tests.cloud.programs import check_lopsided, lopsided
from tests.cloud.recorded import Fault, running
from tests.cloud.rigetti import RigettiServer


@pytest.fixture
def rigetti(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RigettiServer]:
    with running(RigettiServer) as server:
        server.write_account(tmp_path)
        monkeypatch.setenv("QCS_SETTINGS_FILE_PATH", str(tmp_path / "settings.toml"))
        monkeypatch.setenv("QCS_SECRETS_FILE_PATH", str(tmp_path / "secrets.toml"))
        monkeypatch.setenv("QMK_CLOUD_STATE", str(tmp_path / "sent"))
        yield server


def run(device: str = "Ankaa-3", seed: int = 1, shots: int = 100) -> qmk.Result:
    return qmk.run(lopsided(), engine=f"rigetti:{device}", shots=shots, seed=seed)


@pytest.mark.parametrize("device", ["Ankaa-3", "Cepheus-1"])
def test_distributions_are_those_of_the_program(rigetti: RigettiServer, device: str) -> None:
    check_lopsided(run(device, shots=4000).counts)
    assert {job["target"] for job in rigetti.jobs.values()} == {device}


def kit() -> list[Check]:
    """A sample: each check starts servers, and Rigetti's client."""
    every = checks(declared.DECLARATION, "Ankaa-9", programs=1, shots=500)
    return [check for check in every if not check.skipped][::8]


@pytest.mark.parametrize("check", kit(), ids=lambda check: check.name)
def test_conformance(check: Check, rigetti: RigettiServer) -> None:
    assert not check.run()


def test_the_same_seed_is_the_same_job(rigetti: RigettiServer) -> None:
    first = run()
    assert run().counts == first.counts
    assert rigetti.asked_for("ExecuteControllerJob") == 1
    run(seed=2)
    assert len(rigetti.jobs) == 2


def test_a_job_whose_answer_was_lost_is_never_sent_again(rigetti: RigettiServer) -> None:
    rigetti.grpc_faults.append(("ExecuteControllerJob", StatusCode.INTERNAL, True))
    for _ in range(2):
        with pytest.raises(QmkError, match="may have been sent") as caught:
            run()
        assert caught.value.fields["retryable"] is False
    assert rigetti.asked_for("ExecuteControllerJob") == 1


def test_what_passes_is_tried_again(rigetti: RigettiServer) -> None:
    rigetti.faults.append(Fault("GET /v1/quantumProcessors", 503))
    rigetti.grpc_faults += [
        ("TranslateQuilToEncryptedControllerJob", StatusCode.UNAVAILABLE, False),
        ("GetControllerJobResults", StatusCode.DEADLINE_EXCEEDED, False),
    ]
    run()
    assert len(rigetti.jobs) == 1


@pytest.mark.parametrize(
    ("method", "code", "kind"),
    [
        ("TranslateQuilToEncryptedControllerJob", StatusCode.INVALID_ARGUMENT, "JOB_FAILED"),
        ("ExecuteControllerJob", StatusCode.PERMISSION_DENIED, "AUTH_FAILED"),
        ("ExecuteControllerJob", StatusCode.RESOURCE_EXHAUSTED, "JOB_FAILED"),
        ("GetControllerJobResults", StatusCode.NOT_FOUND, "UNSUPPORTED"),
    ],
)
def test_faults_are_told_apart(rigetti: RigettiServer, method: str, code: StatusCode, kind: str) -> None:
    rigetti.grpc_faults += [(method, code, False)] * 2  # the client asks for a new token, and again
    with pytest.raises(QmkError, match="as told") as caught:
        run()
    assert caught.value.kind.name == kind


def test_a_job_that_failed_says_why_and_is_sent_anew(rigetti: RigettiServer) -> None:
    rigetti.status = 2
    with pytest.raises(QmkError, match="the chip was warm") as caught:
        run()
    assert caught.value.kind.name == "JOB_FAILED"
    rigetti.status = 1
    run()
    assert len(rigetti.jobs) == 2


def test_an_account_is_needed(rigetti: RigettiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rigetti.write_account(tmp_path, refresh="wrong-0815")
    with pytest.raises(QmkError) as caught:
        run()
    assert caught.value.kind.name == "AUTH_FAILED"
    assert "wrong-0815" not in str(caught.value)
    monkeypatch.setenv("QMK_CLOUD_RIGETTI_PROFILE", "none")
    with pytest.raises(QmkError, match="no account") as caught:
        run()
    assert "qcs auth login" in caught.value.fields["help"]


def test_refused_before_it_is_sent(rigetti: RigettiServer) -> None:
    with pytest.raises(QmkError, match="no device 'Aspen-1'") as caught:
        run("Aspen-1")
    assert "Ankaa-3, Ankaa-9, Cepheus-1" in caught.value.fields["help"]
    wide = qmk.Circuit(4, 4).h(range(4)).measure(range(4), range(4))
    with pytest.raises(QmkError, match="4 qubits: the device has 3 that can be used"):
        qmk.run(wide, engine="rigetti:Cepheus-1", shots=10)
    assert not rigetti.jobs


def test_an_interrupt_cancels(rigetti: RigettiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    rigetti.grpc_faults.append(("GetControllerJobResults", StatusCode.DEADLINE_EXCEEDED, False))
    monkeypatch.setattr(task.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert rigetti.asked_for("CancelControllerJobs") == 1
