"""IQM's engine against its recorded server: native gates on calibrated loci, jobs sent once, errors told apart."""

from __future__ import annotations

from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines import iqm as declared
from qmk.sdk.kit.engine_kit import checks
from tests.cloud.iqm import IqmServer, crystal
from tests.cloud.programs import check_lopsided, lopsided
from tests.cloud.recorded import Fault

POST = "POST /api/v1/jobs/garnet/circuit"


def run(device: str = "garnet", seed: int = 1, shots: int = 100) -> qmk.Result:
    return qmk.run(lopsided(), engine=f"iqm:{device}", shots=shots, seed=seed)


@pytest.mark.parametrize("device", ["garnet", "sirius"])
def test_distributions_are_those_of_the_program(iqm: IqmServer, device: str) -> None:
    found = run(device, shots=4000)
    check_lopsided(found.counts)
    assert found.provenance.notes["provider_task"] in iqm.jobs


@pytest.mark.parametrize(
    "check", checks(declared.DECLARATION, "emerald", programs=1)[::2], ids=lambda check: check.name
)
def test_conformance(check: Any, iqm: IqmServer) -> None:
    if not check.skipped:
        assert not check.run()


def test_only_qubits_that_can_be_read_are_used(iqm: IqmServer) -> None:
    run()
    (circuit,) = iqm.asked(POST)[0].json["circuits"]
    assert not any("QB2" in row["locus"] for row in circuit["instructions"])
    assert {row["args"]["key"] for row in circuit["instructions"] if row["name"] == "measure"} == {"m0", "m1", "m2"}


def test_gates_on_one_qubit_become_one_turn(iqm: IqmServer) -> None:
    circuit = qmk.Circuit(1, 1).h(0).t(0).rx(0.3, 0).s(0).h(0).rz(1.1, 0).measure(0, 0)
    qmk.run(circuit, engine="iqm:garnet", shots=10, seed=1)
    names = [row["name"] for row in iqm.asked(POST)[0].json["circuits"][0]["instructions"]]
    assert names == ["prx", "measure"]


def test_the_same_seed_is_the_same_job(iqm: IqmServer) -> None:
    first = run()
    iqm.devices["garnet"] = crystal() | {"calibration_set_id": "newer"}
    assert run().counts == first.counts
    assert len(iqm.asked(POST)) == 1, "a new calibration does not send it again"
    run(seed=2)
    assert len(iqm.asked(POST)) == 2


def test_a_job_whose_answer_was_lost_is_never_sent_again(iqm: IqmServer) -> None:
    iqm.faults.append(Fault(POST, taken=True))
    for _ in range(2):
        with pytest.raises(QmkError, match="may have been sent") as caught:
            run()
        assert caught.value.fields["retryable"] is False
        assert "look for 'qmk-" in caught.value.fields["help"]
    assert len(iqm.asked(POST)) == 1


def test_a_job_that_was_not_taken_is_sent_again(iqm: IqmServer) -> None:
    iqm.faults += [Fault(POST, 429, {"message": "slow down"}, {"Retry-After": "0"}), Fault(POST, 503)]
    run()
    assert len(iqm.asked(POST)) == 3
    assert len(iqm.jobs) == 1


def test_a_job_that_failed_says_why_and_is_sent_anew(iqm: IqmServer) -> None:
    iqm.errors = [{"message": "circuit is longer than T2", "error_code": "circuit_too_long", "source": "cocos"}]
    with pytest.raises(QmkError, match="circuit_too_long: circuit is longer than T2") as caught:
        run()
    assert caught.value.kind.name == "JOB_FAILED"
    iqm.errors = []
    run()
    assert len(iqm.asked(POST)) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (Fault("GET", 403, {"message": "no access", "source": "iqm-server"}), "AUTH_FAILED", "no access"),
        (Fault(POST, 402), "QUOTA_EXCEEDED", "paid"),
        (Fault(POST, 422, {"message": "locus", "error_code": "bad"}), "JOB_FAILED", r"\(422\): locus"),
        (Fault("GET /api/v1/calibration-sets", 200, {"qubits": 3}), "JOB_FAILED", "not documented"),
    ],
)
def test_faults_are_errors_that_say_what_to_do(iqm: IqmServer, fault: Fault, kind: str, text: str) -> None:
    iqm.faults.append(fault)
    with pytest.raises(QmkError, match=text) as caught:
        run()
    assert caught.value.kind.name == kind
    assert caught.value.fields["help"] or fault.status == 422
    assert not iqm.jobs


def test_a_wrong_key_is_told_and_not_shown(iqm: IqmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQM_TOKEN", "wrong-token-99")
    with pytest.raises(QmkError, match="does not accept the key") as caught:
        run()
    assert "wrong-token-99" not in str(caught.value)


def test_refused_before_it_is_sent(iqm: IqmServer) -> None:
    with pytest.raises(QmkError, match=r"no device 'ruby'") as caught:
        run("ruby")
    assert "emerald, garnet, sirius" in caught.value.fields["help"]
    wide = qmk.Circuit(5, 5).h(range(5)).measure(range(5), range(5))
    with pytest.raises(QmkError, match="5 qubits: the device has 4 that can be used"):
        qmk.run(wide, engine="iqm:garnet", shots=10)
    again = qmk.Circuit(1, 2).h(0).measure(0, 0).reset(0).measure(0, 1)
    with pytest.raises(QmkError, match="a reset: this quantum computer has none"):
        qmk.run(again, engine="iqm:garnet", shots=10)
    branch = qmk.Circuit(2, 2).h(0).measure(0, 0)
    with branch.if_(0):
        branch.x(1)
    with pytest.raises(QmkError, match="operations depend on measurements"):
        qmk.run(branch.measure(1, 1), engine="iqm:garnet", shots=10)
    iqm.healthy = False
    with pytest.raises(QmkError, match="nothing was sent") as caught:
        run()
    assert caught.value.fields["retryable"] is True
    assert not iqm.asked("POST")
