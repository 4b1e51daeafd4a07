"""What a primitive runs on: a backend, a session of one, or a target of its own; and the jobs of primitives."""

# Qiskit has no types that a checker may rely on.
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false, reportUnnecessaryIsInstance=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np
from qiskit.circuit import ParameterVectorElement, QuantumCircuit
from qiskit.primitives import PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.providers import Options

from qmk.adapters.qiskit.angles import name_of
from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.client.job import Job as DaemonJob
from qmk.integrations.past import past_results
from qmk.integrations.qiskit.backend import Backend
from qmk.integrations.qiskit.job import Job, is_job_id, new_id
from qmk.integrations.together import Steps, Together
from qmk.request.shots import seed_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Session:
    """A backend as a context, as ``qiskit_ibm_runtime.Session`` has it: ``with Session(backend) as session:
    SamplerV2(mode=session)``.

    ``max_time``: seconds, or text such as "2h 30m", after which it takes no more jobs; None: no limit. ``close`` ends
    it for new jobs, those that were submitted go on. On a daemon ``session_id`` is a tag of all its jobs, so that
    ``from_id`` finds it in any process while it has jobs there; the id holds the end of its time."""

    def __init__(self, backend: Backend | None = None, max_time: int | str | None = None) -> None:
        seconds = None if max_time is None else seconds_of(max_time)
        end = 0 if seconds is None else math.ceil(time.time() + seconds)
        self._begin(Backend() if backend is None else backend, f"{_SESSION}{end}-{uuid4().hex}")

    def _begin(self, backend: Backend, session_id: str) -> None:
        self._id, self._end, self._open = session_id, int(session_id.split("-")[2]), True
        self.backend_object = copy(backend)
        self.backend_object.session = self

    @classmethod
    def from_id(cls, session_id: str, backend: Backend | None = None) -> Self:
        """A session of another process by its id, on a backend of the same daemon. Raises ``QmkError`` JOB_NOT_FOUND
        where no job of it is there, INVALID_PARAMS for another text and for this process."""
        if not re.fullmatch(rf"{_SESSION}\d{{1,12}}-[0-9a-f]{{32}}", session_id, re.ASCII):
            fix = "give the session_id of a Session"
            raise QmkError("INVALID_PARAMS", f"{session_id!r:.60} is not a session", field="session_id", help=fix)
        found = cls.__new__(cls)
        found._begin(Backend(server="") if backend is None else backend, session_id)
        found.backend_object.qmk_target.jobs(session_id)
        return found

    @property
    def session_id(self) -> str:
        """Its id."""
        return self._id

    def backend(self) -> str:
        """The name of the backend."""
        return str(self.backend_object.name)

    def status(self) -> str:
        """As Qiskit Runtime words it: "In progress, accepting new jobs", "Closed" where jobs may go on, or "Closed,
        not accepting new jobs" where its time is over."""
        if not self._open:
            return "Closed"
        return "Closed, not accepting new jobs" if self._is_over() else "In progress, accepting new jobs"

    def details(self) -> dict[str, Any]:
        """Its id, backend, state and end (seconds since 1970, None for none); on a daemon also the ids of its jobs."""
        found: dict[str, Any] = {
            "id": self._id,
            "backend_name": self.backend(),
            "state": "closed" if not self._open or self._is_over() else "open",
            "accepting_jobs": self._open and not self._is_over(),
            "ends_at": self._end or None,
        }
        if self.backend_object.qmk_target.is_remote:
            found["jobs"] = [job.job_id() for job in self.jobs()]
        return found

    def jobs(self) -> list[Job]:
        """Its jobs on a daemon, those submitted first first; [] while it has none. Raises INVALID_PARAMS for this
        process, whose jobs end with it."""
        try:
            rows = self.backend_object.qmk_target.jobs(self._id)
        except QmkError as error:
            if error.kind.name != "JOB_NOT_FOUND":
                raise
            return []
        ids = dict.fromkeys(tag for row in rows for tag in row.tags if is_job_id(tag))
        return [self.backend_object.job(job_id) for job_id in ids]

    def require_open(self) -> None:
        """Raises ``QmkError`` UNSUPPORTED where it takes no more jobs."""
        if not self._open or self._is_over():
            why = "is closed" if not self._open else "is over: its max_time has passed"
            fix = "open a new Session; jobs of this one are found by their ids"
            raise QmkError("UNSUPPORTED", f"session {self._id} {why}", field="session", help=fix)

    def _is_over(self) -> bool:
        return bool(self._end) and time.time() >= self._end

    def cancel(self) -> None:
        """Closes it, and stops its jobs that have not ended; in this process those that have not begun."""
        if self.backend_object.qmk_target.is_remote:
            for job in self.jobs():
                job.cancel()
        self.close()

    def close(self) -> None:
        """Takes no more jobs. Those that were submitted go on, and give their results."""
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


