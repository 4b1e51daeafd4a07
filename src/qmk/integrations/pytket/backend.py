"""``QMKBackend``: pytket's circuits run by QMK, in this process or on a daemon."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pytket import backends as tk_backends
from pytket import circuit as tk_circuit
from pytket import passes as tk_passes
from pytket import predicates as tk_predicates
from pytket.backends import backendinfo, backendresult
from pytket.utils import outcomearray

import qmk
from qmk.adapters.pytket.read import read
from qmk.base.errors import QmkError
from qmk.frontends.pytket_json.gates import PLAIN
from qmk.integrations.pytket.devices import (
    accepted_types,
    architecture_of,
    compile_pass,
    error_tables,
    native_types,
    with_all_sites,
)
from qmk.integrations.states import dropped_phase
from qmk.integrations.target import Target, state_of
from qmk.request.devices import device_names, device_target
from qmk.sdk.adapter import cannot

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit
    from qmk.client.result import Result

# pytket has no types that a checker could read
tk: Any = tk_circuit
lib: Any = tk_backends
passes: Any = tk_passes
predicates: Any = tk_predicates
Backend: Any = lib.Backend
BackendResult: Any = backendresult.BackendResult
BackendInfo: Any = backendinfo.BackendInfo
OutcomeArray: Any = outcomearray.OutcomeArray

_TYPES: dict[str, Any] = dict(tk.OpType.__members__)
_REFUSED = frozenset(
    [
        "Label",
        "Branch",
        "Goto",
        "Stop",
        "DummyBox",
        "WASM",
        "Input",
        "Output",
        "Create",
        "Discard",
        "ClInput",
        "ClOutput",
        "WASMInput",
        "WASMOutput",
        "RNGInput",
        "RNGOutput",
        "RNGSeed",
        "RNGBound",
        "RNGIndex",
        "RNGNum",
        "JobShotNum",
    ]
)
ACCEPTED = frozenset(kind for name, kind in _TYPES.items() if name not in _REFUSED)
"""OpTypes that QMK runs as they are, boxes among them."""
REBASED = frozenset(_TYPES[name] for name in PLAIN if name != "Phase")
"""Gates that compilation ends in: those that are one gate of QMK."""
_STATUS = {"COMPLETED": "COMPLETED", "FAILED": "ERROR", "CANCELLED": "CANCELLED", "RUNNING": "RUNNING"}


class QMKBackend(Backend):
    """Runs circuits on QMK. ``server`` None: in this process; else the path of a daemon's socket, "" the user's own, or
    a server's URL, with ``token`` where it asks for one: the handles then name jobs and hold in any process.
    ``options`` are those of ``qmk.run`` that hold for all runs, such as ``engine`` or ``noise``.

    ``device``: one as ``qmk.run`` takes it, such as "fake_torino", "grid:10x10" or "zoned". The backend then has its
    architecture, native gates and errors, circuits are compiled to nodes, of which ``node[k]`` is site k, and run with
    the device's noise where it has any; states are there for devices without errors only.

    Circuits with a number of shots give shots and counts, those without give the state with its global phase.
    """

    _supports_shots = True
    _supports_counts = True
    _supports_state = True
    _supports_expectation = True
    _expectation_allows_nonhermitian = True

    def __init__(
        self, server: str | None = None, token: str | None = None, *, device: str | None = None, **options: Any
    ) -> None:
        Backend.__init__(self)
        self._device = None if device is None else device_target(device)
        if device is not None:
            options["device"] = device
        self.target = Target(server, token, **options)
        self._persistent_handles = self.target.is_remote
        self._cache: dict[Any, dict[str, Any]] = {}

    # -- what runs ---------------------------------------------------------------------------------------------------

    @property
    def backend_info(self) -> Any:
        """The gates that are run as they are, and that measurements and conditions may stand anywhere; of a device also
        its architecture and errors."""
        device = self._device
        errors = (None, None, None) if device is None else error_tables(device)
        nodes, pairs, readings = (each or None for each in errors)
        return BackendInfo(
            type(self).__name__,
            None if device is None else device.name,
            qmk.__version__,
            None if device is None else architecture_of(device),
            set(ACCEPTED) if device is None else accepted_types(device),
            supports_fast_feedforward=True,
            supports_reset=True,
            supports_midcircuit_measurement=True,
            averaged_node_gate_errors=nodes,
            averaged_edge_gate_errors=pairs,
            averaged_readout_errors=readings,
        )

    @classmethod
    def available_devices(cls, **kwargs: Any) -> list[Any]:
        """That of a backend without a device, then those of the devices that come with QMK."""
        return [cls(**kwargs, device=name).backend_info for name in (None, *device_names())]

    @property
    def required_predicates(self) -> list[Any]:
        """All symbols have values, and no op is one that QMK refuses; on a device every gate is native, and on nodes
        that are coupled."""
        if self._device is None:
            return [predicates.NoSymbolsPredicate(), predicates.GateSetPredicate(set(ACCEPTED))]
        found = [predicates.NoSymbolsPredicate(), predicates.GateSetPredicate(accepted_types(self._device))]
        if self._device.couplings is not None or self._device.broken:
            found.append(predicates.ConnectivityPredicate(architecture_of(self._device)))
        return found

    def rebase_pass(self) -> Any:
        return passes.AutoRebase(set(REBASED) if self._device is None else native_types(self._device))

    def default_compilation_pass(self, optimisation_level: int = 1) -> Any:
        """0: boxes are decomposed and gates rebased, on a device also placed and routed; 1: light optimisation too; 2:
        pytket's full peephole."""
        if optimisation_level not in (0, 1, 2):
            raise QmkError(
                "INVALID_PARAMS",
                f"optimisation_level is {optimisation_level!r}",
                field="optimisation_level",
                help="give 0, 1 or 2",
            )
        between = ([], [passes.SynthesiseTket()], [passes.FullPeepholeOptimise()])[optimisation_level]
        if self._device is not None:
            return compile_pass(self._device, between)
        return passes.SequencePass([passes.DecomposeBoxes(), *between, self.rebase_pass()])

    def _read(self, circuit: Any) -> Circuit:
        return read(circuit if self._device is None else with_all_sites(circuit, self._device), None)

    # -- circuits ----------------------------------------------------------------------------------------------------

    @property
    def _result_id_type(self) -> tuple[type, ...]:
        """A job, which of its results is meant, and the circuit's bits and qubits with its phase, as JSON."""
        return (str, str, str)

    def process_circuits(
        self,
        circuits: Sequence[Any],
        n_shots: int | Sequence[int | None] | None = None,
        valid_check: bool = True,
        **kwargs: Any,
    ) -> list[Any]:
        """Runs circuits, those with the same number of shots as one batch. ``seed``: that of the batch. Other keywords
        are options of ``qmk.run``."""
        given = list(circuits)
        shots = Backend._get_n_shots_as_list(n_shots, len(given), optional=True)
        if valid_check:
            self._check_all_circuits(given, nomeasure_warn=False)
        options = _options(kwargs)
        programs = [self._read(circuit) for circuit in given]
        handles: dict[int, Any] = {}
        for number in sorted({each for each in shots if each}):
            places = [k for k, each in enumerate(shots) if each == number]
            self._run(places, given, programs, {**options, "shots": number}, handles)
        for k in range(len(given)):
            if k not in handles:
                handles[k] = self._state(given[k], programs[k], options)
        return [handles[k] for k in range(len(given))]

    def _run(
        self,
        places: list[int],
        circuits: Sequence[Any],
        programs: Sequence[Circuit],
        options: dict[str, Any],
        handles: dict[int, Any],
    ) -> None:
        batch = [programs[k] for k in places]
        if self.target.is_remote:
            for k, job in zip(places, self.target.submit(batch, **options), strict=True):
                handles[k] = lib.ResultHandle(job.job_id, "shots", _units(circuits[k], 0.0))
            return
        for k, result in zip(places, self.target.run(batch, **options), strict=True):
            handle = lib.ResultHandle(_fresh(), "shots", _units(circuits[k], 0.0))
            self._cache[handle] = {"result": _shots(handle, result)}
            handles[k] = handle

    def _state(self, circuit: Any, program: Circuit, options: dict[str, Any]) -> Any:
        options = {"engine": "native", **self.target.options, **options}  # whose phase is known
        options.pop("seed", None)
        units = _units(circuit, dropped_phase(program.graph))
        if self.target.is_remote:
            return lib.ResultHandle(self.target.submit_state(program, **options).job_id, "state", units)
        handle = lib.ResultHandle(_fresh(), "state", units)
        self._cache[handle] = {"result": _state(handle, self.target.state(program, **options))}
        return handle

    # -- results -----------------------------------------------------------------------------------------------------

    def circuit_status(self, handle: Any) -> Any:
        self._check_handle_type(handle)
        if handle in self._cache and "result" in self._cache[handle]:
            return lib.CircuitStatus(lib.StatusEnum.COMPLETED)
        if not self.target.is_remote:
            raise lib.CircuitNotRunError(handle)
        state = self.target.client.job(handle[0]).status().state
        return lib.CircuitStatus(getattr(lib.StatusEnum, _STATUS.get(state, "QUEUED")), state)

    def get_result(self, handle: Any, **kwargs: Any) -> Any:
        """The result of a handle, also one of another process where there is a daemon. ``timeout`` in seconds."""
        self._check_handle_type(handle)
        if handle in self._cache and "result" in self._cache[handle]:
            return self._cache[handle]["result"]
        if not self.target.is_remote:
            raise lib.CircuitNotRunError(handle)
        found = self.target.client.job(handle[0]).result(cast("float | None", kwargs.get("timeout")))
        result = _shots(handle, found) if handle[1] == "shots" else _state(handle, state_of(found))
        self._cache[handle] = {"result": result}
        return result

    def cancel(self, handle: Any) -> None:
        """Cancels the job of a handle; what ran in this process has run."""
        if self.target.is_remote:
            self.target.client.job(handle[0]).cancel()

    # -- expectation values ------------------------------------------------------------------------------------------

    def get_pauli_expectation_value(
        self, state_circuit: Any, pauli: Any, n_shots: int | None = None, valid_check: bool = True, **kwargs: Any
    ) -> complex:
        """The expectation value of a ``QubitPauliString``: exact, or from ``n_shots`` shots."""
        return self._expectation(state_circuit, [(pauli, 1.0)], n_shots, valid_check, kwargs)

    def get_operator_expectation_value(
        self, state_circuit: Any, operator: Any, n_shots: int | None = None, valid_check: bool = True, **kwargs: Any
    ) -> complex:
        """The expectation value of a ``QubitPauliOperator``: exact, or from ``n_shots`` shots of each basis."""
        terms = [(pauli, complex(factor)) for pauli, factor in operator._dict.items()]
        return self._expectation(state_circuit, terms, n_shots, valid_check, kwargs)

    def _expectation(
        self, circuit: Any, terms: Iterable[tuple[Any, complex]], n_shots: int | None, check: bool, kwargs: Any
    ) -> complex:
        if check:
            self._check_all_circuits([circuit], nomeasure_warn=False)
        if self._device is not None:
            circuit = with_all_sites(circuit, self._device)
        index = {qubit: k for k, qubit in enumerate(circuit.qubits)}
        found = [(_pauli_text(pauli, index), complex(factor)) for pauli, factor in terms]
        parts = [[(text, factor.real) for text, factor in found], [(text, factor.imag) for text, factor in found]]
        asked = parts if any(factor.imag for _, factor in found) else parts[:1]
        options: dict[str, Any] = {**_options(kwargs), **({"shots": n_shots} if n_shots else {})}
        (values,) = self.target.values(read(circuit, None), asked, None, **options)
        return complex(values[0].value, values[1].value if len(values) > 1 else 0.0)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Keywords of pytket's calls as options of QMK's. A seed may be any whole number in pytket."""
    found = {name: value for name, value in given.items() if name not in ("postprocess", "simplify_initial")}
    if found.get("seed") is None:
        found.pop("seed", None)
    else:
        found["seed"] = int(found["seed"]) % (1 << 63)
    return found


def _units(circuit: Any, phase: float) -> str:
    return json.dumps([[unit.to_list() for unit in circuit.bits], [unit.to_list() for unit in circuit.qubits], phase])


def _fresh() -> str:
    from uuid import uuid4

    return str(uuid4())


def _shots(handle: Any, result: Result) -> Any:
    """The shots, a column a bit, the first bit of the first register first."""
    bits = [tk.Bit.from_list(unit) for unit in json.loads(handle[2])[0]]
    if not result.has_events:
        table = np.zeros((result.shots, len(bits)), dtype=np.uint8)
    else:
        table = result.bits()[:, ::-1]
    return BackendResult(shots=OutcomeArray.from_readouts(table), c_bits=bits)


def _state(handle: Any, state: Any) -> Any:
    _, qubits, phase = json.loads(handle[2])
    return BackendResult(state=state * np.exp(1j * phase), q_bits=[tk.Qubit.from_list(unit) for unit in qubits])


def _pauli_text(pauli: Any, index: dict[Any, int]) -> str:
    letters = [(qubit, letter.name) for qubit, letter in pauli.map.items() if letter.name != "I"]
    for qubit, _ in letters:
        if qubit not in index:
            raise cannot("pytket", f"the operator acts on {qubit}", "the observable", "name qubits of the circuit")
    return " ".join(f"{letter}{index[qubit]}" for qubit, letter in letters) or "I0"
