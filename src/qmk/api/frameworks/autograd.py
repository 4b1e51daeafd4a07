"""Objectives for HIPS autograd, and so for PennyLane's numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.api.frameworks import refuse_second
from qmk.sdk.references import require

if TYPE_CHECKING:
    from qmk.api.differentiating import Objective


def function(objective: Objective) -> Callable[[Any], Any]:
    """The value as a function of an array of all parameters, which ``autograd.grad`` and its kin differentiate once."""
    import numpy as np

    extend = require("autograd.extend", "an objective of its arrays", "autograd")

    def gradient(point: Any) -> Any:
        return objective.gradient(np.asarray(point))

    def refuse(*_: Any) -> Any:
        raise refuse_second()

    slopes = extend.primitive(gradient)
    extend.defvjp(slopes, refuse)

    def pullback(_value: float, point: Any) -> Callable[[Any], Any]:
        return lambda slope: slope * slopes(point)

    value = extend.primitive(objective.value)
    extend.defvjp(value, pullback)
    return value
