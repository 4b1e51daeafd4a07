"""The Fubini-Study metric of a parametrised state, from exact derivatives of it on the native core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.api.parametrised import Parametrised
from qmk.base.errors import QmkError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def metric_of(program: Parametrised, angles: Array) -> Array:
    """Shape (parameters, parameters). Raises RESOURCE_EXHAUSTED where the states have no room."""
    import numpy as np
    import qmk_native

    from qmk.worker.native import MEMORY_BYTES

    matrix = program.angles.matrix
    factors = [[(int(k), float(row[k])) for k in np.flatnonzero(row)] for row in matrix]
    size = matrix.shape[1]
    try:
        found = qmk_native.metric_tensor(program.circuit, angles.tolist(), factors, size, MEMORY_BYTES)
    except MemoryError as full:
        raise QmkError("RESOURCE_EXHAUSTED", f"native: {full}", engine="native") from full
    return np.array(found, dtype=np.float64).reshape(size, size)
