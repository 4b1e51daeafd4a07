"""Azure's engine against its recorded server: three formats, signed storage, three ways to sign in, errors."""

from __future__ import annotations

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines import azure as declared
from qmk.sdk.kit.engine_kit import Check, checks
from tests.cloud.azure import KEY, PATH, SECRET, SIGNATURE, TARGETS, TOKEN, AzureServer
from tests.cloud.programs import check_lopsided, lopsided
from tests.cloud.recorded import Fault

JOBS = f"PUT {PATH}/jobs"


def run(target: str = "rigetti.sim.qvm", seed: int = 1, shots: int = 100) -> qmk.Result:
    return qmk.run(lopsided(), engine=f"azure:{target}", shots=shots, seed=seed)


@pytest.mark.parametrize("target", [target for targets in TARGETS.values() for target in targets])
def test_distributions_are_those_of_the_program(azure: AzureServer, target: str) -> None:
    found = run(target, shots=4000)
    check_lopsided(found.counts)
    assert found.provenance.notes["provider_task"] in azure.jobs


@pytest.mark.parametrize(
    ("target", "check"),
    [
        pytest.param(target, check, id=f"{target} {check.name}")
        for target in ("quantinuum.sim.h2-1sc", "rigetti.sim.qvm")
        for check in checks(declared.DECLARATION, target, programs=1, shots=500)[::6]
        if not check.skipped
    ],
)
def test_conformance(target: str, check: Check, azure: AzureServer) -> None:
    assert not check.run()


def test_a_job_whose_answer_was_lost_is_found_by_its_id(azure: AzureServer) -> None:
    azure.faults.append(Fault(JOBS, taken=True))
    first = run()
    assert run().counts == first.counts, "the same seed is the same job"
    assert len(azure.asked(JOBS)) == 1
    run(seed=2)
    assert len(azure.jobs) == 2


def test_a_job_that_failed_says_why_and_is_sent_anew(azure: AzureServer) -> None:
    azure.failure = {"code": "InsufficientResources", "message": "no credits left"}
    with pytest.raises(QmkError, match="InsufficientResources: no credits left") as caught:
        run()
    assert caught.value.kind.name == "JOB_FAILED"
    azure.failure = None
    run()
    assert len(azure.jobs) == 2
    assert len({request.path for request in azure.asked(JOBS)}) == 2, "under an id of its own"


def test_an_application_signs_in(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_CLOUD_AZURE_KEY", "env:APP_SECRET")
    monkeypatch.setenv("APP_SECRET", SECRET)
    with pytest.raises(QmkError, match="QMK_CLOUD_AZURE_URL is not set"):
        run()
    monkeypatch.setenv("QMK_CLOUD_AZURE_URL", azure.url + PATH)
    monkeypatch.setenv("QMK_CLOUD_AZURE_TENANT", "tenant-1")
    monkeypatch.setenv("QMK_CLOUD_AZURE_CLIENT", "app-1")
    monkeypatch.setenv("QMK_CLOUD_AZURE_LOGIN_URL", azure.url)
    run()
    monkeypatch.setenv("APP_SECRET", "wrong-secret")
    with pytest.raises(QmkError, match="does not accept the key") as caught:
        run()
    assert "wrong-secret" not in str(caught.value)


def test_an_access_token_is_enough(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMK_CLOUD_AZURE_KEY", "env:AZURE_TOKEN")
    monkeypatch.setenv("AZURE_TOKEN", TOKEN)
    monkeypatch.setenv("QMK_CLOUD_AZURE_URL", azure.url + PATH)
    run()
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in azure.asked(JOBS))


def test_a_connection_string_must_be_whole(azure: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_QUANTUM_CONNECTION_STRING", azure.connection.partition("QuantumEndpoint")[0])
    with pytest.raises(QmkError, match="lacks QuantumEndpoint") as caught:
        run()
    assert caught.value.kind.name == "AUTH_FAILED"
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (Fault("GET", 401, {"error": {"code": "Unauthorized", "message": "expired"}}), "AUTH_FAILED", "expired"),
        (Fault(JOBS, 403, {"error": {"message": f"quota of {KEY}"}}), "AUTH_FAILED", r"quota of \[hidden\]"),
        (Fault("GET /job-", 404, {"error": {"message": SIGNATURE}}), "UNSUPPORTED", r"\(404\)"),
        (Fault(f"POST {PATH}/storage", 200, {"no": 1}), "JOB_FAILED", "not documented"),
        (Fault("GET /job-", 200, {"ro": [[0, 1, 2]]}), "JOB_FAILED", "not documented"),
        (Fault("GET /job-", 200, {"ro": [[0, 1, 1]]}), "JOB_FAILED", "1 shots of 100"),
        (Fault(f"POST {PATH}/storage", 200, {"sasUri": "http://far.example/a?sig=1"}), "INVALID_PARAMS", "https"),
    ],
)
def test_faults_are_errors_that_say_what_to_do(azure: AzureServer, fault: Fault, kind: str, text: str) -> None:
    azure.faults.append(fault)
    with pytest.raises(QmkError, match=text) as caught:
        run()
    assert caught.value.kind.name == kind
    assert caught.value.fields["help"]
    assert KEY not in str(caught.value)
    assert "signature-of-storage" not in str(caught.value)


def test_refused_before_it_is_sent(azure: AzureServer) -> None:
    with pytest.raises(QmkError, match=r"no form of programs for target 'pasqal\.sim'"):
        run("pasqal.sim")
    with pytest.raises(QmkError, match=r"no device 'ionq\.qpu'") as caught:
        run("ionq.qpu")
    assert "ionq.simulator" in caught.value.fields["help"]
    wide = qmk.Circuit(21, 1).h(range(21)).measure(0, 0)
    with pytest.raises(QmkError, match=r"21 qubits: device 'ionq\.simulator' of engine 'azure' has 20"):
        qmk.run(wide.cx(1, range(2, 21)).measure(20, 0), engine="azure:ionq.simulator", shots=10)
    azure.availability = "Unavailable"
    with pytest.raises(QmkError, match="nothing was sent") as caught:
        run()
    assert caught.value.fields["retryable"] is True
    assert not azure.jobs
