"""``QMKQAM``: pyQuil's quantum abstract machine, run by QMK in this process or on a daemon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import qcs_sdk
from pyquil import api as pyquil_api
from qcs_sdk import qvm

from qmk.adapters.pyquil.convert import read_gates
from qmk.base.errors import QmkError
from qmk.client.points import parts_of
from qmk.integrations.target import Target
from qmk.models.arguments import show
from qmk.sdk.adapter import cannot

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit
    from qmk.client.result import Result

# pyQuil's own types are not strict enough for a checker
api: Any = pyquil_api
sdk: Any = qcs_sdk
QVMResultData: Any = qvm.QVMResultData
QAM: Any = api.QAM
MemoryMap = Mapping[str, Sequence[float]]


@dataclass
class Response:
    """A run: its program and its result, or the id of its job, with the number of its point where that has several."""

    program: Any
    result: Result | None = None
    job_id: str = ""


class QMKQAM(QAM):
    """Runs programs on QMK. ``server`` None: in this process; else the path of a daemon's socket, "" the user's own, or
    a server's URL, with ``token`` where it asks for one. ``seed``: that of the first run, later ones count up.
    ``options`` are those of ``qmk.run`` that hold for all runs, such as ``engine`` or ``noise``."""

    def __init__(
        self, server: str | None = None, token: str | None = None, seed: int | None = None, **options: Any
    ) -> None:
        self.target = Target(server, token, **options)
        self._seed = seed

    def execute(self, executable: Any, memory_map: MemoryMap | None = None, **kwargs: Any) -> Response:
        """Runs a ``pyquil.Program`` for its number of shots. ``memory_map``: values of its memory; what it does not
        name is 0. ``kwargs``: options of ``qmk.run``, such as ``seed``."""
        (response,) = self.execute_with_memory_map_batch(executable, [memory_map or {}], **kwargs)
        return response

    def execute_with_memory_map_batch(
        self, executable: Any, memory_maps: Iterable[MemoryMap], **kwargs: Any
    ) -> list[Response]:
        """Runs a program with each of these memories, as one batch."""
        program = read_gates(executable)
        shapes = _shapes(executable, program)
        points = [_values(executable, shapes, each) for each in memory_maps]
        options = {"shots": executable.num_shots, **self._next_seed(), **kwargs}
        batch = ([program], points) if shapes else ([program] * len(points), None)
        if self.target.is_remote:
            jobs = [job.job_id for job in self.target.submit(*batch, **options)]
            return [Response(executable, job_id=name) for name in _point_names(jobs)]
        return [Response(executable, result) for result in self.target.run(*batch, **options)]

    def get_result(self, execute_response: Response) -> Any:
        """The result as pyQuil has it: a matrix for each BIT region, a row a shot, bit k in column k."""
        result = execute_response.result
        if result is None:
            job, _, number = execute_response.job_id.partition(":")
            result = self.target.client.job(job).result()
            if number:
                result = parts_of(result)[int(number)]
        regions = {
            name: _register(result, name.replace("-", "_"), region.memory_size)
            for name, region in execute_response.program.declarations.items()
            if region.memory_type == "BIT"
        }
        data = QVMResultData.from_memory_map({name: sdk.RegisterData(bits.tolist()) for name, bits in regions.items()})
        return api.QAMExecutionResult(
            executable=execute_response.program.copy(),
            data=sdk.ExecutionData(result_data=sdk.ResultData(data), duration=None),
        )

    def _next_seed(self) -> dict[str, int]:
        if self._seed is None:
            return {}
        self._seed += 1
        return {"seed": self._seed - 1}


def _point_names(jobs: list[str]) -> list[str]:
    """The ids of jobs, those of a job with several points with the number of each point: job_a:0, job_a:1."""
    whole, done = Counter(jobs), Counter[str]()
    names: list[str] = []
    for job in jobs:
        names.append(f"{job}:{done[job]}" if whole[job] > 1 else job)
        done[job] += 1
    return names


def _shapes(program: Any, read_as: Circuit | bytes) -> Mapping[str, Any]:
    """The parameters by name, each with its shape: those of the circuit, or all numbers in memory where only their
    values say what the program does."""
    if not isinstance(read_as, bytes):
        return read_as.inputs.shapes
    return {
        name.replace("-", "_"): () if region.memory_size == 1 else (region.memory_size,)
        for name, region in program.declarations.items()
        if region.memory_type != "BIT"
    }


def _register(result: Result, name: str, size: int) -> Any:
    if not result.has_events:
        return np.zeros((result.shots, size), dtype=np.int8)
    return result.bits(name)[:, ::-1].astype(np.int8)


def _values(program: Any, shapes: Mapping[str, Any], given: MemoryMap) -> dict[str, Any]:
    """The parameters that a memory map gives, 0 where it gives none."""
    declared = {name.replace("-", "_"): name for name in program.declarations}
    for name, values in given.items():
        own = name.replace("-", "_")
        if own not in declared:
            known = ", ".join(program.declarations) or "none"
            raise QmkError(
                "INVALID_PARAMS",
                f"the program declares no memory {show(name, 40)}",
                field="memory_map",
                help=f"it declares {known}",
            )
        if own not in shapes and program.declarations[declared[own]].memory_type == "BIT" and any(values):
            raise cannot(
                "pyquil", f"bits of {name} that are set at the start", "memory_map", "write MOVE in the program"
            )
    found: dict[str, Any] = {}
    for name, shape in shapes.items():
        size = shape[0] if shape else 1
        values = given.get(name, given.get(declared[name], ()))
        row = [float(each) for each in np.atleast_1d(np.asarray(values, dtype=float))] or [0.0] * size
        found[name] = row if shape else row[0]
    return found
