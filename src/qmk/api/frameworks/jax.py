"""Objectives for JAX: a call back to this process, with a rule for reverse differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.sdk.references import require

if TYPE_CHECKING:
    from qmk.api.differentiating import Objective


def function(objective: Objective) -> Callable[[Any], Any]:
    """The value as a function of an array of all parameters, for ``jax.grad``, ``jax.jit`` and ``jax.vmap``. It is of
    the array's type: single precision unless JAX is told otherwise, computed in double."""
    import numpy as np

    jax = require("jax", "an objective of its arrays", "jax")
    size = len(objective.names)

    def ask(point: Any) -> Any:
        return np.asarray(objective.value(np.asarray(point)), dtype=point.dtype)

    def ask_both(point: Any) -> tuple[Any, Any]:
        value, gradient = objective(np.asarray(point))
        return np.asarray(value, dtype=point.dtype), gradient.astype(point.dtype)

    @jax.custom_vjp
    def value(point: Any) -> Any:
        return jax.pure_callback(ask, jax.ShapeDtypeStruct((), point.dtype), point, vmap_method="sequential")

    def forward(point: Any) -> tuple[Any, Any]:
        shapes = jax.ShapeDtypeStruct((), point.dtype), jax.ShapeDtypeStruct(point.shape, point.dtype)
        return jax.pure_callback(ask_both, shapes, point, vmap_method="sequential")

    def backward(gradient: Any, slope: Any) -> tuple[Any]:
        return (slope * gradient,)

    value.defvjp(forward, backward)

    def of_array(point: Any) -> Any:
        point = jax.numpy.asarray(point)
        if not jax.numpy.issubdtype(point.dtype, jax.numpy.floating):
            point = point.astype(float)
        if point.size != size:
            objective.value(np.zeros(point.size))  # says what is wrong
        return value(point)

    return of_array
