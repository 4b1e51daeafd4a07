"""The device ``qmk`` of PennyLane: ``qml.device("qmk", wires=4)``.

Tapes run in this process or on a daemon (``integrations.target``). Adjoint derivatives are those of
``qmk.value_and_grad``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qmk.adapters.pennylane.library import errors, qml
from qmk.adapters.pennylane.programs import wires_of
from qmk.adapters.pennylane.reader import has_angles
from qmk.integrations.pennylane.drawn import Drawn
from qmk.integrations.pennylane.exact import Exact, has_noise
from qmk.integrations.pennylane.shadows import draw_shadow
from qmk.integrations.pennylane.structure import Observables, Structures, angles_of, circuit_of
from qmk.integrations.pennylane.transforms import allows_adjoint, is_pauli_expectation, is_shadow, pipeline
from qmk.integrations.target import Target

SEEDS = 2**63


@qml.devices.modifiers.simulator_tracking
@qml.devices.modifiers.single_tape_support
class QmkDevice(qml.devices.Device):
    """QMK as a device.

    ``wires``: their number or labels; None: those of each tape. ``shots`` and ``seed`` are as of ``default.qubit``.
    ``engine`` and ``noise`` are those of ``qmk.run``: "native", "aer:density_matrix"; a noise model, its file, or text
    such as "depolarizing=1e-3". ``server``: the path of a daemon's socket, "" for the user's own daemon, or the
    URL of a server; ``token`` is the tenant's.
    """

    def __init__(
        self,
        wires: Any = None,
        *,
        shots: Any = None,
        seed: Any = "global",
        engine: str | None = None,
        noise: Any = None,
        server: str | None = None,
        token: str | None = None,
    ) -> None:
        qml.devices.Device.__init__(self, wires=wires, shots=shots)
        options = {name: value for name, value in {"engine": engine, "noise": noise}.items() if value is not None}
        self.target = Target(server, token, **options)
        if seed is None or not isinstance(seed, str):
            self._rng = np.random.default_rng(seed)
        else:
            self._rng = np.random.default_rng(np.random.randint(2**31 - 1))
        self._structures, self._observables = Structures(options), Observables()

    @property
    def name(self) -> str:
        """The name of the device."""
        return "qmk"

    @property
    def _is_noisy(self) -> bool:
        return "noise" in self.target.options

    # -- preparation ---------------------------------------------------------------------------------------------------

    def setup_execution_config(self, config: Any = None, circuit: Any = None) -> Any:
        """The configuration with what is not said chosen: adjoint derivatives where there are some."""
        config = config or qml.devices.ExecutionConfig()
        for option in config.device_options:
            raise errors.DeviceError(f"device option {option} not present on {self}")
        chosen: dict[str, Any] = {}
        if config.gradient_method == "best":
            can = self.supports_derivatives(replace(config, gradient_method="adjoint"), circuit)
            chosen["gradient_method"] = "adjoint" if can else "parameter-shift"
        is_adjoint = chosen.get("gradient_method", config.gradient_method) == "adjoint"
        for name in ("use_device_gradient", "grad_on_execution"):
            if getattr(config, name) is None:
                chosen[name] = is_adjoint
        if config.use_device_jacobian_product is None:
            chosen["use_device_jacobian_product"] = False
        mcm = config.mcm_config
        method = mcm.mcm_method
        if method in (None, "device", "one-shot"):
            has_shots = circuit is not None and bool(circuit.shots)
            method = "device" if has_shots or (method is not None and circuit is None) else "deferred"
        if method not in ("device", "deferred"):
            raise errors.DeviceError(f"mcm_method {method} not supported on qmk: use 'device' or 'deferred'")
        if mcm.postselect_mode == "fill-shots" and method == "device":
            raise errors.DeviceError("postselect_mode fill-shots not supported on qmk: use 'hw-like'")
        chosen["mcm_config"] = replace(mcm, mcm_method=method)
        return replace(config, **chosen)

    def preprocess_transforms(self, execution_config: Any = None) -> Any:
        """What makes tapes ones that QMK runs as they are."""
        return pipeline(self, execution_config or qml.devices.ExecutionConfig())

    # -- values --------------------------------------------------------------------------------------------------------

    def execute(self, circuits: Any, execution_config: Any = None) -> Any:
        """The results of a batch of tapes."""
        out: list[Any] = [None] * len(circuits)
        drawn: dict[int, list[int]] = {}
        exact: list[int] = []
        for at, tape in enumerate(circuits):
            if not tape.shots:
                exact.append(at)
            elif any(map(is_shadow, tape.measurements)):
                out[at] = draw_shadow(self.target, tape, self._wires_of(tape), self._rng)
            else:
                drawn.setdefault(tape.shots.total_shots, []).append(at)
        for shots, places in drawn.items():
            programs = [Drawn(circuits[at], self._wires_of(circuits[at])) for at in places]
            seed = int(self._rng.integers(SEEDS))
            results = self.target.run([each.circuit for each in programs], shots=shots, seed=seed, keep_events=True)
            for at, program, result in zip(places, programs, results, strict=True):
                out[at] = program.results(result)
        for at in exact:
            out[at] = self._value(circuits[at])
        return tuple(out)

    def _wires_of(self, tape: Any) -> tuple[Any, ...]:
        return wires_of(tape, self.wires)

    def _value(self, tape: Any) -> Any:
        """The results of one tape without shots."""
        wires = self._wires_of(tape)
        operators = [op for op in tape.operations if not isinstance(op, qml.Snapshot)]
        if self._is_plain(tape):
            structure = self._structures.find(operators, wires)
            if structure is not None and structure.has_angles:
                row = np.array(angles_of(operators), dtype=np.float64)
                rows = [self._observables.terms(process.obs, wires) for process in tape.measurements]
                found = tuple(np.array(structure.objective(terms).value(row)) for terms in rows)
                return found[0] if len(found) == 1 else found
        circuit, _ = circuit_of(operators, wires)
        pure = not self._is_noisy and not has_noise(operators)
        found = tuple(Exact(self.target, circuit, wires, pure).measure(tape.measurements))
        return found[0] if len(found) == 1 else found

    def _is_plain(self, tape: Any) -> bool:
        """Whether it asks for exact expectation values of sums of Paulis after gates alone, in this process."""
        return (
            not self.target.is_remote
            and not self._is_noisy
            and all(map(is_pauli_expectation, tape.measurements))
            and not has_noise(tape.operations)
        )

    # -- derivatives ---------------------------------------------------------------------------------------------------

    def supports_derivatives(self, execution_config: Any = None, circuit: Any = None) -> bool:
        """Whether there are adjoint derivatives: of exact expectation values, in this process and without noise."""
        if self.target.is_remote or self._is_noisy:
            return False
        if execution_config is None:
            return True
        return execution_config.gradient_method in ("adjoint", "best") and (
            circuit is None or allows_adjoint(self, circuit)
        )

    def compute_derivatives(self, circuits: Any, execution_config: Any = None) -> Any:
        """The Jacobians of a batch of tapes."""
        return tuple(self._slopes(tape)[1] for tape in circuits)

    def execute_and_compute_derivatives(self, circuits: Any, execution_config: Any = None) -> Any:
        """The results and the Jacobians of a batch of tapes."""
        found = [self._slopes(tape) for tape in circuits]
        return tuple(value for value, _ in found), tuple(slopes for _, slopes in found)

    def _slopes(self, tape: Any) -> tuple[Any, Any]:
        wires = self._wires_of(tape)
        operators = [op for op in tape.operations if not isinstance(op, qml.Snapshot)]
        row = np.array(angles_of(operators), dtype=np.float64)
        places = _places(tape)
        if not len(row):
            return self._value(tape), _zeros(tape)
        structure = self._structures.find(operators, wires, now=True)
        assert structure is not None, "it is wanted now"
        values: list[Any] = []
        slopes: list[Any] = []
        for process in tape.measurements:
            objective = structure.objective(self._observables.terms(process.obs, wires))
            value, by = objective(row)
            values.append(np.array(value))
            by_parameter = tuple(np.array(0.0 if at is None else by[at]) for at in places)
            slopes.append(by_parameter[0] if len(by_parameter) == 1 else by_parameter)
        if len(values) == 1:
            return values[0], slopes[0]
        return tuple(values), tuple(slopes)

    def supports_jvp(self, execution_config: Any = None, circuit: Any = None) -> bool:
        """As ``supports_derivatives``."""
        return self.supports_derivatives(execution_config, circuit)

    def supports_vjp(self, execution_config: Any = None, circuit: Any = None) -> bool:
        """As ``supports_derivatives``."""
        return self.supports_derivatives(execution_config, circuit)

    def execute_and_compute_jvp(self, circuits: Any, tangents: Any, execution_config: Any = None) -> Any:
        """The results, and the Jacobians times tangents."""
        values, slopes = self.execute_and_compute_derivatives(circuits, execution_config)
        pairs = zip(circuits, slopes, tangents, strict=True)
        return values, tuple(_jvp(tape, slope, tangent) for tape, slope, tangent in pairs)

    def compute_jvp(self, circuits: Any, tangents: Any, execution_config: Any = None) -> Any:
        """The Jacobians times tangents."""
        return self.execute_and_compute_jvp(circuits, tangents, execution_config)[1]

    def execute_and_compute_vjp(self, circuits: Any, cotangents: Any, execution_config: Any = None) -> Any:
        """The results, and cotangents times the Jacobians."""
        values, slopes = self.execute_and_compute_derivatives(circuits, execution_config)
        pairs = zip(circuits, slopes, cotangents, strict=True)
        return values, tuple(_vjp(tape, slope, cotangent) for tape, slope, cotangent in pairs)

    def compute_vjp(self, circuits: Any, cotangents: Any, execution_config: Any = None) -> Any:
        """Cotangents times the Jacobians."""
        return self.execute_and_compute_vjp(circuits, cotangents, execution_config)[1]


def _places(tape: Any) -> list[int | None]:
    """Where the trainable parameters of a tape stand among the angles of its structure; None: in an observable."""
    found: dict[int, int] = {}
    at = number = 0
    for op in tape.operations:
        if op.data and has_angles(op):
            for _ in op.data:
                found[number] = at
                number, at = number + 1, at + 1
        else:
            number += len(op.data)
    return [found.get(k) for k in tape.trainable_params]


def _zeros(tape: Any) -> Any:
    """The Jacobian of a tape whose gates have no angles."""
    row = tuple(np.zeros(()) for _ in tape.trainable_params)
    rows = tuple(row[0] if len(row) == 1 else row for _ in tape.measurements)
    return rows[0] if len(rows) == 1 else rows


def _rows(tape: Any, slopes: Any) -> Any:
    """A Jacobian as a matrix, a row a measurement."""
    return np.array(slopes, dtype=np.float64).reshape(len(tape.measurements), len(tape.trainable_params))


def _jvp(tape: Any, slopes: Any, tangents: Any) -> Any:
    found = _rows(tape, slopes) @ np.array(tangents, dtype=np.float64).reshape(-1)
    return found[0] if len(found) == 1 else tuple(found)


def _vjp(tape: Any, slopes: Any, cotangents: Any) -> Any:
    weights: Any = np.array(cotangents, dtype=np.float64).reshape(-1)
    return tuple(weights @ _rows(tape, slopes))
