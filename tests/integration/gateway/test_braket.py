"""Amazon Braket's protocol: the requests of its SDK, recorded, and what must be refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

Http = TestClient[Any]
AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"
GATES = "arn:aws:braket:::device/quantum-simulator/qmk/gates"
BELL = "OPENQASM 3.0;\nbit[2] b;\nqubit[2] q;\nh q[0];\ncnot q[0], q[1];\nb[0] = measure q[0];\nb[1] = measure q[1];"


def gates(source: str, **more: Any) -> dict[str, Any]:
    header = {"name": "braket.ir.openqasm.program", "version": "1"}
    action = {"braketSchemaHeader": header, "source": source, "inputs": more.pop("inputs", {})}
    return {
        "clientToken": str(uuid.uuid4()),
        "deviceArn": GATES,
        "outputS3Bucket": "bkt",
        "outputS3KeyPrefix": "tasks",
        "shots": 200,
        "action": json.dumps(action),
        **more,
    }


def ended(http: Http, until: Callable[..., dict[str, Any]], arn: str) -> dict[str, Any]:
    return until(
        lambda: http.get(f"/braket/quantum-task/{arn}?additionalAttributeNames=QueueInfo"),
        lambda task: task["status"] in ("COMPLETED", "FAILED", "CANCELLED"),
    )


def results(http: Http, task: dict[str, Any]) -> dict[str, Any]:
    found = http.get(f"/s3/{task['outputS3Bucket']}/{task['outputS3Directory']}/results.json")
    assert found.status_code == 200, found.text
    return found.json()


def test_the_recorded_program_runs(http: Http, wire: Any, until: Any) -> None:
    """The first four requests of the SDK, as it sent them; two atoms in each other's blockade."""
    device, create, *_ = wire("braket")
    told = http.get(f"/braket{device['path']}").json()
    assert told["deviceName"] == "Aquila"
    assert told["deviceStatus"] == "ONLINE"
    lattice = json.loads(told["deviceCapabilities"])["paradigm"]["lattice"]
    assert lattice["geometry"]["spacingRadialMin"] == 4e-6
    made = http.post("/braket/quantum-task", content=create["body"])
    assert made.status_code == 201, made.text
    arn = made.json()["quantumTaskArn"]
    assert arn.startswith("arn:aws:braket:us-east-1:000000000000:quantum-task/")
    task = ended(http, until, arn)
    assert (task["status"], task["shots"], task["deviceArn"]) == ("COMPLETED", 4, AQUILA)
    found = results(http, task)
    assert found["braketSchemaHeader"]["name"] == "braket.task_result.analog_hamiltonian_simulation_task_result"
    assert found["taskMetadata"]["id"] == arn
    assert json.loads(json.loads(create["body"])["action"]) == found["additionalMetadata"]["action"]
    shots = [shot["shotResult"] for shot in found["measurements"]]
    assert [shot["preSequence"] for shot in shots] == [[1, 1]] * 4
    one_excited = [shot["postSequence"] in ([1, 0], [0, 1]) for shot in shots]
    assert sum(one_excited) >= 2  # P(both or none) is 0.005 a shot, and the seed is drawn: this fails once in 2e6 runs


def test_a_request_made_again_makes_no_second_task(http: Http, wire: Any) -> None:
    body = wire("braket")[6]["body"]
    first, second = (http.post("/braket/quantum-task", content=body).json() for _ in range(2))
    assert first == second


def test_gates_run_and_say_which_qubits_were_measured(http: Http, until: Any) -> None:
    source = (
        "OPENQASM 3.0;\nbit[2] b;\nqubit[3] q;\nx q[2];\nccnot q[2], q[2 - 2], q[1];\n"
        "b[0] = measure q[2];\nb[1] = measure q[0];"
    )
    made = http.post("/braket/quantum-task", json=gates(source, shots=7)).json()
    found = results(http, ended(http, until, made["quantumTaskArn"]))
    assert found["measuredQubits"] == [2, 0]
    assert found["measurements"] == [[1, 0]] * 7


