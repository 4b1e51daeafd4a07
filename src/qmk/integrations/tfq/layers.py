"""Keras layers of TensorFlow Quantum whose values and derivatives QMK computes, by adjoint differentiation."""

from __future__ import annotations

# TensorFlow Quantum needs an environment of its own (Cirq 1.5, TensorFlow 2.18) and has no types.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
import functools
import inspect
from typing import Any

import cirq
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_quantum as tfq
from tensorflow_quantum.core.proto import program_pb2

from qmk.api.differentiating import Objective, value_and_grad
from qmk.api.observing import expectation
from qmk.integrations.cirq import Simulator, programs

Reals = npt.NDArray[np.float32]
Texts = npt.NDArray[Any]
"""Serialized circuits or observables, or names of symbols, as bytes."""

PREPARED = 4096
"""Pairs of a circuit and an observable that are kept ready."""


def _as_it_is(call: Any) -> Any:
    """A layer's ``call`` that AutoGraph does not rewrite: it decides nothing by a tensor, and rewriting it takes longer
    than many epochs."""
    kept = tf.autograph.experimental.do_not_convert(call)
    kept.__signature__ = inspect.signature(call)  # Keras passes what it names
    return kept


class Expectation(tfq.layers.Expectation):
    """``tfq.layers.Expectation`` on QMK: exact values, and derivatives by one pass back through the gates.

    ``server`` and ``token``: those of a daemon, as ``qmk.Client`` takes them; the derivatives are then those of
    TensorFlow Quantum's parameter-shift rule, on the daemon. Other options are those of ``qmk.expectation``. Keywords
    of Keras layers are passed on as ``layer``.
    """

    def __init__(
        self, server: str | None = None, token: str | None = None, layer: dict[str, Any] | None = None, **options: Any
    ) -> None:
        simulator = Simulator(server=server, token=token, **options)
        super().__init__(backend=simulator, **(layer or {}))
        if server is None:
            self._expectation_op = _Operation(options)

    call = _as_it_is(tfq.layers.Expectation.call)


class PQC(tfq.layers.PQC):
    """``tfq.layers.PQC`` on QMK: ``PQC(model_circuit, operators)``, with the initializer, regularizer and constraint
    that the original takes. ``qmk``: the options of ``Expectation``."""

    def __init__(
        self, model_circuit: cirq.Circuit, operators: Any, *, qmk: dict[str, Any] | None = None, **keywords: Any
    ) -> None:
        super().__init__(model_circuit, operators, **keywords)
        self._executor = Expectation(**(qmk or {}))

    call = _as_it_is(tfq.layers.PQC.call)


class _Operation:
    """Values of circuits as a differentiable operation of TensorFlow: (circuits, names, values, operators), shapes (n),
    (symbols), (n, symbols), (n, operators), to a tensor of shape (n, operators)."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._prepare: Any = functools.lru_cache(maxsize=PREPARED)(functools.partial(_prepare, options))

    def __call__(self, circuits: Any, names: Any, values: Any, operators: Any) -> Any:
        @tf.custom_gradient
        def evaluate(circuits: Any, names: Any, values: Any, operators: Any) -> Any:
            found = tf.numpy_function(self._values, [circuits, names, values, operators], tf.float32)
            found.set_shape(operators.shape)

            def differentiate(upstream: Any) -> Any:
                given = [circuits, names, values, operators, upstream]
                slopes = tf.numpy_function(self._slopes, given, tf.float32)
                slopes.set_shape(values.shape)
                return None, None, slopes, None

            return found, differentiate

        return evaluate(circuits, names, values, operators)

    def _values(self, circuits: Texts, names: Texts, values: Reals, operators: Texts) -> Reals:
        found = np.zeros(operators.shape, np.float32)
        texts = list(map(_sort, circuits))
        for (row, column), operator in np.ndenumerate(operators):
            objective = self._prepare(texts[row], operator)
            known = isinstance(objective, Objective)
            found[row, column] = objective.value(_point(objective, names, values[row])) if known else objective
        return found

    def _slopes(self, circuits: Texts, names: Texts, values: Reals, operators: Texts, upstream: Reals) -> Reals:
        found = np.zeros(values.shape, np.float32)
        where = {name.decode(): k for k, name in enumerate(names)}
        texts = list(map(_sort, circuits))
        for (row, column), operator in np.ndenumerate(operators):
            objective = self._prepare(texts[row], operator)
            if not isinstance(objective, Objective):
                continue
            by = objective.at(_point(objective, names, values[row])).by
            for name, slope in by.items():
                found[row, where[name]] += upstream[row, column] * slope
        return found


def _sort(circuit: bytes) -> bytes:
    """A serialized circuit with the arguments of its gates in order: TensorFlow Quantum writes them in another one each
    time it appends a circuit."""
    return program_pb2.Program.FromString(circuit).SerializeToString(deterministic=True)


def _prepare(options: dict[str, Any], circuit: bytes, operator: bytes) -> Objective | float:
    """One serialized observable of one serialized circuit as a function of its symbols; a number without any."""
    program = tfq.from_tensor(tf.constant([circuit]))[0]
    observable = tfq.from_tensor(tf.constant([operator]))[0]
    qubits = sorted({*program.all_qubits(), *observable.qubits})
    found = programs.read(program, qubits).circuit
    wanted = programs.to_observable(observable, qubits)
    if not found.parameters:
        return expectation(found, wanted, **options).value
    return value_and_grad(found, wanted, **options)


def _point(objective: Objective, names: Texts, values: Reals) -> dict[str, float]:
    given = dict(zip((name.decode() for name in names), map(float, values), strict=True))
    return {name: given[name] for name in objective.names}