_SESSION = "qiskit-session-"
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_TIME = re.compile(r"\s*(?:(?P<d>\d+)d)?\s*(?:(?P<h>\d+)h)?\s*(?:(?P<m>\d+)m)?\s*(?:(?P<s>\d+)s)?\s*", re.ASCII)


def seconds_of(max_time: int | str) -> int:
    """A time in seconds, or as text with d, h, m and s in this order: "1d 2h 30m". Raises INVALID_PARAMS."""
    if isinstance(max_time, str):
        read = _TIME.fullmatch(max_time[:40])
        found = sum(int(each) * _UNITS[unit] for unit, each in read.groupdict().items() if each) if read else 0
    else:
        found = 0 if isinstance(max_time, bool) else int(max_time)
    if not 0 < found < 10**9:
        fix = 'give seconds, or text such as "2h 30m"'
        raise QmkError("INVALID_PARAMS", f"max_time is {max_time!r:.40}", field="max_time", help=fix)
    return found


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
        together = self.together(pubs)
        found = together.make(past_results(self.backend.qmk_target, job_id, together.asked))
        for each in found:
            each.metadata["simulator_metadata"].pop("seed")  # drawn where the job was run
        return _whole(found)

    def together(self, pubs: list[Any]) -> Together:
        """The pubs, whose programs a daemon is asked for together."""
        return Together(self._steps(pub, at) for at, pub in enumerate(pubs))

    def _steps(self, pub: Any, at: int) -> Steps[PubResult]:
        raise AssertionError("a sampler and an estimator each run a pub their own way")

    def _metadata(self, pub: Any, seed: int) -> dict[str, Any]:
        """What a pub was run on, and its seed."""
        backend = self.backend
        run_on = {"backend_name": backend.name, "backend_version": backend.backend_version, "seed": seed}
        return {"circuit_metadata": pub.circuit.metadata, "simulator_metadata": run_on}


class PubJob(PrimitiveJob[Any]):
    """A job of a primitive. On a daemon its id is a tag of the daemon's jobs, so that ``Provider.job`` finds them; they
    are there, all of them, once this exists. Raises then what the daemon refuses."""

    def __init__(self, primitive: Primitive, pubs: list[Any]) -> None:
        job_id = new_id()
        self._target, self._jobs = primitive.backend.qmk_target, list[DaemonJob]()
        if self._target.is_remote:
            together = primitive.together(pubs)
            tags = (job_id, *primitive.backend.session_tags())
            asked = [
                (one.program, {**one.options, "tags": tags, "idempotency_key": f"{job_id}-{at}"})
                for at, one in enumerate(together.asked)
            ]
            self._jobs = self._target.client.submit_each(asked) if asked else []
            super().__init__(self._wait, together)
        else:
            super().__init__(_run_here, primitive, pubs)
        self._job_id = job_id
        self._submit()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_function": None, "_args": (), "_jobs": []}

    def _wait(self, together: Together) -> PrimitiveResult[Any]:
        return _whole(together.make([job.result() for job in self._jobs]))

    def cancel(self) -> bool:
        """Stops what has not ended on a daemon; in this process what has not begun. False where there is nothing."""
        if not self._jobs:
            return bool(super().cancel())
        beside = copy(self._target)  # the connection waits for results
        try:
            stopped = [beside.client.job(job.job_id).cancel() for job in self._jobs]
            return any(stopped)
        finally:
            beside.close()


def _run_here(primitive: Primitive, pubs: list[Any]) -> PrimitiveResult[Any]:
    return _whole(primitive.together(pubs).make([]))


def _whole(found: list[Any]) -> PrimitiveResult[Any]:
    """The result of a job with these pubs."""
    return PrimitiveResult(found, {"version": 2})


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