def test_a_bell_pair_is_one(http: Http, until: Any) -> None:
    made = http.post("/braket/quantum-task", json=gates(BELL)).json()
    found = results(http, ended(http, until, made["quantumTaskArn"]))
    assert {tuple(shot) for shot in found["measurements"]} == {(0, 0), (1, 1)}  # one missing: p < 1e-59
    assert len(found["measurements"]) == 200


def test_inputs_reach_the_program(http: Http, until: Any) -> None:
    source = "OPENQASM 3.0;\ninput float a;\nbit[1] b;\nqubit[1] q;\nrx(a) q[0];\nb[0] = measure q[0];"
    made = http.post("/braket/quantum-task", json=gates(source, inputs={"a": 3.141592653589793}, shots=5)).json()
    assert results(http, ended(http, until, made["quantumTaskArn"]))["measurements"] == [[1]] * 5


def test_more_shots_than_a_page(http: Http, until: Any) -> None:
    made = http.post("/braket/quantum-task", json=gates(BELL, shots=10_001)).json()
    assert len(results(http, ended(http, until, made["quantumTaskArn"]))["measurements"]) == 10_001


def test_an_ended_task_cannot_be_cancelled(http: Http, until: Any) -> None:
    arn = http.post("/braket/quantum-task", json=gates(BELL)).json()["quantumTaskArn"]
    ended(http, until, arn)
    refused = http.put(f"/braket/quantum-task/{arn}/cancel")
    assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (409, "ConflictException")


def test_a_running_task_can(http: Http, until: Any) -> None:
    wide = "OPENQASM 3.0;\nbit[24] b;\nqubit[24] q;\n" + "".join(
        f"rx({0.1 + k}) q[{k % 24}];\ncnot q[{k % 24}], q[{(k + 7) % 24}];\n" for k in range(2000)
    )
    arn = http.post("/braket/quantum-task", json=gates(wide + "b = measure q;", shots=10)).json()["quantumTaskArn"]
    told = http.put(f"/braket/quantum-task/{arn}/cancel").json()
    assert told["quantumTaskArn"] == arn
    assert told["cancellationStatus"] in ("CANCELLED", "CANCELLING")
    task = ended(http, until, arn)
    assert task["status"] == "CANCELLED"
    assert http.get(f"/s3/bkt/{task['outputS3Directory']}/results.json").status_code == 404


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"shots": 0}, "shots"),
        ({"shots": 10**18}, "shots"),
        ({"deviceArn": "arn:aws:braket:::device/qpu/none"}, "no device"),
        ({"deviceArn": AQUILA}, "takes programs of braket.ir.ahs.program"),
        ({"action": "{"}, "action"),
        ({"deviceParameters": json.dumps({"errorMitigation": [{}]})}, "errorMitigation"),
        ({"associations": [{"arn": "a", "type": "b"}]}, "reservations"),
        ({"clientToken": ""}, "clientToken"),
    ],
)
def test_what_is_not_served_is_refused(http: Http, changed: dict[str, Any], word: str) -> None:
    refused = http.post("/braket/quantum-task", json={**gates(BELL), **changed})
    assert refused.status_code == 400
    assert refused.headers["x-amzn-errortype"] in ("ValidationException", "ServiceQuotaExceededException")
    assert word in refused.json()["message"]
    assert "Traceback" not in refused.text


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (BELL.replace("h q", "#pragma braket noise bit_flop(0.1) q[0]\nh q"), "bit_flop"),
        (BELL + "\n#pragma braket result state_vector", "result"),
        (BELL.replace("cnot", "nogate"), "nogate"),
    ],
)
def test_programs_that_would_become_others_are_refused(http: Http, source: str, word: str) -> None:
    refused = http.post("/braket/quantum-task", json=gates(source))
    assert refused.status_code == 400
    assert word in refused.json()["message"]


