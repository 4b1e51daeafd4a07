"""Jobs of the sampler of Qiskit Runtime (https://quantum.cloud.ibm.com/docs/api/qiskit-runtime-rest).

A device takes circuits in its own gates, on qubits that it joins: Qiskit's transpiler brings them there, and they are
sent as OpenQASM 3. The tag follows from the circuit before that, so that it stays when a device is calibrated anew.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

# Qiskit has types in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
from qiskit import QuantumCircuit, qasm3, transpile
from qiskit.circuit import ClassicalRegister

from qmk.base.errors import QmkError
from qmk.cloud import plan, settings
from qmk.cloud.http import Http, refusal, surprise
from qmk.cloud.plan import CloudPlan
from qmk.cloud.task import State, Task
from qmk.engines.ibm import DECLARATION
from qmk.engines.ibm.results import read
from qmk.ir.bits import Bits
from qmk.ir.clifford import quarter_turns
from qmk.ir.conditions import affine
from qmk.ir.program import Barrier, Cond, Gate, Instruction, Measure, Program, Reset
from qmk.sdk.engine import Plan, Unsupported

ENGINE = DECLARATION.name
URL = "https://quantum.cloud.ibm.com/api/v1"
LOGIN = "https://iam.cloud.ibm.com"
KEY = "env:QISKIT_IBM_TOKEN"
VERSION = "2026-04-15"
REGISTER = "c"
BRANCH = "if_else"
PAGES = 20
"""Most pages of jobs of the same tag."""
SOONER_S = 300.0
"""A token is replaced this long before it expires."""
_STATES: dict[str, State] = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}
TOO_LONG = 1305
"""The reason for which the service itself cancels a job: it ran longer than it may."""
Kind = TypeVar("Kind")


class Token(msgspec.Struct):
    access_token: str
    expires_in: float


class Backend(msgspec.Struct):
    name: str
    status: dict[str, Any] = {}


class Backends(msgspec.Struct):
    devices: list[Backend]


class Configuration(msgspec.Struct):
    """What is read of a device's configuration."""

    n_qubits: int
    basis_gates: list[str]
    coupling_map: list[tuple[int, int]] | None = None
    max_shots: int = 1 << 62
    supported_instructions: list[str] = []


class JobState(msgspec.Struct):
    status: str
    reason: str | None = None
    reason_code: int | None = None


class Job(msgspec.Struct):
    """What is read of a job."""

    id: str
    state: JobState | None = None
    status: str = ""
    tags: list[str] = []

    def task(self) -> Task:
        found = self.state or JobState(self.status)
        state = _STATES.get(found.status.lower().partition(" ")[0], "waiting")
        if state == "cancelled" and found.reason_code == TOO_LONG:
            state = "failed"
        code = f"error code {found.reason_code}" if found.reason_code else ""
        return Task(self.id, state, "; ".join(filter(None, (code, found.reason))))


class Jobs(msgspec.Struct):
    jobs: list[Job]


