"""Jobs of Azure Quantum's data plane, version 2026-01-15-preview (https://learn.microsoft.com/rest/api/azurequantum).

A job's id follows from its tag, so that a job whose answer was lost is asked for by its id. Its program goes into a
blob of the workspace's storage, to which the service gives a signed address; results come from there too.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from qmk.base.errors import QmkError
from qmk.cloud import plan, settings
from qmk.cloud.http import Failure, Http, Kind, surprise
from qmk.cloud.plan import CloudPlan
from qmk.cloud.task import State, Task
from qmk.engines.azure import DECLARATION
from qmk.engines.azure.account import connect
from qmk.engines.azure.formats import FORMATS, Format
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan, Unsupported

ENGINE = DECLARATION.name
VERSION = "2026-01-15-preview"
STORAGE_VERSION = "2021-08-06"
EXAMPLE = "https://ACCOUNT.blob.core.windows.net"
ANEW = 16
"""How often a job that failed is sent anew under one tag."""
_STATES: dict[str, State] = {"Completed": "done", "Succeeded": "done", "Failed": "failed", "Cancelled": "cancelled"}


class Job(msgspec.Struct, rename="camel"):
    """What is read of a job."""

    id: str
    status: str | None = None
    error_data: Failure | None = None
    output_data_uri: str | None = None

    def task(self) -> Task:
        return Task(self.id, _STATES.get(self.status or "", "waiting"), (self.error_data or Failure()).text())


class Target(msgspec.Struct, rename="camel"):
    id: str
    current_availability: str = ""
    num_qubits: int | None = None


class Provider(msgspec.Struct):
    id: str
    targets: list[Target] = []


class Providers(msgspec.Struct):
    value: list[Provider]


class Signed(msgspec.Struct, rename="camel"):
    sas_uri: str


def format_of(target: str) -> Format:
    """Raises ``Unsupported`` for targets of providers whose format is not written here."""
    provider = target.partition(".")[0].lower()
    if provider not in FORMATS or "." not in target:
        names = ", ".join(f"{name}.*" for name in FORMATS)
        raise Unsupported(f"engine azure has no form of programs for target '{target}'; it has one for {names}")
    return FORMATS[provider]


class AzureDevice:
    """One target of a workspace."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._format = format_of(name)
        self._http = connect()
        self._provider = ""
        self._job = ""

    def request(self, program: Program, shots: int, seed: int) -> Any:
        written = self._format.write(plan.readout(DECLARATION, program))
        return {"format": self._format.input, "program": written.decode(), "shots": shots}

    def check(self, program: Program, shots: int) -> None:
        found: Target | None = None
        names: list[str] = []
        for provider in self._ask(Providers, "GET", "/providerStatus").value:
            names += [target.id for target in provider.targets]
            for target in provider.targets:
                if target.id == self._name:
                    found, self._provider = target, provider.id
        if found is None:
            raise plan.no_device(ENGINE, self._name, names)
        if found.num_qubits:
            plan.check_size(ENGINE, self._name, program, found.num_qubits)
        if found.current_availability == "Unavailable":
            raise plan.out_of_order(ENGINE, self._name, "unavailable")

    def find(self, tag: str) -> Task | None:
        for turn in range(ANEW):
            self._job = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tag}/{turn}"))
            try:
                task = self.look(Task(self._job))
            except QmkError as error:
                if error.fields.get("status") == 404:
                    return None
                raise
            if task.state in ("waiting", "done"):
                return task
        text = f"the task failed {ANEW} times"
        raise QmkError("JOB_FAILED", text, engine=ENGINE, device=self._name, help="look at the reasons at the provider")

    def submit(self, request: Any, tag: str) -> Task:
        container = f"job-{self._job}"
        signed = self._sign(container)
        where = urlsplit(signed)
        blob = where._replace(path=f"{where.path}/inputData")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": self._format.content_type}
        self._storage(blob.geturl(), "PUT", request["program"].encode(), headers)
        job = {
            "id": self._job,
            "name": tag,
            "itemType": "Job",
            "jobType": "QuantumComputing",
            "providerId": self._provider,
            "target": self._name,
            "containerUri": signed,
            "inputDataUri": blob._replace(query="").geturl(),
            "inputDataFormat": self._format.input,
            "outputDataFormat": self._format.output,
            "inputParams": {"shots": request["shots"]},
        }
        return self._ask(Job, "PUT", f"/jobs/{self._job}", job, once=True).task()

    def look(self, task: Task) -> Task:
        return self._ask(Job, "GET", task.path).task()

    def cancel(self, task: Task) -> None:
        self._ask(object, "POST", f"{task.path}:cancel")

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        readout = plan.readout(DECLARATION, program)
        address = self._ask(Job, "GET", task.path).output_data_uri or ""
        where = urlsplit(address)
        if "sig=" not in where.query:
            container, _, blob = where.path.lstrip("/").partition("/")
            address = self._sign(unquote(container), unquote(blob))
        found = self._storage(address, "GET")
        try:
            columns = self._format.read(found, readout, shots, seed)
        except (msgspec.DecodeError, ValueError) as error:
            raise surprise(ENGINE, f"results that are not documented: {error}") from error
        return plan.place(readout, program.n_cbits, columns)

    # -- requests ----------------------------------------------------------------------------------------------------

    def _ask(self, kind: type[Kind], method: str, path: str, body: Any = None, *, once: bool = False) -> Kind:
        return self._http.ask(kind, method, f"{path}?api-version={VERSION}", body, once=once)

    def _sign(self, container: str, blob: str = "") -> str:
        """The signed address of a container, which is made where there is none, or of a blob."""
        body = {"containerName": container} | ({"blobName": blob} if blob else {})
        return self._ask(Signed, "POST", "/storage/sasUri", body).sas_uri

    def _storage(self, address: str, method: str, body: bytes | None = None, headers: Any = None) -> msgspec.Raw:
        """JSON from a signed address, or bytes to it. Its signature is what no text may show."""
        where = urlsplit(address)
        base = settings.check_address(
            "the address of the workspace's storage", f"{where.scheme}://{where.netloc}", EXAMPLE
        )
        http = Http(ENGINE, base, {"x-ms-version": STORAGE_VERSION}, where.query.partition("sig=")[2].partition("&")[0])
        return http.ask(msgspec.Raw, method, f"{where.path}?{where.query}", body, headers=headers)


class AzureEngine:
    version = VERSION

    def prepare(self, program: Program, method: str) -> Plan:
        format_of(method)
        plan.readout(DECLARATION, program)
        return CloudPlan(ENGINE, method, program, AzureDevice)
