"""Objectives for torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.api.frameworks import refuse_second
from qmk.sdk.references import require

if TYPE_CHECKING:
    from qmk.api.differentiating import Objective


def function(objective: Objective) -> Callable[[Any], Any]:
    """The value as a function of a tensor whose last axis has all parameters; other axes are a batch, and the result
    has them. It is of the tensor's type and device, computed in double precision on the processor."""
    import numpy as np

    torch = require("torch", "an objective of its tensors", "torch")
    size = len(objective.names)

    class Slopes(torch.autograd.Function):
        """What is differentiated no further."""

        @staticmethod
        def forward(ctx: Any, points: Any, slopes: Any) -> Any:
            return slopes.clone()

        @staticmethod
        def backward(ctx: Any, *_: Any) -> Any:
            raise refuse_second()

    class Value(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, points: Any) -> Any:
            rows = points.detach().to("cpu", torch.float64).numpy().reshape(-1, size)
            if not ctx.needs_input_grad[0]:
                values = np.array([objective.value(row) for row in rows])
            else:
                pairs = [objective(row) for row in rows]
                values = np.array([value for value, _ in pairs])
                slopes = np.array([slope for _, slope in pairs]).reshape(points.shape)
                ctx.save_for_backward(points, torch.as_tensor(slopes).to(points))
            return torch.as_tensor(values.reshape(points.shape[:-1])).to(points)

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            return slope[..., None] * Slopes.apply(*ctx.saved_tensors)

    def value(points: Any) -> Any:
        points = torch.as_tensor(points)
        if points.ndim == 0 or points.shape[-1] != size:
            objective.value(points.detach().reshape(-1).numpy())  # says what is wrong, unless one number is right
            points = points.reshape(size)
        return Value.apply(points)

    return value
