"""The device ``qmk`` of PennyLane: ``qml.device("qmk", wires=4)``.

Tapes run in this process or on a daemon (``integrations.target``). Adjoint derivatives are those of
``qmk.value_and_grad``, on a daemon those of a job that is asked for a gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qmk.adapters.pennylane.library import errors, qml
from qmk.adapters.pennylane.programs import wires_of
from qmk.adapters.pennylane.reader import has_angles
from qmk.integrations.pennylane.drawn import Drawn
from qmk.integrations.pennylane.exact import Exact, has_noise
from qmk.integrations.pennylane.plain import Plain, PlainTapes
from qmk.integrations.pennylane.shadows import draw_shadow
from qmk.integrations.pennylane.structure import circuit_of
from qmk.integrations.pennylane.transforms import allows_adjoint, is_mapped, is_pauli_expectation, is_shadow, pipeline
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
        self._plain = PlainTapes(self.target)

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
        if config.interface == qml.math.Interface.JAX and circuit is not None and is_mapped(circuit):
            chosen["interface"] = qml.math.Interface.JAX_JIT
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
        pad = bool(execution_config) and execution_config.mcm_config.postselect_mode == "pad-invalid-samples"
        for shots, places in drawn.items():
            programs = [Drawn(circuits[at], self._wires_of(circuits[at])) for at in places]
            seed = int(self._rng.integers(SEEDS))
            results = self.target.run([each.circuit for each in programs], shots=shots, seed=seed, keep_events=True)
            for at, program, result in zip(places, programs, results, strict=True):
                out[at] = program.results(result, pad=pad)
        for at, value in zip(exact, self._values([circuits[at] for at in exact]), strict=True):
            out[at] = value
        return tuple(out)

    def _wires_of(self, tape: Any) -> tuple[Any, ...]:
        return wires_of(tape, self.wires)

    def _values(self, tapes: Sequence[Any]) -> list[Any]:
        """The results of tapes without shots."""
        plain = [at for at, tape in enumerate(tapes) if self._is_plain(tape)]
        found = dict(zip(plain, self._plain.values([self._read(tapes[at]) for at in plain]), strict=True))
        out: list[Any] = []
        for at, tape in enumerate(tapes):
            values = found.get(at)
            out.append(self._value(tape) if values is None else _one_or_tuple(map(np.array, values)))
        return out

    def _read(self, tape: Any) -> Plain:
        return self._plain.read(_operators_of(tape), self._wires_of(tape), tape.measurements)

    def _value(self, tape: Any) -> Any:
        """The results of one tape without shots, by itself."""
        operators, wires = _operators_of(tape), self._wires_of(tape)
        circuit, _ = circuit_of(operators, wires)
        pure = not self._is_noisy and not has_noise(operators)
        return _one_or_tuple(Exact(self.target, circuit, wires, pure).measure(tape.measurements))

    def _is_plain(self, tape: Any) -> bool:
        """Whether it asks for exact expectation values of sums of Paulis after gates alone; noise of all gates is a
        daemon's business."""
        return (
            (self.target.is_remote or not self._is_noisy)
            and all(map(is_pauli_expectation, tape.measurements))
            and not has_noise(tape.operations)
        )

    # -- derivatives ---------------------------------------------------------------------------------------------------

    def supports_derivatives(self, execution_config: Any = None, circuit: Any = None) -> bool:
        """Whether there are adjoint derivatives: of exact expectation values, without noise. A daemon gives them with
        the values, by the method that its engine has."""
        if self._is_noisy:
            return False
        if execution_config is None:
            return True
        return execution_config.gradient_method in ("adjoint", "best") and (
            circuit is None or allows_adjoint(self, circuit)
        )

    def compute_derivatives(self, circuits: Any, execution_config: Any = None) -> Any:
        """The Jacobians of a batch of tapes."""
        return tuple(slopes for _, slopes in self._slopes(circuits))

    def execute_and_compute_derivatives(self, circuits: Any, execution_config: Any = None) -> Any:
        """The results and the Jacobians of a batch of tapes."""
        found = self._slopes(circuits)
        return tuple(value for value, _ in found), tuple(slopes for _, slopes in found)

    def _slopes(self, tapes: Sequence[Any]) -> list[tuple[Any, Any]]:
        plain = [self._read(tape) for tape in tapes]
        found = iter(self._plain.slopes([each for each in plain if len(each.row)]))
        out: list[tuple[Any, Any]] = []
        for tape, each in zip(tapes, plain, strict=True):
            if not len(each.row):
                out.append((self._value(tape), _zeros(tape)))
                continue
            values, slopes = next(found)
            places = _places(tape)
            rows = [_one_or_tuple(np.array(0.0 if at is None else by[at]) for at in places) for by in slopes]
            out.append((_one_or_tuple(map(np.array, values)), _one_or_tuple(rows)))
        return out

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


def _operators_of(tape: Any) -> list[Any]:
    return [op for op in tape.operations if not isinstance(op, qml.Snapshot)]


def _one_or_tuple(found: Iterable[Any]) -> Any:
    """The results of one tape: of a single measurement, or parameter, as it is."""
    parts = tuple(found)
    return parts[0] if len(parts) == 1 else parts


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
    row = _one_or_tuple(np.zeros(()) for _ in tape.trainable_params)
    return _one_or_tuple(row for _ in tape.measurements)


def _rows(tape: Any, slopes: Any) -> Any:
    """A Jacobian as a matrix, a row a measurement."""
    return np.array(slopes, dtype=np.float64).reshape(len(tape.measurements), len(tape.trainable_params))


def _jvp(tape: Any, slopes: Any, tangents: Any) -> Any:
    found = _rows(tape, slopes) @ np.array(tangents, dtype=np.float64).reshape(-1)
    return found[0] if len(found) == 1 else tuple(found)


def _vjp(tape: Any, slopes: Any, cotangents: Any) -> Any:
    weights: Any = np.array(cotangents, dtype=np.float64).reshape(-1)
    return tuple(weights @ _rows(tape, slopes))