def test_a_program_that_aquila_would_refuse_is_refused(http: Http, wire: Any) -> None:
    asked = json.loads(wire("braket")[1]["body"])
    near = {**asked, "clientToken": str(uuid.uuid4()), "action": asked["action"].replace("0.00000610", "0.00000310")}
    refused = http.post("/braket/quantum-task", json=near)
    assert refused.status_code == 400
    assert "ATOM-03" in refused.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/braket/quantum-task/arn:aws:braket:us-east-1:000000000000:quantum-task/" + str(uuid.UUID(int=7)),
        "/braket/quantum-task/arn:aws:braket:us-east-1:000000000000:quantum-task/job_00",
        "/braket/quantum-task/arn:aws:braket:us-east-1:999999999999:quantum-task/" + str(uuid.UUID(int=7)),
        "/braket/device/arn:aws:braket:::device/none",
        "/braket/nothing",
    ],
)
def test_what_is_not_there_is_absent(http: Http, path: str) -> None:
    absent = http.get(path)
    assert (absent.status_code, absent.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    "path", ["bkt/x/results.json", "bkt", "a/b/../c", f"bkt/tasks/{uuid.UUID(int=7)}/results.json"]
)
def test_objects_that_are_not_there_are_absent(http: Http, path: str) -> None:
    absent = http.get(f"/s3/{path}")
    assert absent.status_code == 404
    assert "<Code>NoSuchKey</Code>" in absent.text


def test_the_bucket_takes_nothing(http: Http) -> None:
    refused = http.put("/s3/bkt/file", content=b"x")
    assert refused.status_code == 405
    assert "<Code>MethodNotAllowed</Code>" in refused.text


def test_an_object_is_found_under_its_own_name_only(http: Http, until: Any) -> None:
    task = ended(http, until, http.post("/braket/quantum-task", json=gates(BELL)).json()["quantumTaskArn"])
    folder = task["outputS3Directory"]
    assert http.head(f"/s3/bkt/{folder}/results.json").status_code == 200
    for path in (f"other/{folder}/results.json", f"bkt/x{folder}/results.json", f"bkt/{folder}/other.json"):
        assert http.get(f"/s3/{path}").status_code == 404


def test_a_body_without_end_is_refused(http: Http) -> None:
    refused = http.post("/braket/quantum-task", content=b" " * (17 << 20))
    assert refused.status_code == 413


@pytest.mark.parametrize(("device", "excited"), [("atoms", 0.0295), ("atoms-phase-plus", 0.9488)])
def test_the_sign_of_the_phase_is_that_of_the_device(http: Http, until: Any, device: str, excited: float) -> None:
    """One atom whose phase jumps by a quarter turn under a detuning: almost every shot tells the two signs apart."""

    def uniform(values: list[str]) -> dict[str, Any]:
        return {"time_series": {"times": ["0", "1e-6", "2e-6"], "values": values}, "pattern": "uniform"}

    drive = {"amplitude": uniform(["1.5e6"] * 3), "phase": uniform(["0", "1.57", "1.57"])}
    drive["detuning"] = uniform(["1e6"] * 3)
    action = {
        "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
        "setup": {"ahs_register": {"sites": [["0", "0"]], "filling": [1]}},
        "hamiltonian": {"drivingFields": [drive], "shiftingFields": []},
    }
    arn = f"arn:aws:braket:::device/quantum-simulator/qmk/{device}"
    made = http.post("/braket/quantum-task", json=gates("", deviceArn=arn, action=json.dumps(action), shots=400))
    assert made.status_code == 201, made.text
    shots = results(http, ended(http, until, made.json()["quantumTaskArn"]))["measurements"]
    found = sum(1 - shot["shotResult"]["postSequence"][0] for shot in shots) / 400
    assert abs(found - excited) < 0.08  # 7 standard errors: p < 1e-10
