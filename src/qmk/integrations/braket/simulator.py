"""``LocalSimulator("qmk")`` of the Amazon Braket SDK: circuits with every result type, and analog programs.

Entry point ``qmk`` of the group ``braket.simulators``; only the SDK imports it, which brings ``braket.simulator``.
Programs and results are those of the gateway: what one refuses, so does the other.
"""

from __future__ import annotations

# the SDK, which imports this module, is not among our dependencies
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUntypedBaseClass=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from braket.device_schema import DeviceActionType, OpenQASMDeviceActionProperties
from braket.device_schema.device_capabilities import DeviceCapabilities
from braket.ir import jaqcd
from braket.ir.ahs import Program as AnalogProgram
from braket.ir.openqasm import Program as CircuitProgram
from braket.ir.openqasm import ProgramSet
from braket.simulator import BraketSimulator
from braket.task_result import (
    AdditionalMetadata,
    AnalogHamiltonianSimulationTaskResult,
    GateModelTaskResult,
    ProgramSetExecutableResult,
    ProgramSetExecutableResultMetadata,
    ProgramSetTaskMetadata,
    ProgramSetTaskResult,
    ResultTypeValue,
    TaskMetadata,
)
from braket.task_result.program_result_v1 import ProgramResult
from braket.task_result.program_set_task_metadata_v1 import ProgramMetadata

from qmk.client.result import Result
from qmk.gateway.braket.devices import ATOM_DEVICE, local_capabilities
from qmk.gateway.braket.programs import Prepared, prepare
from qmk.gateway.braket.results import OPENQASM, bits_of, task_result
from qmk.integrations.braket.computing import compute
from qmk.integrations.braket.devices import QpuCapabilities, paradigm_of
from qmk.integrations.braket.other_programs import executables, from_jaqcd
from qmk.integrations.target import Target
from qmk.request.devices import device_target

_HOW = {"steps", "progress_bar", "atol", "rtol", "solver_method", "order", "nsteps", "first_step"} | {
    *("max_step", "min_step", "batch_size", "qubit_count")
}
"""Of Braket's own simulators: how they are to compute. QMK takes as many steps as its error bound needs."""


