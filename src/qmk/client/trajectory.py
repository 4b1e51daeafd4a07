"""Values over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.models.arguments import show
from qmk.qvm.outputs import Estimate, Values

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Array = np.ndarray[Any, np.dtype[Any]]


class Trajectory(Mapping[str, "Array"]):
    """The observables of an evolution, by name: ``found["n"]`` are the values of n at ``times``, both arrays of floats
    of shape (times,). ``errors("n")`` are their standard errors, 0 where they are ``exact``."""

    def __init__(self, times: list[float], rows: Mapping[str, list[Estimate]], exact: bool = True) -> None:
        import numpy as np

        self.times: Array = np.array(times)
        self.exact = exact
        self._rows = rows

    @classmethod
    def of(cls, values: Values | None) -> Trajectory:
        """The trajectory among a job's values. Raises NOT_COMPLETED where there is none."""
        point = values.points[0] if values is not None and values.points else None
        if values is None or point is None or not point.times:
            fix = "run a model with observables over time (docs/howto/dynamics.md)"
            raise QmkError("NOT_COMPLETED", "the job gave no values over time", help=fix)
        return cls(point.times, point.trajectory, values.exact)

    def __getitem__(self, name: str) -> Array:
        import numpy as np

        return np.array([each.value for each in self._row(name)])

    def errors(self, name: str) -> Array:
        """Standard errors of an observable at ``times``."""
        import numpy as np

        return np.array([each.error for each in self._row(name)])

    def _row(self, name: str) -> list[Estimate]:
        if name not in self._rows:
            fix = f"there are {', '.join(self._rows)}"
            raise QmkError("INVALID_PARAMS", f"no observable {show(name, 40)}", field="name", help=fix)
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def plot(self, time: str = "time", ax: Axes | None = None, theme: str = "light") -> Figure:
        """The values over time, and the Matplotlib figure: a curve for each observable, with a band of one standard
        error. ``time``: what the axis of time is called. Raises ``QmkError`` UNSUPPORTED without Matplotlib."""
        from qmk.drawing import curves

        return curves.trajectory(self, time, ax, theme)

    def __repr__(self) -> str:
        how = "exact" if self.exact else "sampled"
        return f"<Trajectory of {', '.join(self._rows)} at {len(self.times)} times, {how}>"
