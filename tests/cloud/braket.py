"""Amazon Braket's REST calls and the one object that it writes into S3, as botocore's service model has them."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

import qmk
from tests.cloud.recorded import Recorded, Refused, Request

SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
QPU = "arn:aws:braket:us-west-1::device/qpu/rigetti/Fictional"
OFFLINE = "arn:aws:braket:us-east-1::device/qpu/ionq/Offline"
GATES = ["ccnot", "cnot", "h", "i", "rx", "ry", "rz", "s", "si", "swap", "t", "ti", "x", "y", "z"]
CREATED = "2026-01-01T00:00:00Z"


def capabilities(qubits: int, gates: list[str]) -> str:
    action = {"actionType": "braket.ir.openqasm.program", "version": ["1"], "supportedOperations": gates}
    return json.dumps(
        {
            "action": {"braket.ir.openqasm.program": action},
            "paradigm": {"qubitCount": qubits},
            "service": {"shotsRange": [1, 5000]},
        }
    )


class BraketServer(Recorded):
    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.devices = {
            SV1: ("ONLINE", capabilities(34, GATES)),
            QPU: ("ONLINE", capabilities(3, [name for name in GATES if name != "swap"])),
            OFFLINE: ("OFFLINE", capabilities(11, GATES)),
        }
        self.failure = ""
        self.looks = 1

    def answer(self, request: Request) -> Any:
        signed = re.match(
            r"AWS4-HMAC-SHA256 Credential=known/\d{8}/([a-z0-9-]+)/(braket|s3)/aws4_request",
            request.headers.get("authorization", ""),
        )
        if signed is None:
            raise Refused(403, {"__type": "UnrecognizedClientException", "message": "The security token is invalid."})
        path = unquote(request.path)
        if signed[2] == "s3":
            return self._object(path)
        match str(request).split("/")[0].strip(), path.split("/")[1:]:
            case "GET", ["device", *arn] if "/".join(arn) in self.devices:
                status, told = self.devices["/".join(arn)]
                return {
                    "deviceArn": "/".join(arn),
                    "deviceName": "d",
                    "providerName": "p",
                    "deviceType": "QPU",
                    "deviceStatus": status,
                    "deviceCapabilities": told,
                }
            case "POST", ["quantum-tasks"]:
                (wanted,) = request.json["filters"]
                assert (wanted["name"], wanted["operator"]) == ("deviceArn", "EQUAL")
                rows = [task for task in self.tasks.values() if task["deviceArn"] == wanted["values"][0]]
                return {
                    "quantumTasks": [{k: v for k, v in task.items() if k not in ("action", "token")} for task in rows]
                }
            case "POST", ["quantum-task"]:
                return self._create(request.json)
            case "GET", ["quantum-task", *arn] if "/".join(arn) in self.tasks:
                return self._look(self.tasks["/".join(arn)])
            case "PUT", ["quantum-task", *arn, "cancel"]:
                self.tasks["/".join(arn)]["status"] = "CANCELLED"
                return {"quantumTaskArn": "/".join(arn), "cancellationStatus": "CANCELLING"}
        raise Refused(404, {"__type": "ResourceNotFoundException", "message": f"there is no {path}"})

    def _create(self, body: dict[str, Any]) -> Any:
        assert {"clientToken", "deviceArn", "outputS3Bucket", "outputS3KeyPrefix", "shots", "action", "tags"} == set(
            body
        )
        known = next((task for task in self.tasks.values() if task["token"] == body["clientToken"]), None)
        if known is None:
            arn = f"arn:aws:braket:us-east-1:123456789012:quantum-task/{uuid.uuid4()}"
            shown = {name: body[name] for name in ("deviceArn", "shots", "outputS3Bucket", "tags")}
            folder = f"{body['outputS3KeyPrefix']}/{arn.rpartition('/')[2]}"
            more = {"status": "CREATED", "createdAt": CREATED, "deviceParameters": "{}", "looks": 0}
            known = {
                **shown,
                **more,
                "quantumTaskArn": arn,
                "outputS3Directory": folder,
                "action": json.loads(body["action"]),
                "token": body["clientToken"],
            }
            self.tasks[arn] = known
        return {"quantumTaskArn": known["quantumTaskArn"]}

    def _look(self, task: dict[str, Any]) -> Any:
        if task["status"] in ("CREATED", "QUEUED"):
            task["looks"] += 1
            task["status"] = "QUEUED" if task["looks"] < self.looks else "FAILED" if self.failure else "COMPLETED"
            task["failureReason"] = self.failure
        return {name: value for name, value in task.items() if name not in ("action", "token", "looks")}

    def _object(self, path: str) -> Any:
        folder = path.removeprefix("/results/").removesuffix("/results.json")
        task = next((task for task in self.tasks.values() if task["outputS3Directory"] == folder), None)
        if task is None or task["status"] != "COMPLETED":
            raise Refused(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
        source = task["action"]["source"]
        qubits = [int(found) for found in re.findall(r"= measure q\[(\d+)\]", source)]
        counts = qmk.run(source, format="braket", shots=task["shots"], seed=len(self.tasks)).counts
        header = {"name": "braket.task_result.gate_model_task_result", "version": "1"}
        told: dict[str, Any] = {"braketSchemaHeader": header, "measuredQubits": qubits}
        if task["deviceArn"] == QPU:  # this one tells probabilities
            return {**told, "measurementProbabilities": {text[::-1]: n / task["shots"] for text, n in counts.items()}}
        return {
            **told,
            "measurements": [[int(bit) for bit in text[::-1]] for text, n in counts.items() for _ in range(n)],
        }
