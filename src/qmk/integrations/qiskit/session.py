"""What a primitive runs on: a backend, a session of one, or a target of its own; and the jobs of primitives."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np
from qiskit.circuit import ParameterVectorElement, QuantumCircuit
from qiskit.primitives import PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.providers import Options

from qmk.adapters.qiskit.angles import name_of
from qmk.base.seeds import substream
from qmk.integrations.past import past_target
from qmk.integrations.qiskit.backend import Backend
from qmk.request.shots import seed_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Session:
    """A backend as a context, as ``qiskit_ibm_runtime.Session`` has it: its connection is closed at the end, its jobs
    go on. ``with Session(backend) as session: SamplerV2(mode=session)``."""

    def __init__(self, backend: Backend | None = None) -> None:
        self.backend_object = Backend() if backend is None else backend

    def backend(self) -> str:
        """The name of the backend."""
        return str(self.backend_object.name)

    def close(self) -> None:
        """Closes the connection to the daemon, if there is one."""
        self.backend_object.qmk_target.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def options_of(given: Mapping[str, Any] | None, known: dict[str, Any]) -> tuple[Options, dict[str, Any]]:
    """The options of a primitive, ``known`` with their defaults, and those of its backend, from a mapping as Qiskit's
    and Aer's primitives take it: with ``backend_options``, and with ``run_options`` that hold ``seed_simulator``.
    Raises TypeError for others."""
    flat = dict(given or {})
    flat |= flat.pop("run_options", {})
    backend = dict(flat.pop("backend_options", {}))
    if unknown := sorted(flat.keys() - known.keys()):
        raise TypeError(f"there is no option '{unknown[0]}': give some of {', '.join(known)}, backend_options")
    return Options(**{**known, **flat}), backend


def backend_of(mode: Backend | Session | None, options: dict[str, Any]) -> Backend:
    """The backend of a primitive's ``mode``; without one, a new one with these options."""
    if isinstance(mode, Session):
        mode = mode.backend_object
    if "backend" in options:
        raise TypeError("there is no keyword backend: give the backend as mode")
    if mode is None:
        return Backend(**options)
    if not isinstance(mode, Backend):
        raise TypeError(f"mode is a {type(mode).__name__}: give a Backend or a Session of qmk.integrations.qiskit")
    if options:
        raise TypeError(f"{next(iter(options))} is an option of the backend: give it to Backend(...)")
    return mode


class Primitive:
    """What a sampler and an estimator have in common. ``known``: options with their defaults."""

    def __init__(
        self, mode: Backend | Session | None, options: Mapping[str, Any] | None, known: dict[str, Any], backend: Any
    ) -> None:
        self.options, more = options_of(options, known)
        self.backend = backend_of(mode, {**more, **backend})

    @property
    def seed(self) -> int | None:
        """The seed of each run."""
        return self.options.seed_simulator

    @classmethod
    def from_backend(cls, backend: Backend, **options: Any) -> Self:
        """One on a backend."""
        make: Any = cls
        return make(backend, **options)

    def seed_of_pub(self, at: int) -> int:
        """The seed of pub number ``at`` of a run."""
        return seed_of(None) if self.seed is None else substream(self.seed, "pub", at)

    def _past(self, job_id: str, pubs: list[Any]) -> PrimitiveResult[Any]:
        """The results of a job that was run with these pubs, from any process."""
        target, client = past_target(self.backend.qmk_target, job_id)
        past = copy(self)
        past.backend = copy(self.backend)
        past.backend.qmk_target = target
        found = past._run(pubs, job_id)
        client.require_end()
        for each in found:
            each.metadata["simulator_metadata"].pop("seed")  # drawn where the job was run
        return found

    def _run(self, pubs: list[Any], job_id: str) -> PrimitiveResult[Any]:
        return PrimitiveResult([self._run_pub(pub, at, job_id) for at, pub in enumerate(pubs)], {"version": 2})

    def _run_pub(self, pub: Any, at: int, job_id: str) -> PubResult:
        raise AssertionError("a sampler and an estimator each run a pub their own way")

    def _metadata(self, pub: Any, seed: int) -> dict[str, Any]:
        """What a pub was run on, and its seed."""
        backend = self.backend
        run_on = {"backend_name": backend.name, "backend_version": backend.backend_version, "seed": seed}
        return {"circuit_metadata": pub.circuit.metadata, "simulator_metadata": run_on}


class PubJob(PrimitiveJob[Any]):
    """A job of a primitive. On a daemon its id is a tag of the daemon's jobs, so that ``Provider.job`` finds them."""

    def __init__(self, run: Callable[..., Any], *args: Any) -> None:
        super().__init__(run, *args)
        self._job_id = f"qiskit-{uuid4()}"
        self._args = (*args, self._job_id)
        self._submit()


def points_of(circuit: QuantumCircuit, values: BindingsArray) -> dict[str, NDArray[np.float64]] | None:
    """The parameter sets of a pub, flat, as points by our names; None where the circuit has no parameters. Elements of
    a vector that the circuit does not have are 0."""
    if not circuit.num_parameters:
        return None
    table = values.as_array(circuit.parameters).reshape(-1, circuit.num_parameters)
    found: dict[str, NDArray[np.float64]] = {}
    for column, parameter in enumerate(circuit.parameters):
        if isinstance(parameter, ParameterVectorElement):
            name, size = name_of(parameter.vector.name), len(parameter.vector)
            vector = found.setdefault(name, np.zeros((len(table), size)))
            vector[:, parameter.index] = table[:, column]
        else:
            found[name_of(parameter.name)] = np.asarray(table[:, column], np.float64)
    return found
