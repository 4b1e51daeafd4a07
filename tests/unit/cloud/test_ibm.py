"""IBM's engine against a recorded server: token, gates and coupling of the device, both forms of results."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines import ibm as declared
from qmk.engines.ibm import results
from qmk.sdk.kit.engine_kit import Check, checks
from tests.cloud.ibm import KEY, TOKEN, IbmServer, encoded, typed
from tests.cloud.recorded import Fault


def ghz() -> qmk.Circuit:
    return qmk.Circuit(4, 3).h(0).cx(0, 3).cx(0, 2).x(2).measure([0, 3, 2], [0, 1, 2])


def refused(program: qmk.Circuit | None = None, device: str = "ibm_line", shots: int = 20) -> QmkError:
    with pytest.raises(QmkError) as found:
        qmk.run(program or ghz(), engine=f"ibm:{device}", shots=shots, seed=1)
    assert not {KEY, TOKEN} & set(f"{found.value} {found.value.fields}".split())
    return found.value


@pytest.mark.parametrize("device", ["ibm_line", "ibm_old"])
@pytest.mark.parametrize("hexadecimal", [False, True])
def test_a_job_is_sent_once_in_the_devices_own_gates(ibm: IbmServer, device: str, hexadecimal: bool) -> None:
    ibm.hexadecimal = hexadecimal
    for _ in range(2):
        found = qmk.run(ghz(), engine=f"ibm:{device}", shots=300, seed=4)
        assert set(found.counts) == {"100", "011"}
        assert sum(found.counts.values()) == 300
    assert len(ibm.jobs) == 1
    assert len(ibm.asked("POST /identity")) == 2, "one token a run"


KIT = ("gate h mx", "gate iswap my", "mid-circuit", "same seed, same bits", "program without bits", "gate cp mx")


def kit() -> list[Check]:
    every = checks(declared.DECLARATION, "ibm_line", programs=1, shots=500)
    return [check for check in every if not check.skipped and ("refuses" in check.name or check.name in KIT)]


@pytest.mark.parametrize("check", kit(), ids=lambda check: check.name)
def test_conformance(check: Check, ibm: IbmServer) -> None:
    assert not check.run()


def test_measurements_and_resets_on_the_way(ibm: IbmServer) -> None:
    circuit = qmk.Circuit(1, 3).x(0).measure(0, 0).reset(0).measure(0, 1).x(0).measure(0, 2)
    assert qmk.run(circuit, engine="ibm:ibm_line", shots=9).counts == {"101": 9}


HEAD = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c;'
MEASURED = f"{HEAD} h q[0]; h q[1]; c[0] = measure q[0]; c[1] = measure q[1];"


@pytest.mark.parametrize(("gate", "turn"), [("x", ""), ("y", ""), ("z", "h q[2];")])
@pytest.mark.parametrize("condition", ["c[0]", "!c[0]", "c[0] ^ c[1]", "!(c[0] ^ c[1])"])
def test_paulis_under_a_parity_of_measurements(ibm: IbmServer, gate: str, turn: str, condition: str) -> None:
    source = f"{MEASURED} {turn} if ({condition}) {gate} q[2]; {turn} c[2] = measure q[2];"
    found = qmk.run(source, engine="ibm:ibm_line", shots=400, seed=1).counts
    assert set(found) == set(qmk.run(source, shots=400).counts)
    assert len(found) == 4


@pytest.mark.parametrize(
    "then",
    ["if (c[0]) h q[2];", "if (c[0] && c[1]) x q[2];", "if (c[0]) c[2] = measure q[2];", "if (c[0]) reset q[2];"],
)
def test_other_feed_forward_is_refused_before_anything_is_sent(ibm: IbmServer, then: str) -> None:
    with pytest.raises(QmkError, match="conditions go beyond Pauli gates on parities"):
        qmk.run(f"{MEASURED} {then} c[2] = measure q[2];", engine="ibm:ibm_line", shots=20)
    assert not ibm.requests


def test_a_device_without_branches_is_sent_none(ibm: IbmServer) -> None:
    with pytest.raises(QmkError, match="device 'ibm_old' has no if_else"):
        qmk.run(f"{MEASURED} if (c[0]) x q[2]; c[2] = measure q[2];", engine="ibm:ibm_old", shots=20)
    assert not ibm.jobs


def test_noise_is_refused_before_anything_is_sent(ibm: IbmServer) -> None:
    with pytest.raises(QmkError, match="random Pauli errors"):
        qmk.run(ghz(), engine="ibm:ibm_line", shots=20, noise="depolarizing=0.1")
    assert not ibm.requests


def test_devices_are_looked_at_before_a_job_is_sent(ibm: IbmServer) -> None:
    assert "ibm_line, ibm_old" in refused(device="ibm_none").fields["help"]
    assert "8 qubits" in refused(qmk.Circuit(8).h(range(8)).measure_all()).message
    assert "5000 at most" in refused(shots=5001).message
    ibm.status = "maintenance"
    assert "maintenance" in refused().message
    assert not ibm.jobs


def test_jobs_that_fail(ibm: IbmServer) -> None:
    ibm.state = {"status": "Failed", "reason": "no calibration", "reason_code": 1517}
    assert "error code 1517; no calibration" in refused().message
    ibm.state = {"status": "Cancelled - Ran too long", "reason": "too long", "reason_code": 1305}
    assert refused().kind.name == "JOB_FAILED"
    ibm.state = {"status": "Cancelled", "reason": "by its owner"}
    assert refused().kind.name == "JOB_CANCELLED"
    ibm.state = {"status": "Completed"}
    qmk.run(ghz(), engine="ibm:ibm_line", shots=20, seed=1)
    assert len(ibm.jobs) == 4


def test_errors(ibm: IbmServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ibm.faults = [Fault("POST /api/v1/jobs", 409, {"errors": [{"code": 1234, "message": "usage exceeds the limit"}]})]
    error = refused()
    assert error.kind.name == "QUOTA_EXCEEDED"
    assert "usage exceeds the limit" in error.message
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "wrong")
    assert "Provided API key could not be found." in refused().message
    monkeypatch.delenv("QMK_CLOUD_IBM_INSTANCE")
    assert "QMK_CLOUD_IBM_INSTANCE" in refused().fields["help"]


def test_a_job_whose_answer_was_lost_is_found(ibm: IbmServer) -> None:
    ibm.faults = [Fault("POST /api/v1/jobs", taken=True), Fault("GET /api/v1/jobs", 504)]
    qmk.run(ghz(), engine="ibm:ibm_line", shots=20)
    assert len(ibm.jobs) == 1


def test_no_result_can_bring_code_or_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def array_of(array: object) -> object:
        return {"results": [{"data": {"c": {"array": array, "num_bits": 3}}}]}

    good = results.read(array_of(encoded(np.array([[5], [2]], dtype=np.uint8))), "c")
    assert good.tolist() == [[1, 0, 1], [0, 1, 0]]
    objects = base64.b64encode(zlib.compress(_pickled())).decode()
    monkeypatch.setattr(results, "LARGEST_BYTES", 1000)
    large = base64.b64encode(zlib.compress(bytes(2000))).decode()
    for text in (objects, large, "!", base64.b64encode(b"no zlib").decode()):
        with pytest.raises((ValueError, zlib.error)):
            results.read(array_of(typed("ndarray", text)), "c")
    for samples in (["0x9"], ["-0x1"], ["z"]):
        with pytest.raises(ValueError, match=r"fit|invalid"):
            results.read({"results": [{"data": {"c": {"samples": samples, "num_bits": 3}}}]}, "c")


def _pickled() -> bytes:
    import io

    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()