class Simulator(BraketSimulator):
    """Exact simulation of circuits on the engine that QMK's router chooses, and of neutral atoms under light.

    ``target``: where it runs; this process if not given."""

    DEVICE_ID = "qmk"

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or Target()

    def run(
        self,
        ir: AnalogProgram | CircuitProgram,
        *args: Any,
        shots: int = 0,
        seed: int | None = None,
        engine: str | None = None,
        **params: Any,
    ) -> AnalogHamiltonianSimulationTaskResult | GateModelTaskResult:
        """Runs a program ``shots`` times, or computes its result types where ``shots`` is 0. ``params`` are those of
        QMK's reader: of an analog program ``c6`` (rad um^6/us), ``phase_sign`` and ``device``, of a circuit its inputs.

        Raises ``ValueError`` for results that do not fit the shots, ``TypeError`` for another kind of program,
        ``QmkError`` for what is refused.
        """
        if isinstance(ir, ProgramSet):
            return self._run_set(ir, shots, seed=seed, engine=engine, **params)
        (found,) = self.run_multiple([ir], None, *args, shots=shots, seed=seed, engine=engine, **params)
        return found

    def run_multiple(
        self,
        programs: Sequence[AnalogProgram | CircuitProgram],
        max_parallel: int | None = None,
        *args: Any,
        shots: int = 0,
        seed: int | None = None,
        engine: str | None = None,
        **params: Any,
    ) -> list[Any]:
        """The results of several programs; the circuits among them with shots are one batch. ``max_parallel`` is not
        needed: QMK's engines use the cores by themselves."""
        shots = int(args[0]) if args and args[0] is not None else shots  # behind the program, as Braket's own take it
        options: dict[str, Any] = {
            name: value for name, value in {"seed": seed, "engine": engine}.items() if value is not None
        }
        given = {name: value for name, value in params.items() if name not in _HOW}
        created = timestamp()
        work: list[Any] = [self.read(ir, given, shots) for ir in programs]
        drawn = [one for one in work if isinstance(one, Prepared)] if shots else []
        batch = iter(self.target.run([one.graph for one in drawn], shots=shots, **options) if drawn else ())
        found: list[Any] = []
        for ir, one in zip(programs, work, strict=True):
            if not isinstance(one, Prepared):
                found.append(self._analog(ir, one, shots, options))
            elif shots:
                found.append(self.with_shots(ir, one, next(batch), created))
            else:
                source, inputs = getattr(ir, "source", ""), {**(getattr(ir, "inputs", None) or {}), **given}
                found.append(self.without_shots(ir, one, compute(self.target, one, options, source, inputs), created))
        return found

    def read(self, ir: Any, params: dict[str, Any], shots: int) -> Prepared | dict[str, Any]:
        """A circuit ready to run, or the parameters of an analog program."""
        if isinstance(ir, AnalogProgram):
            if shots < 1:
                raise ValueError("shots is 0: an analog program is run with at least 1")
            return of_atoms(params)
        if isinstance(ir, jaqcd.Program):
            ir = from_jaqcd(ir)
        if isinstance(ir, CircuitProgram):
            source = (
                Path(ir.source).read_text() if ir.source.endswith(".qasm") else ir.source
            )  # a file, as Braket has it
            return prepare(source, {**(ir.inputs or {}), **params} or None, shots)
        raise TypeError(f"{type(ir).__name__} is neither an analog program nor OpenQASM")

    def _run_set(self, programs: Any, shots: int, **options: Any) -> ProgramSetTaskResult:
        """All executables of a program set, as one batch of equal shares of the shots."""
        if shots == 0:
            raise ValueError("Shots must not be zero. Result types are not supported with program set.")
        share, rest = divmod(shots, programs.num_executables)
        if rest:
            raise ValueError("Total shots must be divisible by number of executables.")
        created = timestamp()
        work = [list(executables(program)) for program in programs.programs]
        found = iter(self.run_multiple([one for each in work for one in each], shots=share, **options))
        told: list[Any] = []
        for program, each in zip(programs.programs, work, strict=True):
            results = [
                ProgramSetExecutableResult(
                    measurements=[list(map(int, row)) for row in result.measurements],
                    measuredQubits=result.measuredQubits,
                    inputsIndex=at,
                )
                for at, result in zip(range(len(each)), found, strict=False)
            ]
            told.append(
                ProgramResult(
                    executableResults=results,
                    source=program,
                    additionalMetadata=AdditionalMetadata(),
                )
            )
        metadata = [ProgramMetadata(executables=[ProgramSetExecutableResultMetadata()] * len(each)) for each in work]
        task = ProgramSetTaskMetadata(
            id=str(uuid.uuid4()),
            deviceId=self.DEVICE_ID,
            requestedShots=shots,
            successfulShots=shots,
            programMetadata=metadata,
            totalFailedExecutables=0,
            createdAt=created,
            endedAt=timestamp(),
        )
        return ProgramSetTaskResult(programResults=told, taskMetadata=task)

    def _analog(self, ir: Any, params: dict[str, Any], shots: int, options: dict[str, Any]) -> Any:
        text = ir.json()
        (result,) = self.target.run([text], format=ATOM_DEVICE.format, shots=shots, params=params or None, **options)
        written = task_result(result, msgspec.json.decode(text), {"id": str(uuid.uuid4()), "deviceId": self.DEVICE_ID})
        parts = [written.begin(), *map(written.shot, result.rows()), written.end()]
        return AnalogHamiltonianSimulationTaskResult.parse_raw(b"".join(parts))

    def with_shots(self, ir: Any, one: Prepared, result: Result, created: str) -> GateModelTaskResult:
        """The result of a program with shots; the SDK computes the result types from the measurements."""
        columns = [column for column in bits_of(result)[1] if column is not None]
        whole = columns == list(range(len(columns)))
        measurements = [list(row) if whole else [row[k] for k in columns] for row in result.rows()]
        # of JAQCD the SDK reads the result types in the program itself
        results = [] if isinstance(ir, jaqcd.Program) else [as_type(each) for each in one.results]
        return self._task(ir, result.shots, created, results, measurements, one.measured)

    def without_shots(self, ir: Any, one: Prepared, values: list[Any], created: str) -> GateModelTaskResult:
        """The result of a program without shots."""
        results = [
            ResultTypeValue.construct(type=as_type(each), value=value)
            for each, value in zip(one.results, values, strict=True)
        ]
        return self._task(ir, 0, created, results, [], list(range(one.n)))

    def _task(
        self, ir: Any, shots: int, created: str, results: list[Any], measurements: list[list[str]], measured: list[int]
    ) -> GateModelTaskResult:
        task = TaskMetadata(
            id=str(uuid.uuid4()), shots=shots, deviceId=self.DEVICE_ID, createdAt=created, endedAt=timestamp()
        )
        return GateModelTaskResult.construct(
            taskMetadata=task,
            additionalMetadata=AdditionalMetadata(action=ir),
            resultTypes=results,
            measurements=measurements,
            measuredQubits=measured,
        )

    @property
    def properties(self) -> DeviceCapabilities:
        """Both kinds of programs, as Braket's schemas describe a device that takes them; with a device also its qubits,
        couplings and native gates, as ``paradigm``."""
        given = local_capabilities()
        device = self.target.options.get("device")
        if device is None:
            found = DeviceCapabilities.parse_obj(given)
        else:
            found = QpuCapabilities.parse_obj({**given, "paradigm": paradigm_of(device_target(device))})
        gates = OpenQASMDeviceActionProperties.parse_obj(given["action"][OPENQASM])
        found.action[DeviceActionType.OPENQASM] = gates  # with the fields of its kind
        return found


_TYPES: dict[str, Any] = {
    "statevector": jaqcd.StateVector,
    "densitymatrix": jaqcd.DensityMatrix,
    "amplitude": jaqcd.Amplitude,
    "probability": jaqcd.Probability,
    "expectation": jaqcd.Expectation,
    "variance": jaqcd.Variance,
    "sample": jaqcd.Sample,
    "adjoint_gradient": jaqcd.AdjointGradient,
}


def as_type(result: dict[str, Any]) -> Any:
    """A result as the SDK's own object."""
    if result["type"] == "adjoint_gradient":
        observable = [
            "@".join(name if isinstance(name, str) else "hermitian" for name in row[1]) for row in result["terms"]
        ]
        targets = [row[2] for row in result["terms"]]
        return _TYPES["adjoint_gradient"].construct(
            type="adjoint_gradient", observable=observable, targets=targets, parameters=result["parameters"]
        )
    return _TYPES[result["type"]](**result)


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def of_atoms(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters of Braket's own simulator in the reader's words; C6 is in rad m^6/s there."""
    given = {name: value for name, value in params.items() if name not in _HOW}
    if not given.get("blockade_radius", True):
        del given["blockade_radius"]  # 0: no state is left out, as here
    if (coefficient := given.pop("rydberg_interaction_coef", None)) is not None:
        given["c6"] = float(Decimal(str(coefficient)).scaleb(30))
    return given
