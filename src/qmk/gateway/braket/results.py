"""Task results as Braket's schemas have them, written shot by shot: a million shots are never in memory at once.

Sequences and measurements begin with site 0, qubit 0 or bit 0. Sources: amazon-braket-schemas 1.32,
``analog_hamiltonian_simulation_task_result_v1`` and ``gate_model_task_result_v1``.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from qmk.client.result import Result

AHS = "braket.ir.ahs.program"
OPENQASM = "braket.ir.openqasm.program"


QUERA_SHOTS = 1000
"""Most shots that Braket's schema of ``queraMetadata`` can tell; a client refuses a result with more there, and takes
one without this part."""


class TaskResult(Protocol):
    """``begin``, then ``shot`` with each row of events, then ``end``, make one JSON document."""

    def begin(self) -> bytes: ...
    def shot(self, row: str) -> bytes: ...
    def end(self) -> bytes: ...


def task_result(
    result: Result,
    action: dict[str, Any],
    metadata: dict[str, Any],
    measured: list[int] | None = None,
    results: list[dict[str, Any]] | None = None,
) -> TaskResult:
    """The writer for a job's result; ``metadata`` are id, deviceId and the like of the task, ``action`` its program. Of
    a circuit ``measured`` has the qubit of each bit, ``results`` the result types, with values where there are."""
    task = {"braketSchemaHeader": _header("task_metadata"), "shots": result.shots, **metadata}
    if action["braketSchemaHeader"]["name"] == AHS:
        return AnalogResult(result, action, task)
    return GateResult(result, action, task, measured or [], results or [])


def _header(name: str) -> dict[str, str]:
    return {"name": f"braket.task_result.{name}", "version": "1"}


def bits_of(result: Result) -> tuple[list[tuple[str, int]], list[int | None]]:
    """The classical bits (register, index), and the column of each in a row of events; None: it is always 0."""
    column = {name: place for place, name in enumerate(result.event_names)}
    bits: list[tuple[str, int]] = []
    columns: list[int | None] = []
    descending = all(register.descending for register in result.registers)  # and so are the registers, last to first
    for register in result.registers[::-1] if descending else result.registers:
        events = register.bits[::-1] if register.descending else register.bits
        bits += [(register.name, index) for index in range(len(events))]
        columns += [None if event is None else column[event] for event in events]
    return bits, columns


class _Shots:
    """What both kinds share: the head, and commas between the shots."""

    _head: dict[str, Any]

    def __init__(self, columns: list[int | None]) -> None:
        self._columns = columns
        self._comma = ""

    def begin(self) -> bytes:
        return msgspec.json.encode(self._head)[:-1] + b',"measurements":['

    def _bits(self, row: str, start: int = 0, stop: int | None = None) -> str:
        return ",".join("0" if at is None else row[at] for at in self._columns[start:stop])

    def _next(self) -> str:
        comma, self._comma = self._comma, ","
        return comma


class AnalogResult(_Shots):
    """Sequences before and after, an atom that is there being 1."""

    def __init__(self, result: Result, action: dict[str, Any], task: dict[str, Any]) -> None:
        bits, columns = bits_of(result)
        super().__init__(columns)
        self._sites = sum(name == "pre" for name, _ in bits)
        self._head = {"braketSchemaHeader": _header("analog_hamiltonian_simulation_task_result"), "taskMetadata": task}
        self._tail: dict[str, Any] = {"action": action}
        if result.shots <= QUERA_SHOTS:
            quera = {"braketSchemaHeader": _header("quera_metadata"), "numSuccessfulShots": result.shots}
            self._tail["queraMetadata"] = quera

    def shot(self, row: str) -> bytes:
        pre, post = self._bits(row, 0, self._sites), self._bits(row, self._sites)
        return (
            f'{self._next()}{{"shotMetadata":{{"shotStatus":"Success"}},'
            f'"shotResult":{{"preSequence":[{pre}],"postSequence":[{post}]}}}}'
        ).encode()

    def end(self) -> bytes:
        return b'],"additionalMetadata":' + msgspec.json.encode(self._tail) + b"}"


class GateResult(_Shots):
    """One list of bits a shot, and the qubit that each of them was measured of."""

    def __init__(
        self,
        result: Result,
        action: dict[str, Any],
        task: dict[str, Any],
        measured: list[int],
        results: list[dict[str, Any]],
    ) -> None:
        columns: list[int | None] = [column for column in bits_of(result)[1] if column is not None]
        super().__init__(columns if task["shots"] else [])
        self._head = {
            "braketSchemaHeader": _header("gate_model_task_result"),
            "taskMetadata": task,
            "measuredQubits": measured,
            "resultTypes": results,
            "additionalMetadata": {"action": action},
        }

    def shot(self, row: str) -> bytes:
        return f"{self._next()}[{self._bits(row)}]".encode()

    def end(self) -> bytes:
        return b"]}"
