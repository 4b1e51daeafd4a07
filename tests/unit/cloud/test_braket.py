"""The engine of Amazon Braket, with boto3 unmodified, against a recorded server."""

from __future__ import annotations

from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines import amazon_braket as declared
from qmk.engines.amazon_braket import engine
from qmk.sdk.kit.engine_kit import checks
from tests.cloud.braket import OFFLINE, QPU, SV1, BraketServer
from tests.cloud.recorded import Fault


def bell() -> qmk.Circuit:
    return qmk.Circuit(3, 2).h(2).cx(2, 0).x(0).measure([2, 0], [0, 1])


def refused(program: qmk.Circuit, device: str = SV1, shots: int = 20) -> QmkError:
    with pytest.raises(QmkError) as found:
        qmk.run(program, engine=f"amazon-braket:{device}", shots=shots, seed=1)
    assert "braket-secret" not in f"{found.value} {found.value.fields}"
    return found.value


@pytest.mark.parametrize("device", [SV1, QPU])
def test_a_task_is_sent_once_and_read(braket: BraketServer, device: str) -> None:
    for _ in range(2):
        found = qmk.run(bell(), engine=f"amazon-braket:{device}", shots=300, seed=4)
        assert set(found.counts) == {"10", "01"}
        assert sum(found.counts.values()) == 300
    (task,) = braket.tasks.values()
    assert len(braket.asked("POST /quantum-task ")) == 0
    assert task["tags"]["qmk"] in task["token"]
    assert sum(request.path == "/quantum-task" for request in braket.requests) == 1


KIT = [
    check
    for check in checks(declared.DECLARATION, SV1, programs=1)
    if check.name in ("gate rx mx", "gate swap my", "same seed, same bits", "program without bits")
]


@pytest.mark.parametrize("check", KIT, ids=lambda check: check.name)
def test_conformance(check: Any, braket: BraketServer) -> None:
    if not check.skipped:
        assert not check.run()


def test_devices_are_looked_at_before_a_task_is_sent(braket: BraketServer) -> None:
    assert "not the ARN" in refused(bell(), "sv1").message
    assert refused(bell(), SV1.replace("sv1", "dm9")).kind.name == "UNSUPPORTED"
    assert "takes no tasks now (OFFLINE)" in refused(bell(), OFFLINE).message
    assert "4 qubits" in refused(qmk.Circuit(4).h(range(4)).measure_all(), QPU).message
    assert "has no gate swap" in refused(qmk.Circuit(2).h(0).swap(0, 1).measure_all(), QPU).message
    assert "takes 1 to 5000" in refused(bell(), shots=5001).message
    assert not braket.tasks


def test_a_bucket_is_asked_for(braket: BraketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QMK_CLOUD_AMAZON_BRAKET_BUCKET")
    assert "QMK_CLOUD_AMAZON_BRAKET_BUCKET" in refused(bell()).fields["help"]


def test_a_failed_task_is_sent_anew_under_another_token(braket: BraketServer) -> None:
    braket.failure = "the device drifted"
    error = refused(bell())
    assert "the device drifted" in error.message
    braket.failure = ""
    assert sum(qmk.run(bell(), engine=f"amazon-braket:{SV1}", shots=20, seed=1).counts.values()) == 20
    assert len({task["token"] for task in braket.tasks.values()}) == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (402, "ServiceQuotaExceededException", "QUOTA_EXCEEDED"),
        (403, "AccessDeniedException", "AUTH_FAILED"),
        (400, "ExpiredTokenException", "AUTH_FAILED"),
        (424, "DeviceOfflineException", "JOB_FAILED"),
        (410, "DeviceRetiredException", "UNSUPPORTED"),
        (400, "ValidationException", "JOB_FAILED"),
    ],
)
def test_errors_of_aws(braket: BraketServer, status: int, code: str, kind: str) -> None:
    braket.faults = [
        Fault("POST /quantum-task", status, {"message": "no"}, {"x-amzn-ErrorType": code}) for _ in range(8)
    ]
    braket.faults[0].begins = "POST /never"
    error = refused(bell())
    assert error.kind.name == kind
    assert not braket.tasks


def test_a_wrong_key_and_none(braket: BraketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "session_of", engine.session_of.__wrapped__)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    assert refused(bell()).kind.name == "AUTH_FAILED"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "aws configure" in refused(bell()).fields["help"]


def test_results_that_are_none(braket: BraketServer) -> None:
    for body in (
        {},
        {"measuredQubits": [2, 0], "measurements": [[0]] * 20},
        {"measuredQubits": [0], "measurements": [[2]] * 20},
    ):
        braket.faults = [Fault("GET /results/", 200, body)]
        assert "answered" in refused(bell()).message
