"""``Backend``: QMK as a backend of Qiskit, and ``Provider``, which lists them."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.circuit import (
    Barrier,
    BoxOp,
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    Measure,
    Parameter,
    QuantumCircuit,
    Reset,
    Store,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import Initialize, UnitaryGate, get_standard_gate_name_mapping
from qiskit.providers import BackendV2, Options
from qiskit.quantum_info import Kraus
from qiskit.transpiler import Target as Gates

from qmk import __version__
from qmk.adapters.qiskit.read import FLOW, read
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.integrations.qiskit.job import MEMORY, Job, find_job
from qmk.integrations.qiskit.results import header_of
from qmk.integrations.target import Target
from qmk.models.atoms.profile import profiles
from qmk.request.devices import device_of

SHOTS = 1024
QUBITS = 5000
"""The qubits of a backend without a device. ``run`` takes more, but a target of more makes ``transpile`` slow."""
_OPS = (IfElseOp, SwitchCaseOp, ForLoopOp, WhileLoopOp, BoxOp, BreakLoopOp, ContinueLoopOp)
_SHORT_NAME = 64


class Backend(BackendV2):
    """QMK as a backend: every standard gate on all qubits, and dynamic circuits.

    ``device``: a device of neutral atoms, such as "zoned", whose gates, moves and noise QMK itself applies when the
    circuit is run. ``server`` and ``token``: a daemon, see ``integrations.target.Target``; ``options`` are those of
    ``qmk.run`` for all runs, such as ``engine`` or ``noise``."""

    def __init__(
        self,
        device: str | None = None,
        *,
        server: str | None = None,
        token: str | None = None,
        provider: Provider | None = None,
        **options: Any,
    ) -> None:
        name = "qmk" if device is None else f"qmk_{device}"
        super().__init__(provider, name, "Quantum Microkernel", backend_version=__version__)
        if device is not None:
            options["device"] = device
        self.qmk_target = Target(server, token, **options)
        """Where programs run."""
        self._gates = _gates(_qubits_of(device))

    @property
    def target(self) -> Gates:
        """What circuits are transpiled to."""
        return self._gates

    @property
    def max_circuits(self) -> int | None:
        """The most circuits of one job."""
        return LIMITS.sweep_points

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=SHOTS, memory=False, seed_simulator=None)

    def run(
        self,
        run_input: QuantumCircuit | Sequence[QuantumCircuit],
        *,
        parameter_binds: Sequence[Mapping[Any, Any]] | None = None,
        **options: Any,
    ) -> Job:
        """Starts a job. ``shots``, ``memory`` (each shot too) and ``seed_simulator`` are as Aer has them, and
        ``parameter_binds``: for each circuit its parameters with a list of values each, which give one result a value.
        All other options are those of ``qmk.run``, such as ``engine`` or ``noise``.

        Raises ``QmkError`` UNSUPPORTED for what a circuit has that QMK has not; other errors come with the result."""
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        given = {**self.options, **options}
        shots, memory, seed = given.pop("shots"), given.pop("memory"), given.pop("seed_simulator")
        programs: list[Any] = []
        headers: list[dict[str, Any]] = []
        binds = parameter_binds or [{}] * len(circuits)
        if len(binds) != len(circuits):
            fix = "give one mapping for each circuit"
            what = f"{len(binds)} mappings of parameters for {len(circuits)} circuits"
            raise QmkError("INVALID_PARAMS", what, field="parameter_binds", help=fix)
        for circuit, bind in zip(circuits, binds, strict=True):
            ours = read(circuit)
            points = {key: values if hasattr(values, "__len__") else [values] for key, values in bind.items()}
            programs.append((ours, points) if points else ours)
            number = max((len(values) for values in points.values()), default=1)
            headers += [header_of(circuit)] * number
        job = Job(self, None, headers, memory)
        target = self.qmk_target
        if target.is_remote:
            names = [header["name"][:_SHORT_NAME] for header in headers]
            tags = (job.job_id(), *((MEMORY,) if memory else ()))
            name = names[0] if len(set(names)) == 1 else ""
            all_options = {**target.options, **given}
            found = target.client.submit_many(programs, shots=shots, seed=seed, tags=tags, name=name, **all_options)
            job.follow(list(found), names)
        else:
            job.start(lambda: list(target.run(programs, shots=shots, seed=seed, **given)))
        return job

    def job(self, job_id: str) -> Job:
        """A job by its id, from any process, on a daemon. Raises as ``find_job``."""
        return find_job(self, job_id)

    retrieve_job = job


class Provider:
    """The backends: "qmk", and one for each device of neutral atoms that runs gates, such as "qmk_zoned". Arguments are
    those of ``Backend``."""

    def __init__(self, server: str | None = None, token: str | None = None, **options: Any) -> None:
        self._arguments = {"server": server, "token": token, **options}

    def backends(self, name: str | None = None) -> list[Backend]:
        """All backends, or that with this name."""
        return [self._make(device) for device in (None, *_devices()) if name in (None, _name(device))]

    def get_backend(self, name: str = "qmk") -> Backend:
        """A backend by its name. Raises INVALID_PARAMS with the names that there are."""
        for device in (None, *_devices()):
            if name == _name(device):
                return self._make(device)
        known = ", ".join(_name(device) for device in (None, *_devices()))
        raise QmkError("INVALID_PARAMS", f"there is no backend {name!r:.60}", field="name", help=f"give one of {known}")

    def _make(self, device: str | None) -> Backend:
        return Backend(device, provider=self, **self._arguments)

    def job(self, job_id: str) -> Job:
        """A job of the daemon by its id. Raises as ``find_job``."""
        return self._make(None).job(job_id)

    retrieve_job = job


def _name(device: str | None) -> str:
    return "qmk" if device is None else f"qmk_{device}"


def _gates(qubits: int) -> Gates:
    """Every standard gate and every kind of control flow, on all qubits."""
    found = Gates(description="QMK", num_qubits=qubits)
    for name, gate in get_standard_gate_name_mapping().items():
        if name not in ("measure", "reset", "delay"):
            parameters = [Parameter(f"p{k}") for k in range(len(gate.params))]
            found.add_instruction(type(gate)(*parameters) if parameters else gate, name=name)
    for instruction in (Measure(), Reset(), get_standard_gate_name_mapping()["delay"]):
        found.add_instruction(instruction)
    classes: dict[str, Any] = dict(zip(FLOW, _OPS, strict=True))
    classes |= {"barrier": Barrier, "store": Store, "unitary": UnitaryGate, "kraus": Kraus, "initialize": Initialize}
    for name, kind in classes.items():
        found.add_instruction(kind, name=name)
    return found


def _devices() -> list[str]:
    """The devices of neutral atoms that run gates."""
    return [name for name, profile in profiles().items() if profile.geometry is not None]


def _qubits_of(device: str | None) -> int:
    """How many qubits the target has: the atoms of the device."""
    geometry = None if device is None else device_of(device)[0].geometry
    return QUBITS if geometry is None else len(geometry.occupied_sites()) or QUBITS
