"""``Engine``: what ``cirq_google.Engine`` is to its processors, on a daemon of QMK. Jobs outlive the process.

A job is the batch of runs that one call makes. Its id is a tag that all of them have, so any process that reaches the
daemon with the same tenant finds it again.
"""

from __future__ import annotations

# Cirq and sympy have types in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportUnknownLambdaType=false, reportMissingTypeArgument=false
import uuid
from collections.abc import Sequence
from typing import Any

import cirq

from qmk.base.errors import QmkError
from qmk.client.result import Result
from qmk.integrations.cirq import programs
from qmk.integrations.cirq.device import Device
from qmk.integrations.cirq.sampler import Sampler

_TAG = "cirq-"


class Engine:
    """A daemon of QMK: ``server`` and ``token`` as ``qmk.Client`` takes them. Other options are those of ``Sampler``.
    A processor is an engine of the daemon by its name, "auto", for which the router chooses, or a device as ``qmk.run``
    takes it, such as "fake_torino" or "grid:10x10", on any simulator, with its noise where it has any."""

    def __init__(self, server: str = "", token: str | None = None, **options: Any) -> None:
        self._server, self._token, self._options = server, token, options

    def get_processor(self, processor_id: str = "auto") -> Processor:
        """The processor of this name. Raises ``QmkError`` UNSUPPORTED for an engine or a device that is not there."""
        from qmk.request.devices import device_names, device_target
        from qmk.sdk import discovery

        known = discovery.engines()
        if processor_id == "auto" or processor_id.partition(":")[0] in known:
            return Processor(self, processor_id)
        try:
            return Processor(self, processor_id, Device(device_target(processor_id)))
        except QmkError as error:
            fix = "take auto or one of: " + ", ".join([*sorted(known), *device_names()])
            text = f"there is no processor '{processor_id:.60}': {error.message}"
            raise QmkError("UNSUPPORTED", text, field="processor_id", help=fix) from error

    def list_processors(self) -> list[Processor]:
        """ "auto", the engines, and the devices that come with QMK."""
        from qmk.request.devices import device_names, device_target
        from qmk.sdk import discovery

        engines = [Processor(self, name) for name in ("auto", *sorted(discovery.engines()))]
        return [*engines, *(Processor(self, name, Device(device_target(name))) for name in device_names())]

    def get_sampler(self, processor_id: str = "auto") -> Sampler:
        """A sampler that waits for its results."""
        return self.get_processor(processor_id).get_sampler()

    def get_job(self, job_id: str, program: cirq.AbstractCircuit | None = None) -> Job:
        """A job by its id, from any process. ``program``: the circuit that was run, which gives the names and shapes of
        its measurement keys; without it, each register is a key that was measured once."""
        return Job(self._sampler({}), job_id, None if program is None else programs.read(program).keys)

    def _sampler(self, options: dict[str, Any]) -> Sampler:
        return Sampler(server=self._server, token=self._token, **{**self._options, **options})


class Processor:
    """One engine of the daemon, or a device."""

    def __init__(self, engine: Engine, processor_id: str, device: Device | None = None) -> None:
        self._engine, self.processor_id, self._device = engine, processor_id, device

    def engine(self) -> Engine:
        """Where it is."""
        return self._engine

    def get_device(self) -> cirq.Device:
        """The device that circuits are compared with before they run; ``cirq.UNCONSTRAINED_DEVICE`` for an engine."""
        return cirq.UNCONSTRAINED_DEVICE if self._device is None else self._device

    def get_sampler(self) -> Sampler:
        """A sampler on this processor. On a device it raises ValueError for a circuit that does not fit."""
        sampler = self._engine._sampler(self._options())  # pyright: ignore[reportPrivateUsage]  # of one module
        sampler.device = self._device
        return sampler

    def run_sweep(
        self, program: cirq.AbstractCircuit, params: cirq.Sweepable = None, repetitions: int = 1, job_id: str = ""
    ) -> Job:
        """Queues a circuit at all points of a sweep, and gives the job at once. ``job_id``: its id, if not a new one;
        letters, digits and hyphens."""
        sampler = self.get_sampler()
        return Job.submit(sampler, program, params, repetitions, job_id or f"{_TAG}{uuid.uuid4().hex}")

    def run(
        self,
        program: cirq.AbstractCircuit,
        param_resolver: cirq.ParamResolverOrSimilarType = None,
        repetitions: int = 1,
    ) -> cirq.Result:
        """Runs a circuit and waits for its result."""
        return self.run_sweep(program, cirq.ParamResolver(param_resolver), repetitions).results()[0]

    def _options(self) -> dict[str, Any]:
        if self._device is not None:
            return {"device": self.processor_id}
        return {} if self.processor_id == "auto" else {"engine": self.processor_id}

    def __repr__(self) -> str:
        return f"<Processor {self.processor_id}>"


class Job:
    """A circuit at the points of a sweep, on a daemon."""

    def __init__(
        self,
        sampler: Sampler,
        job_id: str,
        keys: Any = None,
        resolvers: Sequence[cirq.ParamResolver] | None = None,
    ) -> None:
        self._target = sampler._target  # pyright: ignore[reportPrivateUsage]  # of one integration
        self._id, self._keys, self._resolvers = job_id, keys, resolvers

    @classmethod
    def submit(
        cls,
        sampler: Sampler,
        program: cirq.AbstractCircuit,
        params: cirq.Sweepable,
        repetitions: int,
        job_id: str,
    ) -> Job:
        """Queues the runs of a circuit under this id."""
        runs, batch = sampler._batch([program], [params])  # pyright: ignore[reportPrivateUsage]  # of one integration
        target = sampler._target  # pyright: ignore[reportPrivateUsage]
        seed = sampler._seed()  # pyright: ignore[reportPrivateUsage]
        given: dict[str, Any] = {**target.options, "shots": repetitions, "seed": seed, "tags": [job_id]}
        target.client.submit_many(batch, **given)
        return cls(sampler, job_id, runs[0][0][0].keys, [resolver for _, resolver in runs[0]])

    def id(self) -> str:
        """Its id, for ``Engine.get_job``."""
        return self._id

    def status(self) -> str:
        """ "SUCCESS", "FAILURE", "CANCELLED", "RUNNING" or "READY", as Cirq's engine has them."""
        states = {row.state for row in self._target.jobs(self._id)}
        for state, word in (("FAILED", "FAILURE"), ("CANCELLED", "CANCELLED"), ("RUNNING", "RUNNING")):
            if state in states:
                return word
        return "SUCCESS" if states == {"COMPLETED"} else "READY"

    def results(self, timeout: float | None = None) -> list[cirq.Result]:
        """The result at each point, once all have ended."""
        found = self._target.client.group(self._id).results(timeout)
        resolvers = self._resolvers or [cirq.ParamResolver({})] * len(found)
        return [
            programs.to_result(each, self._keys or _keys_of(each), resolver)
            for each, resolver in zip(found, resolvers, strict=True)
        ]

    def cancel(self) -> None:
        """Stops what has not ended."""
        self._target.client.group(self._id).cancel()

    def __repr__(self) -> str:
        return f"<Job {self._id}>"


def _keys_of(found: Result) -> dict[str, tuple[int, int]]:
    """The registers of a result as keys."""
    return {group.name: (1, len(group.places)) for group in found.counts.groups}
