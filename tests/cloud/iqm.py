"""IQM Server's REST API v1, as its client 36 uses it: quantum computers, calibration sets, circuit jobs, artifacts."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

import qmk
from tests.cloud.programs import bits_of
from tests.cloud.recorded import Recorded, Refused, Request

KEY = "iqm-token-0815"
CALIBRATION = "cd4dd889-b88b-4370-ba01-eb8262ad9c53"


def gate(*loci: Sequence[str]) -> Any:
    return {
        "implementations": {"a": {"loci": loci}},
        "default_implementation": "a",
        "override_default_implementation": {},
    }


def crystal() -> dict[str, Any]:
    """Five qubits, the third coupled to each of the others; the second cannot be read."""
    names = [f"QB{k}" for k in range(1, 6)]
    return {
        "calibration_set_id": CALIBRATION,
        "qubits": names,
        "computational_resonators": [],
        "gates": {
            "prx": gate(*([name] for name in names)),
            "cz": gate(*(["QB3", name] for name in names if name != "QB3")),
            "measure": gate(*([name] for name in names if name != "QB2")),
        },
    }


def star() -> dict[str, Any]:
    """Four qubits round a resonator; two of them can move into it."""
    names = [f"QB{k}" for k in range(1, 5)]
    return {
        "calibration_set_id": CALIBRATION,
        "qubits": names,
        "computational_resonators": ["COMPR1"],
        "gates": {
            "prx": gate(*([name] for name in names)),
            "measure": gate(*([name] for name in names)),
            "cz": gate(*([name, "COMPR1"] for name in names)),
            "move": gate(["QB2", "COMPR1"], ["QB3", "COMPR1"]),
        },
    }


def grid(width: int, height: int) -> dict[str, Any]:
    """Qubits in rows, each coupled to the next in its row and its column; they can be reset."""
    names = [[f"QB{row * width + column + 1}" for column in range(width)] for row in range(height)]
    across = [[row[k], row[k + 1]] for row in names for k in range(width - 1)]
    along = [
        [above, below] for upper, lower in itertools.pairwise(names) for above, below in zip(upper, lower, strict=True)
    ]
    single = [[name] for row in names for name in row]
    gates = {"prx": gate(*single), "measure": gate(*single), "cc_prx": gate(*single), "cz": gate(*across, *along)}
    return {
        "calibration_set_id": CALIBRATION,
        "qubits": [name for row in names for name in row],
        "computational_resonators": [],
        "gates": gates,
    }


def circuit_of(rows: Sequence[dict[str, Any]], device: dict[str, Any]) -> tuple[qmk.Circuit, list[str]]:
    """What native instructions mean, and the keys of their measurements in order. Each locus must be calibrated, and a
    qubit is left alone while its state is in a resonator."""
    names = [*device["qubits"], *device["computational_resonators"]]
    keys = [row["args"]["key"] for row in rows if row["name"] == "measure"]
    assert len(set(keys)) == len(keys)
    circuit = qmk.Circuit(len(names), len(keys))
    away: set[str] = set()
    for row in rows:
        assert set(row) == {"name", "locus", "args"}
        name, locus, args = row["name"], row["locus"], row["args"]
        at = [names.index(name) for name in locus]
        known = "cc_prx" if name == "reset" else name
        loci = device["gates"][known]["implementations"]["a"]["loci"]
        assert locus in loci or (name == "cz" and locus[::-1] in loci), row
        assert name == "move" or not away.intersection(locus), row
        if name == "prx":
            assert set(args) == {"angle", "phase"}
            circuit.rz(-args["phase"], at[0]).rx(args["angle"], at[0]).rz(args["phase"], at[0])
        elif name == "cz":
            circuit.cz(*at)
        elif name == "move":
            circuit.swap(*at)
            away ^= {locus[0]}
        elif name == "reset":
            circuit.reset(at[0])
        else:
            circuit.measure(at[0], keys.index(args["key"]))
    assert not away
    return circuit, keys


class IqmServer(Recorded):
    def __init__(self, looks: int = 1) -> None:
        super().__init__()
        self.devices = {"garnet": crystal(), "sirius": star(), "emerald": grid(4, 3)}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looks = looks
        """How often a job is looked at before it ends."""
        self.errors: list[dict[str, Any]] = []
        self.healthy = True

    def answer(self, request: Request) -> Any:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, {"message": "token is not valid", "error_code": "unauthorized", "source": "iqm-server"})
        match str(request).removeprefix(request.method + " /api/v1/").split("/"):
            case ["quantum-computers"]:
                rows = [{"id": str(uuid.uuid4()), "alias": name, "display_name": name} for name in self.devices]
                return {"quantum_computers": rows}
            case ["quantum-computers", name, "health"] if name in self.devices:
                return {"healthy": self.healthy, "updated_at": "2026-09-20T12:31:30Z"}
            case ["calibration-sets", name, "default", "dynamic-quantum-architecture"] if name in self.devices:
                return self.devices[name]
            case ["jobs", name, "circuit"] if request.method == "POST":
                return self._create(name, request)
            case ["jobs", job, *rest] if job in self.jobs:
                return self._job(self.jobs[job], request.method, rest)
        raise Refused(404, {"message": str(request), "error_code": "not_found", "source": "iqm-server"})

    def _create(self, name: str, request: Request) -> Any:
        body = request.json
        assert set(body) == {"circuits", "shots", "calibration_set_id"}
        assert request.query == {"use_timeslot": ["false"]}
        assert body["calibration_set_id"] == self.devices[name]["calibration_set_id"]
        (circuit,) = body["circuits"]
        assert set(circuit) == {"name", "instructions"}
        job = {"id": str(uuid.uuid4()), "type": "circuit", "status": "waiting", "errors": [], "queue_position": 1}
        self.jobs[job["id"]] = job | {"device": self.devices[name], "body": body, "looks": 0}
        return job

    def _job(self, job: dict[str, Any], method: str, rest: list[str]) -> Any:
        if rest == ["cancel"]:
            assert method == "POST"
            job["status"] = "cancelled"
            return None
        if rest == ["artifacts", "measurements"]:
            circuit, keys = circuit_of(job["body"]["circuits"][0]["instructions"], job["device"])
            bits = bits_of(circuit, job["body"]["shots"], len(self.jobs))
            return [{key: [[int(row[k])] for row in bits] for k, key in enumerate(keys)}]
        assert rest == []
        if job["status"] in ("waiting", "processing"):
            job["looks"] += 1
            ended = "failed" if self.errors else "completed"
            job["status"], job["errors"] = (ended, self.errors) if job["looks"] >= self.looks else ("processing", [])
        return {name: job[name] for name in ("id", "type", "status", "errors", "queue_position")}
