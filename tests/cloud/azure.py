"""Azure Quantum's data plane, version 2026-01-15-preview, with the storage and the sign-in that belong to it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from tests.cloud.ionq import probabilities
from tests.cloud.programs import bits_of
from tests.cloud.recorded import Recorded, Refused, Request

KEY = "azure-key-12345"
SECRET = "application-secret-678"
TOKEN = "entra-token-90"
SIGNATURE = "sig=signature-of-storage"
PATH = "/subscriptions/sub-1/resourceGroups/group/providers/Microsoft.Quantum/workspaces/lab"
TARGETS = {
    "ionq": ["ionq.simulator", "ionq.qpu.forte-1"],
    "quantinuum": ["quantinuum.sim.h2-1sc"],
    "rigetti": ["rigetti.sim.qvm"],
}
FORMATS = {
    "ionq": ("ionq.circuit.v1", "ionq.quantum-results.v1", "application/json"),
    "quantinuum": ("honeywell.openqasm.v1", "honeywell.quantum-results.v1", "application/qasm"),
    "rigetti": ("rigetti.quil.v1", "rigetti.quil-results.v1", "text/plain"),
}


class AzureServer(Recorded):
    def __init__(self, looks: int = 2) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.blobs: dict[str, bytes] = {}
        self.looks = looks
        """How often a job is looked at before it ends."""
        self.failure: dict[str, str] | None = None
        self.availability = "Available"

    @property
    def connection(self) -> str:
        parts = {"SubscriptionId": "sub-1", "ResourceGroupName": "group", "WorkspaceName": "lab", "ApiKey": KEY}
        return "".join(f"{name}={value};" for name, value in (parts | {"QuantumEndpoint": f"{self.url}/"}).items())

    def answer(self, request: Request) -> Any:
        if request.path.startswith("/job-"):
            return self._storage(request)
        if request.path == "/tenant-1/oauth2/v2.0/token":
            return self._sign_in(request)
        keyed = request.headers.get("x-ms-quantum-api-key") == KEY
        if not keyed and request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, {"error": {"code": "Unauthorized", "message": "Unauthorized access"}})
        assert request.query == {"api-version": ["2026-01-15-preview"]}
        assert request.path.startswith(PATH)
        match [request.method, *request.path.removeprefix(PATH).split("/")[1:]]:
            case ["GET", "providerStatus"]:
                return {"value": [self._provider(name, targets) for name, targets in TARGETS.items()]}
            case ["POST", "storage", "sasUri"]:
                body = request.json
                place = "/".join([body["containerName"], *([body["blobName"]] if "blobName" in body else [])])
                return {"sasUri": f"{self.url}/{place}?sv=2021&{SIGNATURE}"}
            case ["PUT", "jobs", job]:
                return self._create(job, request.json)
            case ["GET", "jobs", job] if job in self.jobs:
                return self._look(self.jobs[job])
            case ["POST", "jobs", job] if job.removesuffix(":cancel") in self.jobs:
                self.jobs[job.removesuffix(":cancel")]["status"] = "Cancelled"
                return None
        raise Refused(404, {"error": {"code": "NotFound", "message": request.path}})

    def _sign_in(self, request: Request) -> Any:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.pop("client_secret") != SECRET:
            raise Refused(401, {"error": "invalid_client", "error_description": "wrong secret"})
        assert form == {
            "grant_type": "client_credentials",
            "client_id": "app-1",
            "scope": "https://quantum.microsoft.com/.default",
        }
        return {"token_type": "Bearer", "expires_in": 3599, "access_token": TOKEN}

    def _provider(self, name: str, targets: list[str]) -> Any:
        rows = [
            {"id": each, "currentAvailability": self.availability, "averageQueueTime": 3, "numQubits": 20}
            for each in targets
        ]
        return {"id": name, "currentAvailability": "Available", "targets": rows}

    def _storage(self, request: Request) -> Any:
        if "sig" not in request.query:
            raise Refused(403, {"error": {"code": "AuthenticationFailed", "message": "no signature"}})
        assert not {"authorization", "x-ms-quantum-api-key"} & set(request.headers), "a key is for the service alone"
        if request.method == "PUT":
            assert request.headers["x-ms-blob-type"] == "BlockBlob"
            self.blobs[request.path] = request.body
            self.blobs[f"{request.path}:type"] = request.headers["content-type"].encode()
            return None
        return self.blobs[request.path]

    def _create(self, name: str, body: dict[str, Any]) -> Any:
        assert body["id"] == name
        if name in self.jobs:
            raise Refused(409, {"error": {"code": "Conflict", "message": "the job is there already"}})
        provider = body["target"].partition(".")[0]
        taken, given, content = FORMATS[provider]
        assert (body["providerId"], body["inputDataFormat"], body["outputDataFormat"]) == (provider, taken, given)
        assert (body["itemType"], body["jobType"]) == ("Job", "QuantumComputing")
        assert set(body["inputParams"]) == {"shots"}
        assert SIGNATURE in body["containerUri"]
        place = body["inputDataUri"].removeprefix(self.url)
        assert self.blobs[f"{place}:type"].decode() == content
        self.jobs[name] = body | {"status": "Waiting", "looks": 0, "program": self.blobs[place]}
        return self._shown(self.jobs[name])

    def _shown(self, job: dict[str, Any]) -> Any:
        return {name: value for name, value in job.items() if name not in ("looks", "program")}

    def _look(self, job: dict[str, Any]) -> Any:
        if job["status"] == "Waiting":
            job["looks"] += 1
            if job["looks"] >= self.looks and self.failure:
                job |= {"status": "Failed", "errorData": self.failure}
            elif job["looks"] >= self.looks:
                place = f"/job-{job['id']}/rawOutputData"
                self.blobs[place] = json.dumps(self._results(job)).encode()
                job |= {"status": "Succeeded", "outputDataUri": f"{self.url}{place}"}
        return self._shown(job)

    def _results(self, job: dict[str, Any]) -> Any:
        shots, provider = job["inputParams"]["shots"], job["target"].partition(".")[0]
        if provider == "ionq":
            chances = probabilities(json.loads(job["program"]))
            if job["target"] != "ionq.simulator":
                drawn = np.random.default_rng(7).multinomial(
                    shots, np.array([*chances.values()]) / sum(chances.values())
                )
                chances = {outcome: count / shots for outcome, count in zip(chances, drawn.tolist(), strict=True)}
            return {"histogram": {str(outcome): chance for outcome, chance in chances.items()}}
        rows = bits_of(job["program"].decode(), shots, len(self.jobs))
        return {"ro": rows if provider == "rigetti" else ["".join(map(str, reversed(row))) for row in rows]}
