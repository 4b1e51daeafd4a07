"""IonQ's REST API v0.4, as documented: backends, jobs, results."""

from __future__ import annotations

import math
import re
import uuid
from collections import Counter
from typing import Any

import numpy as np

import qmk
from tests.cloud.recorded import Recorded, Refused, Request

KEY = "ionq-secret-4711"
GATES = {
    "x": ("x", 0), "not": ("x", 0), "y": ("y", 0), "z": ("z", 0), "h": ("h", 0), "s": ("s", 0), "si": ("sdg", 0),
    "t": ("t", 0), "ti": ("tdg", 0), "v": ("sx", 0), "vi": ("sxdg", 0), "rx": ("rx", 1), "ry": ("ry", 1),
    "rz": ("rz", 1), "swap": ("swap", 0), "xx": ("rxx", 1), "yy": ("ryy", 1), "zz": ("rzz", 1), "cnot": ("cx", 0),
}  # fmt: skip
BACKENDS = [
    {"backend": "simulator", "status": "available", "qubits": 29, "average_queue_time": 0, "last_updated": ""},
    {"backend": "qpu.forte-1", "status": "available", "qubits": 36, "average_queue_time": 9, "last_updated": ""},
    {"backend": "qpu.aria-1", "status": "retired", "qubits": 25, "average_queue_time": 0, "last_updated": ""},
]

ARTIFACT = {"id": "a1", "format": "ionq.result.histogram.json.v1", "media_type": "application/json"}


def probabilities(asked: dict[str, Any]) -> dict[int, float]:
    """Outcomes with qubit k as bit k."""
    n = asked["qubits"]
    circuit = qmk.Circuit(n)
    for row in asked["circuit"]:
        name, angles = GATES[row["gate"]]
        qubits = row.get("targets") or [*([row["control"]] if "control" in row else []), row["target"]]
        getattr(circuit, name)(*([row["rotation"]] if angles else []), *qubits)
    chances = np.abs(np.asarray(qmk.state(circuit))) ** 2
    return {int(f"{k:0{n}b}"[::-1], 2): float(p) for k, p in enumerate(chances) if p > 1e-12}


class IonqServer(Recorded):
    def __init__(self, looks: int = 1) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looks = looks
        """How often a job is looked at before it is completed."""
        self.failure: dict[str, str] | None = None
        self.backends = BACKENDS

    def answer(self, request: Request) -> Any:
        if request.headers.get("authorization") != f"apiKey {KEY}":
            raise Refused(401, {"error": "Unauthorized", "message": "Invalid key provided.", "statusCode": 401})
        match str(request).split("/v0.4", 1):
            case ["GET ", "/backends"]:
                return self.backends
            case ["GET ", "/jobs"]:
                return self._list(request)
            case ["POST ", "/jobs"]:
                return self._create(request.json)
            case ["GET " | "PUT " as method, path] if found := re.fullmatch(r"/jobs/([^/]+)(.*)", path):
                if found[1] not in self.jobs:
                    raise Refused(404, {"error": "NotFound", "message": "no such job", "statusCode": 404})
                return self._job(method, self.jobs[found[1]], found[2])
        raise Refused(404, {"error": "NotFound", "message": str(request), "statusCode": 404})

    def _list(self, request: Request) -> Any:
        assert set(request.query) <= {"target", "limit", "next", "status"}
        found = [job for job in reversed(self.jobs.values()) if job["backend"] == request.query["target"][0]]
        at = int(request.query.get("next", ["0"])[0])
        more = at + 2 < len(found)  # short pages, so that more than one is read
        return {"jobs": [self._shown(job) for job in found[at : at + 2]], "next": str(at + 2) if more else None}

    def _create(self, body: dict[str, Any]) -> Any:
        assert set(body) <= {"type", "backend", "shots", "input", "name", "metadata"}
        assert body["type"] == "ionq.circuit.v1"
        assert body["input"]["gateset"] == "qis"
        assert all(isinstance(text, str) and len(text) <= 400 for text in body["metadata"].values())
        for row in body["input"]["circuit"]:
            assert set(row) <= {"gate", "target", "targets", "control", "controls", "rotation"}
            assert row["gate"] in GATES
        job = {**body, "id": str(uuid.uuid4()), "status": "submitted", "looks": 0}
        self.jobs[job["id"]] = job
        return {"id": job["id"], "status": "submitted", "session_id": None}

    def _shown(self, job: dict[str, Any]) -> Any:
        done = job["status"] == "completed"
        results = {} if not done or job["backend"] == "simulator" else {"ionq.result.histogram.json.v1": ARTIFACT}
        shown = {name: job[name] for name in ("id", "status", "backend", "name", "metadata", "type")}
        return {**shown, "failure": job.get("failure"), "results": results if done else None, "stats": {}}

    def _job(self, method: str, job: dict[str, Any], rest: str) -> Any:
        if method == "PUT ":
            assert rest == "/status/cancel"
            job["status"] = "canceled"
            return {"id": job["id"], "status": "canceled"}
        if rest == "":
            if job["status"] in ("submitted", "started"):
                job["looks"] += 1
                job["status"] = "started" if job["looks"] < self.looks else "failed" if self.failure else "completed"
                job["failure"] = self.failure
            return self._shown(job)
        chances = probabilities(job["input"])
        if rest == "/results/probabilities":
            return {str(outcome): chance for outcome, chance in chances.items()}
        assert rest == "/artifacts/a1"
        rng = np.random.default_rng(len(self.jobs))
        total = math.fsum(chances.values())
        drawn = rng.choice(list(chances), size=job["shots"], p=[chance / total for chance in chances.values()])
        return {str(outcome): count for outcome, count in Counter(drawn.tolist()).items()}
