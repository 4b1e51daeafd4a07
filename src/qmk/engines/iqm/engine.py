"""Jobs of IQM Server's REST API v1, as of ``iqm-client`` 36 (https://docs.iqm.tech/iqm-client).

A program is placed on the qubits that the newest calibration set knows, with exchanges where it needs them, and written
in native gates. Results are ``{key: rows of shots}`` with a key for each measurement, so that no order of bits is in
question. The API cannot search jobs, so that what was sent is noted on this machine (``cloud.sent``).
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import numpy as np
from msgspec import Meta

from qmk.base.errors import QmkError
from qmk.cloud import plan, settings
from qmk.cloud.http import Http, clean, surprise
from qmk.cloud.plan import CloudPlan
from qmk.cloud.sent import Sent
from qmk.cloud.task import State, Task
from qmk.engines.iqm import DECLARATION
from qmk.engines.iqm.architecture import Architecture
from qmk.engines.iqm.circuit import instructions_of
from qmk.ir.bits import Bits
from qmk.ir.program import Barrier, Gate, Measure, Program, Reset
from qmk.sdk.engine import Plan, Unsupported

ENGINE = DECLARATION.name
URL = "https://resonance.iqm.tech"
KEY = "env:IQM_TOKEN"
_STATES: dict[str, State] = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}
Results = list[dict[str, list[list[Annotated[int, Meta(ge=0, le=1)]]]]]
"""Of each circuit: key, shot, place in the locus of the measurement."""


class Computer(msgspec.Struct):
    alias: str


class Computers(msgspec.Struct):
    quantum_computers: list[Computer]


class Health(msgspec.Struct):
    healthy: bool = True


class Trouble(msgspec.Struct):
    message: str = ""
    error_code: str | None = None


class Job(msgspec.Struct):
    """What is read of a job."""

    id: str
    status: str
    errors: list[Trouble] | None = None

    def task(self) -> Task:
        reasons = (": ".join(filter(None, (each.error_code, each.message))) for each in self.errors or [])
        return Task(self.id, _STATES.get(self.status, "waiting"), clean("; ".join(reasons)))


class IqmDevice:
    """One quantum computer, by its alias."""

    def __init__(self, name: str) -> None:
        key = settings.key(ENGINE, KEY)
        self._name = name
        self._path = quote(name, safe="")
        self._http = Http(ENGINE, settings.address(ENGINE, URL) + "/api/v1", {"Authorization": f"Bearer {key}"}, key)
        self._sent = Sent(ENGINE)
        self._job: dict[str, Any] = {}

    def request(self, program: Program, shots: int, seed: int) -> Any:
        """The program before it is placed: a new calibration must not make another task of it."""
        rows = [[type(item).__name__, msgspec.to_builtins(item)] for item in program.instructions]
        return {"program": rows, "shots": shots}

    def check(self, program: Program, shots: int) -> None:
        """Places and writes the program too, for ``submit``."""
        known = [each.alias for each in self._http.get(Computers, "/quantum-computers").quantum_computers]
        if self._name not in known:
            raise plan.no_device(ENGINE, self._name, known)
        if not self._http.get(Health, f"/quantum-computers/{self._path}/health").healthy:
            raise plan.out_of_order(ENGINE, self._name, "not healthy")
        device = self._http.get(Architecture, f"/calibration-sets/{self._path}/default/dynamic-quantum-architecture")
        try:
            written = instructions_of(program, device)
        except Unsupported as error:
            way = "use fewer qubits, or name another device"
            raise QmkError("UNSUPPORTED", f"device '{self._name}': {error}", engine=ENGINE, help=way) from error
        circuit = {"name": "qmk", "instructions": written}
        self._job = {"circuits": [circuit], "shots": shots, "calibration_set_id": device.calibration_set_id}

    def find(self, tag: str) -> Task | None:
        return self._sent.find(tag, self.look)

    def submit(self, request: Any, tag: str) -> Task:
        self._job["circuits"][0]["name"] = tag
        path = f"/jobs/{self._path}/circuit?use_timeslot=false"
        return self._sent.send(tag, lambda: self._http.ask(Job, "POST", path, self._job, once=True).task())

    def look(self, task: Task) -> Task:
        return self._http.get(Job, task.path).task()

    def cancel(self, task: Task) -> None:
        self._http.ask(object, "POST", f"{task.path}/cancel")

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        found = self._http.get(Results, f"{task.path}/artifacts/measurements")
        out = np.zeros((shots, program.n_cbits), dtype=np.uint8)
        for item in program.instructions:
            if isinstance(item, Measure):
                rows = found[0].get(f"m{item.cbit}", []) if found else []
                if len(rows) != shots or any(len(row) != 1 for row in rows):
                    raise surprise(ENGINE, f"{len(rows)} shots of {shots}")
                out[:, item.cbit] = [row[0] for row in rows]
        return out


class IqmEngine:
    version = "1"

    def prepare(self, program: Program, method: str) -> Plan:
        plan.check_name(DECLARATION, method)
        for item in program.instructions:
            if not isinstance(item, Gate | Measure | Reset | Barrier):
                raise Unsupported(f"{type(item).__name__}: engine iqm runs gates, measurements and resets")
            if not isinstance(item, Barrier) and item.cond is not None:
                raise Unsupported("a condition: engine iqm has no feed-forward")
            if isinstance(item, Gate) and item.name not in DECLARATION.capabilities(method).gates:
                raise Unsupported(f"gate {item.name}: engine iqm has no such gate")
        return CloudPlan(ENGINE, method, program, IqmDevice)
