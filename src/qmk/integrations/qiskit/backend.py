"""``Backend``: QMK as a backend of Qiskit, and ``Provider``, which lists them."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.circuit import QuantumCircuit
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target as Gates

from qmk import __version__
from qmk.adapters.qiskit.read import read
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.integrations.qiskit.job import MEMORY, Job, find_job
from qmk.integrations.qiskit.results import header_of
from qmk.integrations.qiskit.targets import every_gate, target_of
from qmk.integrations.target import Target
from qmk.request.devices import device_names, device_target

if TYPE_CHECKING:
    from qmk.integrations.qiskit.session import Session

SHOTS = 1024
QUBITS = 5000
"""The qubits of a backend without a device. ``run`` takes more, but a target of more makes ``transpile`` slow."""
_SHORT_NAME = 64


class Backend(BackendV2):
    """QMK as a backend: every standard gate on all qubits, and dynamic circuits.

    ``device``: a device as ``qmk.run`` takes it: one with a calibration such as "fake_torino", a shape such as
    "heavy-hex:127", a device of atoms such as "zoned", or a file. The target is then its coupled qubits, native gates,
    errors and times, and a circuit runs there, with the device's noise where it has any. ``server`` and ``token``: a
    daemon, see ``integrations.target.Target``; ``options`` are those of
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
        device = device and device.removeprefix(_PREFIX)
        super().__init__(provider, _name(device), "Quantum Microkernel", backend_version=__version__)
        if device is not None:
            options["device"] = device
        self.qmk_target = Target(server, token, **options)
        """Where programs run."""
        self.session: Session | None = None
        """The session that this backend is of."""
        self._gates = every_gate(QUBITS) if device is None else target_of(device_target(device))

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
        self.require_open()
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
            tags = (job.job_id(), *self.session_tags(), *((MEMORY,) if memory else ()))
            name = names[0] if len(set(names)) == 1 else ""
            all_options = {"idempotency_key": job.job_id(), **target.options, **given}
            found = target.client.submit_many(programs, shots=shots, seed=seed, tags=tags, name=name, **all_options)
            job.follow(list(found), names)
        else:
            job.start(lambda: list(target.run(programs, shots=shots, seed=seed, **given)))
        return job

    def require_open(self) -> None:
        """Raises UNSUPPORTED where its session takes no more jobs."""
        if self.session is not None:
            self.session.require_open()

    def session_tags(self) -> tuple[str, ...]:
        """The tag of its session, if it is of one."""
        return () if self.session is None else (self.session.session_id,)

    def job(self, job_id: str) -> Job:
        """A job by its id, from any process, on a daemon. Raises as ``find_job``."""
        return find_job(self, job_id)

    retrieve_job = job


class Provider:
    """The backends: "qmk", and one for each device that runs gates, such as "qmk_fake_torino" and "qmk_zoned". Those of
    a shape, such as "line:50", and of a file have a name too, but are not listed: there is no end of them. Arguments
    are those of ``Backend``."""

    def __init__(self, server: str | None = None, token: str | None = None, **options: Any) -> None:
        self._arguments = {"server": server, "token": token, **options}

    def backends(self, name: str | None = None) -> list[Backend]:
        """All backends, or that with this name; [] where there is none."""
        if name is None:
            return [self._make(device) for device in (None, *device_names())]
        try:
            return [self.get_backend(name)]
        except QmkError:
            return []

    def get_backend(self, name: str = "qmk") -> Backend:
        """A backend by its name, with or without "qmk_". Raises INVALID_PARAMS with the names that there are."""
        if name == "qmk":
            return self._make(None)
        try:
            return self._make(name)
        except QmkError as error:
            known = ", ".join(_name(device) for device in (None, *device_names()))
            text = f"there is no backend {name!r:.60}: {error.message}"
            raise QmkError("INVALID_PARAMS", text, field="name", help=f"give one of {known}") from error

    def _make(self, device: str | None) -> Backend:
        return Backend(device, provider=self, **self._arguments)

    def job(self, job_id: str) -> Job:
        """A job of the daemon by its id. Raises as ``find_job``."""
        return self._make(None).job(job_id)

    retrieve_job = job


_PREFIX = "qmk_"


def _name(device: str | None) -> str:
    return "qmk" if device is None else f"{_PREFIX}{device}"
