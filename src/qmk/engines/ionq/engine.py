"""Tasks of IonQ's REST API v0.4 (https://docs.ionq.com/api-reference/v0.4): gates of its set ``qis``, one read-out.

An outcome is a whole number whose bit k is qubit k. Its ideal simulator tells probabilities, from which the shots are
drawn here; devices tell a histogram, or probabilities that are multiples of one shot.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from qmk.cloud import plan, settings
from qmk.cloud.http import Failure, Http, surprise
from qmk.cloud.ionq import Numbers, circuit_of
from qmk.cloud.plan import CloudPlan
from qmk.cloud.task import State, Task
from qmk.engines.ionq import DECLARATION
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan

ENGINE = DECLARATION.name
URL = "https://api.ionq.co/v0.4"
KEY = "env:IONQ_API_KEY"
IDEAL = "simulator"
HISTOGRAM = "ionq.result.histogram.json.v1"
PAGES = 20
"""Most pages of the account's newest jobs in which a tag is searched."""
_STATES: dict[str, State] = {"completed": "done", "failed": "failed", "canceled": "cancelled"}


class Artifact(msgspec.Struct):
    id: str = ""


class Job(msgspec.Struct):
    """What is read of a job."""

    id: str
    status: str
    metadata: dict[str, Any] | None = None
    failure: Failure | None = None
    results: dict[str, Artifact] | None = None

    def task(self) -> Task:
        return Task(self.id, _STATES.get(self.status, "waiting"), (self.failure or Failure()).text())


class Jobs(msgspec.Struct):
    """A page of a list of jobs, newest first."""

    jobs: list[Job]
    next: str | None = None


class Backend(msgspec.Struct):
    """What is read of a device."""

    backend: str
    status: str = "available"
    qubits: int = 1 << 20


class IonqDevice:
    """One of IonQ's backends, of an account."""

    def __init__(self, name: str) -> None:
        key = settings.key(ENGINE, KEY)
        self._name = name
        self._http = Http(ENGINE, settings.address(ENGINE, URL), {"Authorization": f"apiKey {key}"}, key)

    def request(self, program: Program, shots: int, seed: int) -> Any:
        circuit = circuit_of(plan.readout(DECLARATION, program))
        return {"type": "ionq.circuit.v1", "backend": self._name, "shots": shots, "input": circuit}

    def check(self, program: Program, shots: int) -> None:
        known = {row.backend: row for row in self._http.get(list[Backend], "/backends")}
        found = known.get(self._name)
        if found is None or found.status == "retired":
            raise plan.no_device(ENGINE, self._name, (name for name, row in known.items() if row.status != "retired"))
        plan.check_size(ENGINE, self._name, program, found.qubits)
        if found.status != "available":
            raise plan.out_of_order(ENGINE, self._name, found.status)

    def find(self, tag: str) -> Task | None:
        query: dict[str, Any] = {"target": self._name, "limit": 100}
        for _ in range(PAGES):
            page = self._http.get(Jobs, "/jobs", **query)
            for job in page.jobs:
                task = job.task()
                if (job.metadata or {}).get("qmk") == tag and task.state in ("waiting", "done"):
                    return task
            if not page.next:
                break
            query["next"] = page.next
        return None

    def submit(self, request: Any, tag: str) -> Task:
        body = {**request, "name": tag, "metadata": {"qmk": tag}}
        return self._http.ask(Job, "POST", "/jobs", body, once=True).task()

    def look(self, task: Task) -> Task:
        return self._http.get(Job, task.path).task()

    def cancel(self, task: Task) -> None:
        self._http.ask(object, "PUT", f"{task.path}/status/cancel")

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        readout = plan.readout(DECLARATION, program)
        counts = self._counts(task, shots, seed)
        if sum(counts.values()) != shots:
            raise surprise(ENGINE, f"{sum(counts.values())} shots of {shots}")
        return plan.place(readout, program.n_cbits, plan.repeat(counts, readout.qubits, seed))

    def _counts(self, task: Task, shots: int, seed: int) -> dict[int, int]:
        histogram = (self._http.get(Job, task.path).results or {}).get(HISTOGRAM, Artifact())
        if histogram.id:
            found = self._http.get(Numbers, f"{task.path}/artifacts/{quote(histogram.id, safe='')}")
            return {outcome: round(count) for outcome, count in found.items()}
        chances = self._http.get(Numbers, f"{task.path}/results/probabilities")
        if self._name == IDEAL:
            return plan.draw(chances, shots, seed, ENGINE)
        return {outcome: round(chance * shots) for outcome, chance in chances.items()}


class IonqEngine:
    version = "0.4"

    def prepare(self, program: Program, method: str) -> Plan:
        plan.check_name(DECLARATION, method)
        plan.readout(DECLARATION, program)
        return CloudPlan(ENGINE, method, program, IonqDevice)
