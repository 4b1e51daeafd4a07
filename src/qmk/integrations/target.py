"""Where an integration runs its programs: in this process, or on a daemon.

Every integration has a ``Target`` and asks it for counts and values; so all of them take the same arguments, give
batches as batches, and keep seeds alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qmk.api.observing import Expectation
    from qmk.client.batch import CountsBatch
    from qmk.client.result import Result
    from qmk.client.sync import Client
    from qmk.qvm.outputs import Values
    from qmk.request.batches import BatchLike
    from qmk.request.observables import ObservableLike
    from qmk.request.program import ProgramLike
    from qmk.request.sweeps import PointsLike


class Target:
    """``server`` None: this process. Else the path of a daemon's socket, or "" for the user's own daemon; ``token`` is
    the tenant's. ``options`` are those of ``qmk.run`` that hold for all runs, such as ``engine`` or ``noise``."""

    def __init__(self, server: str | None = None, token: str | None = None, **options: Any) -> None:
        self.server, self.token, self.options = server, token, options
        self._client: Client | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}

    @property
    def is_remote(self) -> bool:
        return self.server is not None

    @property
    def client(self) -> Client:
        """The connection to the daemon, opened on first use."""
        from qmk.client.sync import Client

        if self._client is None:
            self._client = Client(self.server or None, token=self.token)
        return self._client

    def close(self) -> None:
        """Closes the connection, if there is one. Jobs go on."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(self, programs: BatchLike, points: PointsLike | None = None, **options: Any) -> CountsBatch[Result]:
        """The results of several programs, at several points where given; see ``qmk.run`` for a list."""
        given = {**self.options, **options}
        if self.is_remote:
            return self.client.run_many(programs, points, **given)
        from qmk.api.embedded import run

        return run(programs, points, **given)

    def values(
        self,
        program: ProgramLike,
        observables: Sequence[ObservableLike],
        points: PointsLike | None = None,
        **options: Any,
    ) -> list[list[Expectation]]:
        """The expectation values of each observable, at each point; without points there is one row. ``shots``: so many
        are drawn of each basis of measurement; without, values are exact where they can be."""
        from qmk.api.observing import Expectation, expectation

        given = {**self.options, **options}
        if not self.is_remote:
            if points is not None:
                return list(expectation(program, list(observables), points, **given))
            return [expectation(program, list(observables), **given)]
        found = self._remote_values(program, given, expect=observables, points=points)
        return [[Expectation.of(one, found) for one in point.expectations] for point in found.points]

    def state(self, program: ProgramLike, **options: Any) -> npt.NDArray[np.complex128]:
        """The state vector, qubit 0 the highest bit of an index, up to a global phase; see ``qmk.state``."""
        given = {**self.options, **options}
        if not self.is_remote:
            from qmk.api.observing import state

            return state(program, **given)
        import numpy as np

        found = self._remote_values(program, given, state=True).points[0].state
        return np.frombuffer(found, dtype="<c16").astype(np.complex128)

    def probabilities(self, program: ProgramLike, qubits: Sequence[int], **options: Any) -> npt.NDArray[np.float64]:
        """The probabilities of the values of ``qubits``, the first the highest bit; see ``qmk.probabilities``."""
        import numpy as np

        given = {**self.options, **options}
        if not self.is_remote:
            from qmk.api.observing import probabilities

            return np.asarray(probabilities(program, qubits, **given).values, dtype=np.float64)
        (row,) = self._remote_values(program, given, probabilities=[list(qubits)]).points[0].probabilities
        return np.array([each.value for each in row])

    def _remote_values(self, program: ProgramLike, options: dict[str, Any], **asked_for: Any) -> Values:
        """What a daemon is asked for beyond counts; ``asked_for`` goes to ``qmk.outputs``."""
        from qmk.request.outputs import outputs

        sampled = options.get("shots") is not None
        params, format = options.pop("params", None), options.pop("format", None)
        graph, asked = outputs(program, **asked_for, params=params, format=format, counts=False, sampled=sampled)
        values = self.client.run(graph, outputs=asked, **options).values
        assert values is not None, "a job with outputs has values"
        return values
