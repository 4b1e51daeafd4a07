"""The REST API of Qiskit Runtime on IBM Quantum Platform, as documented: IAM, backends, jobs, results."""

from __future__ import annotations

import base64
import io
import itertools
import re
import uuid
import zlib
from typing import Any
from urllib.parse import parse_qs

import numpy as np

import qmk
from tests.cloud.recorded import Recorded, Refused, Request

KEY, TOKEN, CRN = "ibm-secret-4711", "granted-token-1", "crn:v1:bluemix:public:quantum-computing:us-east:a/1:2::"
LINE = [[k, k + 1] for k in range(6)]
DEVICES = {"ibm_line": ["cz", "id", "rx", "rz", "rzz", "sx", "x"], "ibm_old": ["ecr", "id", "rz", "sx", "x"]}


def typed(kind: str, value: Any) -> Any:
    return {"__type__": kind, "__value__": value}


def encoded(array: np.ndarray) -> Any:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return typed("ndarray", base64.standard_b64encode(zlib.compress(file.getvalue())).decode())


class IbmServer(Recorded):
    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.hexadecimal = False
        self.state: dict[str, Any] = {"status": "Completed"}
        self.status = "online"

    def answer(self, request: Request) -> Any:
        if str(request) == "POST /identity/token":
            form = parse_qs(request.body.decode())
            assert form["grant_type"] == ["urn:ibm:params:oauth:grant-type:apikey"]
            if form["apikey"] != [KEY]:
                raise Refused(400, {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."})
            return {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "expiration": 1}
        wanted = {"authorization": f"Bearer {TOKEN}", "service-crn": CRN, "ibm-api-version": "2026-04-15"}
        if {name: request.headers.get(name) for name in wanted} != wanted:
            raise Refused(401, {"errors": [{"code": 1200, "message": "not authorised"}], "trace": "t"})
        match str(request).split("/api/v1", 1):
            case ["GET ", "/backends"]:
                return {"devices": [{"name": name, "status": {"name": self.status}} for name in DEVICES]}
            case ["GET ", path] if found := re.fullmatch(r"/backends/(\w+)/configuration", path):
                more = {"backend_name": found[1], "basis_gates": DEVICES[found[1]], "max_shots": 5000}
                more["supported_instructions"] = [*DEVICES[found[1]], *(["if_else"] if found[1] == "ibm_line" else [])]
                return {**more, "n_qubits": 7, "coupling_map": [*LINE, *(pair[::-1] for pair in LINE)]}
            case ["GET ", "/jobs"]:
                (tag,) = request.query["tags"]
                return {"jobs": [self._shown(job) for job in self.jobs.values() if tag in job["tags"]], "count": 1}
            case ["POST ", "/jobs"]:
                return self._create(request.json)
            case [_, path] if (found := re.fullmatch(r"/jobs/([^/]+)(.*)", path)) and found[1] in self.jobs:
                return self._job(self.jobs[found[1]], found[2])
        raise Refused(404, {"errors": [{"code": 1291, "message": "Job not found."}]})

    def _create(self, body: dict[str, Any]) -> Any:
        assert set(body) == {"program_id", "backend", "tags", "params"}
        assert body["program_id"] == "sampler"
        assert set(body["params"]) == {"pubs", "options", "version", "support_qiskit"}
        ((source, values, shots),) = body["params"]["pubs"]
        assert values is None
        assert shots > 0
        for depth in itertools.accumulate((char == "{") - (char == "}") for char in source):
            assert depth <= 1, "a branch within a branch"
        used = re.findall(r"^ *(\w+)(?:\(.*\))? (\$\d+)(?:, (\$\d+))?;", source, re.MULTILINE)
        for name, one, other in used:
            assert name in (*DEVICES[body["backend"]], "reset"), f"{name} is no gate of the device"
            assert not other or abs(int(one[1:]) - int(other[1:])) == 1, f"{one} and {other} are not joined"
        job = {
            "id": uuid.uuid4().hex[:20],
            "backend": body["backend"],
            "tags": body["tags"],
            "state": {"status": "Queued"},
        }
        self.jobs[job["id"]] = {**job, "source": source, "shots": shots}
        return {"id": job["id"], "backend": job["backend"], "private": False}

    def _shown(self, job: dict[str, Any]) -> Any:
        shown = {name: job[name] for name in ("id", "backend", "tags", "state")}
        return {**shown, "status": job["state"]["status"], "program": {"id": "sampler"}, "usage": {"seconds": 1}}

    def _job(self, job: dict[str, Any], rest: str) -> Any:
        if rest == "/cancel":
            job["state"] = {"status": "Cancelled", "reason": None}
            return None
        if rest == "":
            if job["state"]["status"] == "Queued":
                job["state"] = self.state
            return self._shown(job)
        assert rest == "/results"
        counts = qmk.run(job["source"], shots=job["shots"], seed=len(self.jobs)).counts
        declared = re.search(r"bit\[(\d+)\] c;", job["source"])
        assert declared is not None
        width = int(declared[1])
        numbers = [int(text, 2) for text, n in counts.items() for _ in range(n)]
        if self.hexadecimal:
            samples = {"samples": [hex(number) for number in numbers], "num_bits": width}
            return {"results": [{"data": {"c": samples}, "metadata": {}}], "metadata": {"version": 2}}
        rows = np.array([list(number.to_bytes(-(-width // 8), "big")) for number in numbers], dtype=np.uint8)
        array = typed("BitArray", {"array": encoded(rows), "num_bits": width})
        data = typed("DataBin", {"field_names": ["c"], "shape": [], "fields": {"c": array}})
        pub = typed("SamplerPubResult", {"data": data, "metadata": {"circuit_metadata": {}}})
        return typed("PrimitiveResult", {"pub_results": [pub], "metadata": {"version": 2}})
