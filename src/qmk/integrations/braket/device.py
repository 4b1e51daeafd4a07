"""A device of the Amazon Braket SDK that runs in this process or on a daemon, with QMK's options."""

from __future__ import annotations

# the SDK is not among our dependencies and has no stubs
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportUntypedBaseClass=false
# pyright: reportAttributeAccessIssue=false
import asyncio
from typing import TYPE_CHECKING, Any

from braket.devices import LocalSimulator
from braket.tasks import GateModelQuantumTaskResult, QuantumTask

from qmk.gateway.braket.programs import Prepared
from qmk.integrations.braket.simulator import Simulator, timestamp
from qmk.integrations.target import Target
from qmk.request.devices import device_target

if TYPE_CHECKING:
    from qmk.client.job import Job

_STATES = {"VALIDATING": "CREATED"}


class Device(LocalSimulator):
    """``LocalSimulator("qmk")`` with options. ``server`` and ``token``: a daemon, see ``Target``; ``noise_model``:
    Braket's own, applied to each circuit; ``options``: those of ``qmk.run`` for every task, such as ``engine``,
    ``seed`` or ``noise``. ``device``: one as ``qmk.run`` takes it, such as "fake_torino" or "grid:10x10", which
    ``properties.paradigm`` and ``topology_graph`` describe; qubit k is site k where a circuit is written for it.

    On a daemon ``run`` gives a ``Task`` at once. Its id is the job's, and ``task(id, program)`` finds it again from any
    other process, also after a restart of the daemon."""

    def __init__(
        self, *, server: str | None = None, token: str | None = None, noise_model: Any = None, **options: Any
    ) -> None:
        self.target = Target(server, token, **options)
        super().__init__(Simulator(self.target), noise_model=noise_model)

    @property
    def topology_graph(self) -> Any:
        """The couplings of the device as a graph of networkx, as an ``AwsDevice`` has it; None without a device."""
        import networkx as nx

        name = self.target.options.get("device")
        if name is None:
            return None
        device = device_target(name)
        graph: Any = nx.DiGraph()
        graph.add_nodes_from(device.usable())
        graph.add_edges_from(order for a, b in device.pairs() for order in ((a, b), (b, a)))
        return graph

    def run(
        self, task_specification: Any, shots: int | None = None, inputs: dict[str, float] | None = None, **options: Any
    ) -> QuantumTask:
        """A task that runs ``task_specification``. ``shots`` None: 0 for a circuit, as in ``LocalSimulator``."""
        if not self.target.is_remote:
            return super().run(task_specification, shots, inputs, **options)
        payload, prepared, count = self._prepare(task_specification, shots, inputs)
        if prepared is None or (not count and prepared.slopes()):
            return super().run(task_specification, shots, inputs, **options)
        given = {**self.target.options, **options}
        wanted: dict[str, Any] = {"shots": count} if count else {"outputs": prepared.request().outputs}
        reply = self.target.client.submit(prepared.graph, **wanted, **given)
        return Task(self.target.client.job(reply.job_id), self._delegate, payload, prepared)

    def task(self, id: str, task_specification: Any, inputs: dict[str, float] | None = None) -> Task:
        """The task of an id that an earlier task had. ``task_specification`` and ``inputs`` are what it ran: they say
        which qubit each bit is of."""
        job = self.target.client.job(id)
        payload, prepared, _ = self._prepare(task_specification, int(job.status().shots), inputs)
        assert prepared is not None, "a task of a daemon is a circuit"
        return Task(job, self._delegate, payload, prepared)

    def _prepare(self, task: Any, shots: int | None, inputs: Any) -> tuple[Any, Prepared | None, int]:
        if self._noise_model:
            task = self._noise_model.apply(task)
        count = self._default_shots(task) if shots is None else shots
        payload = self._construct_payload(task, inputs, count)
        prepared = self._delegate.read(payload, {}, count)
        return payload, prepared if isinstance(prepared, Prepared) else None, count


class Task(QuantumTask):
    """A circuit that runs on a daemon, where it goes on when this process ends."""

    def __init__(self, job: Job, simulator: Simulator, payload: Any, prepared: Prepared) -> None:
        self._job, self._simulator, self._payload, self._prepared = job, simulator, payload, prepared
        self._created = timestamp()

    @property
    def id(self) -> str:
        return self._job.job_id

    def cancel(self) -> None:
        self._job.cancel("cancelled by its task")

    def state(self) -> str:
        """CREATED, QUEUED, RUNNING, COMPLETED, FAILED or CANCELLED."""
        found = self._job.status().state
        return _STATES.get(found, found)

    def result(self) -> GateModelQuantumTaskResult:
        """Waits for the result. Raises the job's error."""
        result = self._job.result()
        prepared, simulator = self._prepared, self._simulator
        if result.values is None:
            found = simulator.with_shots(self._payload, prepared, result, self._created)
        else:
            found = simulator.without_shots(self._payload, prepared, prepared.values(result.values), self._created)
        return GateModelQuantumTaskResult.from_object(found)

    def async_result(self) -> asyncio.Task[Any]:
        """The result as a task of the running event loop."""
        return asyncio.create_task(asyncio.to_thread(self.result))

    def __repr__(self) -> str:
        return f"Task('id': {self.id})"
