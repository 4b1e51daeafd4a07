"""Jobs of Rigetti's QCS by its own client ``qcs-sdk``, which pyQuil uses too: translated, submitted, retrieved.

The account is that of QCS's own files ``~/.qcs/settings.toml`` and ``secrets.toml``, or of those that
``QCS_SETTINGS_FILE_PATH`` and ``QCS_SECRETS_FILE_PATH`` name; ``QMK_CLOUD_RIGETTI_PROFILE`` chooses a profile. Programs
are placed and written in native gates here, so that no compiler ``quilc`` has to run. The service cannot search jobs,
so that what was sent is noted on this machine (``cloud.sent``).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, TypeVar

import msgspec
import numpy as np
import qcs_sdk.client
import qcs_sdk.qpu
from qcs_sdk.qpu import api, isa, translation

from qmk.base.errors import QmkError
from qmk.cloud import http, plan, settings
from qmk.cloud.plan import CloudPlan
from qmk.cloud.sent import Sent
from qmk.cloud.task import Task
from qmk.engines.rigetti import DECLARATION
from qmk.engines.rigetti.quil import Isa, quil_of
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan

ENGINE = DECLARATION.name
LOOK_S = 5.0
"""How long one look waits for results."""
ENDED = {"USER_CANCELLATION": "cancelled", "SERVICE_FAILURE": "failed", "USER_FAILURE": "failed"}
STATUSES = {
    "Unauthenticated": 401, "PermissionDenied": 403, "NotFound": 404, "InvalidArgument": 400, "FailedPrecondition": 400,
    "ResourceExhausted": 429, "Internal": 500, "Unknown": 500, "Unavailable": 503, "DeadlineExceeded": 504,
}  # fmt: skip
"""Of gRPC's codes, what HTTP has."""
FAULTS = (RuntimeError, ValueError, OSError)
"""What the client raises: its own errors are all RuntimeError."""
sdk: Any = qcs_sdk.client
qpu: Any = qcs_sdk.qpu
calls: Any = api
_Found = TypeVar("_Found")


class RigettiDevice:
    """One quantum processor. A task's id is QCS's, then ``/`` and the names of the results of bits 0, 1, ..."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sent = Sent(ENGINE)
        self._quil = ""
        self._found: dict[str, Any] = {}
        try:
            self._client = sdk.QCSClient.load(settings.setting(ENGINE, "PROFILE") or None)
        except FAULTS as error:
            text, way = f"no account for engine '{ENGINE}': {http.clean(str(error))}", "make one with 'qcs auth login'"
            raise QmkError("AUTH_FAILED", text, engine=ENGINE, help=f"{way}, or set QCS_SETTINGS_FILE_PATH") from error

    def request(self, program: Program, shots: int, seed: int) -> Any:
        """The program before it is placed: another calibration must not make another task of it."""
        readout = plan.readout(DECLARATION, program)
        return {"gates": readout.gates, "read": [readout.qubits, readout.cbits], "shots": shots}

    def check(self, program: Program, shots: int) -> None:
        """Places and writes the program too, for ``submit``."""
        known: list[str] = self._ask(lambda: qpu.list_quantum_processors(self._client))
        if self._name not in known:
            raise plan.no_device(ENGINE, self._name, known)
        found = self._ask(lambda: isa.get_instruction_set_architecture(self._name, self._client))
        self._quil = quil_of(
            program, http.decode(ENGINE, Isa, found.json().encode(), "the instruction set"), program.n_cbits
        )

    def find(self, tag: str) -> Task | None:
        return self._sent.find(tag, self.look)

    def submit(self, request: Any, tag: str) -> Task:
        made = self._ask(lambda: translation.translate(self._quil, request["shots"], self._name, self._client))
        sources: dict[str, str] = made.ro_sources or {}
        names = ",".join(sources.get(f"ro[{cbit}]", "") for cbit in request["read"][1])
        return self._sent.send(tag, lambda: Task(f"{self._once(made.program)}/{names}"))

    def look(self, task: Task) -> Task:
        job, where = self._job(task), calls.ExecutionOptionsBuilder()
        where.timeout_seconds = LOOK_S
        try:
            self._found = calls.retrieve_results(job, self._name, self._client, where.build()).buffers
        except FAULTS as error:
            text = http.clean(str(error))
            for status, state in ENDED.items():
                if status in text:
                    return msgspec.structs.replace(task, state=state, reason=text)
            status = _status(text)
            if status in http.PASSING:
                return task
            raise http.refusal(ENGINE, status, text) from error
        return msgspec.structs.replace(task, state="done")

    def cancel(self, task: Task) -> None:
        self._ask(lambda: calls.cancel_job(self._job(task), self._name, self._client))

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        readout = plan.readout(DECLARATION, program)
        names = task.id.partition("/")[2].split(",")
        columns = np.zeros((shots, len(readout.cbits)), dtype=np.uint8)
        for k, name in enumerate(names if readout.cbits else []):
            found = self._found.get(name)
            values = np.array(found.data.as_i32() or [] if found is not None else [], dtype=np.int64)
            if values.shape != (shots,) or not np.isin(values, (0, 1)).all():
                raise http.surprise(ENGINE, f"no {shots} shots of '{name}'")
            columns[:, k] = values
        return plan.place(readout, program.n_cbits, columns)

    # -- requests ----------------------------------------------------------------------------------------------------

    def _job(self, task: Task) -> str:
        return task.id.partition("/")[0]

    def _once(self, program: str) -> str:
        try:
            return calls.submit(program, {}, self._name, self._client)
        except FAULTS as error:
            text = http.clean(str(error))
            status = _status(text)
            if status in http.PASSING and status not in http.NOT_TAKEN:
                raise http.Unanswered("JOB_FAILED", text, engine=ENGINE, retryable=True) from error
            raise http.refusal(ENGINE, status, text) from error

    def _ask(self, call: Callable[[], _Found]) -> _Found:
        """Makes a call that changes nothing until it is answered."""
        for attempt in range(http.ATTEMPTS):
            try:
                return call()
            except FAULTS as error:
                text = http.clean(str(error))
                if _status(text) not in http.PASSING or attempt + 1 == http.ATTEMPTS:
                    raise http.refusal(ENGINE, _status(text), text) from error
                time.sleep(min(http.FIRST_PAUSE_S * 2**attempt, http.LONGEST_PAUSE_S))
        raise AssertionError("the last attempt raises")


def _status(text: str) -> int:
    """What HTTP calls the fault that the client tells of; 503 for one of the way there."""
    if found := re.search(r"status (?:code|client error|server error) \(?(\d{3})", text):
        return int(found[1])
    if found := re.search(r"status: '?(\w+)", text):
        return STATUSES.get(found[1], 500)
    return 503


class RigettiEngine:
    def __init__(self) -> None:
        self.version = metadata.version("qcs-sdk-python")

    def prepare(self, program: Program, method: str) -> Plan:
        plan.readout(DECLARATION, program)
        return CloudPlan(ENGINE, method, program, RigettiDevice)