class IbmDevice:
    """A device of an instance of the platform. A token of an hour stands for the key."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._key = settings.key(ENGINE, KEY)
        instance = settings.setting(ENGINE, "INSTANCE")
        if not instance:
            field = settings.variable(ENGINE, "INSTANCE")
            hint = f"set {field} to its CRN, which the list of instances on the platform shows"
            raise QmkError("INVALID_PARAMS", "no instance of IBM Quantum is named", field=field, help=hint)
        headers = {"Service-CRN": instance, "IBM-API-Version": VERSION}
        self._login = Http(ENGINE, settings.address(ENGINE, LOGIN, "LOGIN_URL"), {}, self._key)
        self._http = Http(ENGINE, settings.address(ENGINE, URL), headers, "")
        self._expires_s = 0.0
        self._circuit: Any = None
        self._native = ""

    def _ask(self, kind: type[Kind], method: str, path: str, body: Any = None, once: bool = False) -> Kind:
        if time.monotonic() > self._expires_s:
            form = urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": self._key}).encode()
            plain = {"Content-Type": "application/x-www-form-urlencoded"}
            token = self._login.ask(Token, "POST", "/identity/token", form, headers=plain)
            self._http.use({"Authorization": f"Bearer {token.access_token}"}, token.access_token)
            self._expires_s = time.monotonic() + token.expires_in - SOONER_S
        return self._http.ask(kind, method, path, body, once=once)

    def request(self, program: Program, shots: int, seed: int) -> Any:
        self._circuit = circuit_of(program)
        return {"source": qasm3.dumps(self._circuit), "shots": shots}

    def check(self, program: Program, shots: int) -> None:
        known = {row.name: row for row in self._ask(Backends, "GET", "/backends").devices}
        if self._name not in known:
            raise plan.no_device(ENGINE, self._name, known)
        status = str(known[self._name].status.get("name", "online"))
        if status != "online":
            raise plan.out_of_order(ENGINE, self._name, status)
        about = self._ask(Configuration, "GET", f"/backends/{quote(self._name, safe='')}/configuration")
        plan.check_size(ENGINE, self._name, program, about.n_qubits)
        if shots > about.max_shots:
            raise Unsupported(f"{shots} shots: device '{self._name}' takes {about.max_shots} at most")
        coupling = [list(pair) for pair in about.coupling_map] if about.coupling_map is not None else None
        gates = [*about.basis_gates, "measure", "reset"]
        if self._circuit.get_instructions(BRANCH):
            if BRANCH not in about.supported_instructions:
                raise Unsupported(f"operations that depend on measurements: device '{self._name}' has no {BRANCH}")
            gates.append(BRANCH)
        there = transpile(
            self._circuit, basis_gates=gates, coupling_map=coupling, optimization_level=1, seed_transpiler=0
        )
        self._native = qasm3.dumps(there)

    def find(self, tag: str) -> Task | None:
        for page in range(PAGES):
            query = urlencode({"tags": tag, "limit": 100, "offset": 100 * page, "exclude_params": "true"})
            found = self._ask(Jobs, "GET", f"/jobs?{query}").jobs
            for job in found:
                task = job.task()
                if tag in job.tags and task.state in ("waiting", "done"):
                    return task
            if len(found) < 100:
                break
        return None

    def submit(self, request: Any, tag: str) -> Task:
        params = {"pubs": [[self._native, None, request["shots"]]], "options": {}, "version": 2, "support_qiskit": True}
        body = {"program_id": "sampler", "backend": self._name, "tags": [tag], "params": params}
        try:
            return self._ask(Job, "POST", "/jobs", body, once=True).task()
        except QmkError as error:
            if error.fields.get("status") == 409:  # the instance's usage is at its limit
                raise refusal(ENGINE, 402, error.message) from error
            raise

    def look(self, task: Task) -> Task:
        return self._ask(Job, "GET", f"{task.path}?exclude_params=true").task()

    def cancel(self, task: Task) -> None:
        self._ask(object, "POST", f"{task.path}/cancel")

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        try:
            found = read(self._ask(object, "GET", f"{task.path}/results"), REGISTER)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error) as error:
            raise surprise(ENGINE, f"results that are not documented: {error}") from error
        if found.shape != (shots, program.n_cbits):
            raise surprise(ENGINE, f"bits of shape {found.shape}")
        return found


def circuit_of(program: Program) -> Any:
    """The program as a circuit of Qiskit, all classical bits in one register. Raises ``Unsupported`` for the rest.

    Paulis under the parity of some bits are applied once for each bit that is 1, and once more where the parity is
    negated: twice is nothing but a phase. So no condition has more than one bit."""
    made = QuantumCircuit(program.n_qubits)
    made.add_register(ClassicalRegister(max(program.n_cbits, 1), REGISTER))
    items = [item for item in program.instructions if not isinstance(item, Barrier)]
    for cond, group in groupby(items, key=_condition):
        block = list(group)
        if cond is None:
            _add(made, block)
            continue
        form = affine(cond, {})
        if form is None:
            raise Unsupported("a condition that is not a parity: ibm is sent parities of measurements")
        bits, negated = form
        for bit in sorted(bits):
            with made.if_test((made.clbits[bit], 1)):
                _add(made, block)
        if negated:
            _add(made, block)
    return made


def _condition(item: Instruction) -> Cond | None:
    if not isinstance(item, Gate | Measure | Reset):
        raise Unsupported(f"{type(item).__name__}: ibm has gates, measurements and resets")
    if item.cond is not None and not (isinstance(item, Gate) and _is_pauli(item)):
        what = f"gate {item.name}" if isinstance(item, Gate) else type(item).__name__.lower()
        raise Unsupported(f"a condition on a {what}: ibm takes them on Pauli gates")
    return item.cond


def _is_pauli(gate: Gate) -> bool:
    return gate.name in ("x", "id") or (gate.name == "rz" and quarter_turns(gate.params[0]) in (0, 2, 4, 6))


def _add(made: Any, block: Sequence[Instruction]) -> None:
    for item in block:
        if isinstance(item, Gate):
            if DECLARATION.devices is not None and item.name not in DECLARATION.devices.gates:
                raise Unsupported(f"gate {item.name}: ibm has no such gate")
            if item.qubits and item.name != "id":
                getattr(made, item.name)(*item.params, *item.qubits)
        elif isinstance(item, Measure):
            made.measure(item.qubit, item.cbit)
        elif isinstance(item, Reset):
            made.reset(item.qubit)


class IbmEngine:
    version = VERSION

    def prepare(self, program: Program, method: str) -> Plan:
        plan.check_name(DECLARATION, method)
        circuit_of(program)
        return CloudPlan(ENGINE, method, program, IbmDevice)
