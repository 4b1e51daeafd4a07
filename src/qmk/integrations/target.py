"""Where an integration runs its programs: in this process, or on a daemon.

Every integration has a ``Target`` and asks it for counts and values; so all of them take the same arguments, give
batches as batches, and keep seeds alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk.abi.calls.q_jobs import JobRow
    from qmk.api.observing import Array, Expectation
    from qmk.client.batch import Batch, CountsBatch
    from qmk.client.job import Job
    from qmk.client.result import Result
    from qmk.client.sync import Client
    from qmk.qvm.graph import Graph
    from qmk.qvm.outputs import Outputs, Values
    from qmk.request.batches import BatchLike
    from qmk.request.observables import ObservableLike
    from qmk.request.program import ProgramLike
    from qmk.request.sweeps import PointsLike


class Target:
    """``server`` None: this process. Else the path of a daemon's socket, "" for the user's own daemon, or the URL of a
    server; ``token`` is the tenant's, by default as ``qmk.Client`` finds it. ``options`` are those of ``qmk.run`` that
    hold for all runs, such as ``engine`` or ``noise``. Raises INVALID_PARAMS for another name."""

    def __init__(self, server: str | None = None, token: str | None = None, **options: Any) -> None:
        from qmk.request.options import check_names

        check_names(options)
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

    def submit(self, programs: BatchLike, points: PointsLike | None = None, **options: Any) -> Batch[Job]:
        """Handles of the jobs of ``run``, which go on without this process. Only on a daemon."""
        return self.client.submit_many(programs, points, **{**self.options, **options})

    def jobs(self, tag: str) -> list[JobRow]:
        """What a daemon lists of the jobs with a tag, from any process: in the order of the numbers where the keys of
        all are the tag and a number, else those accepted first first. Raises ``QmkError`` JOB_NOT_FOUND, and
        INVALID_PARAMS for this process, whose jobs end with it."""
        from qmk.base.errors import QmkError

        if not self.is_remote:
            fix = "give server=..., and keep the job there"
            raise QmkError("INVALID_PARAMS", "jobs of this process are not kept", field="job_id", help=fix)
        rows = self.client.group(tag).rows()
        if not rows:
            fix = "look at its id, and that the tenant is the one that submitted it"
            raise QmkError("JOB_NOT_FOUND", f"there is no job {tag!r:.60}", field="job_id", help=fix)
        places = [number for row in rows if (number := _number_of(row, tag)) is not None]
        if len(places) < len(rows):  # kept before its jobs had keys, or those of several batches
            return rows
        return [rows[at] for at in sorted(range(len(rows)), key=places.__getitem__)]

    def submit_state(self, program: ProgramLike, **options: Any) -> Job:
        """The handle of a job for a state, see ``state_of``. Only on a daemon."""
        from qmk.request.outputs import outputs

        graph, asked = outputs(program, state=True, counts=False)
        reply = self.client.submit(graph, outputs=asked, **{**self.options, **options})
        return self.client.job(reply.job_id)

    def state(self, program: ProgramLike, **options: Any) -> Array:
        """The state vector, as ``qmk.state`` gives it."""
        if self.is_remote:
            return state_of(self.submit_state(program, **options).result())
        from qmk.api.observing import state

        return state(program, **{**self.options, **options})

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

    def values_of_batch(
        self, programs: Sequence[ProgramLike], observables: Sequence[ObservableLike], **options: Any
    ) -> list[list[Expectation]]:
        """``values`` of several programs, a row each; on a daemon they are sent as batches, one for all programs that
        are asked for the same."""
        if not self.is_remote:
            return [self.values(program, observables, **options)[0] for program in programs]
        from qmk.api.observing import Expectation
        from qmk.request.outputs import outputs

        given = {**self.options, **options}
        read: dict[str, Any] = {name: given.pop(name, None) for name in ("params", "format")}
        sampled = given.get("shots") is not None
        alike: dict[Outputs, list[tuple[int, Graph]]] = {}
        for at, program in enumerate(programs):
            graph, asked = outputs(program, expect=observables, counts=False, sampled=sampled, **read)
            alike.setdefault(asked, []).append((at, graph))
        rows: list[list[Expectation]] = [[] for _ in programs]
        for asked, members in alike.items():
            found = self.client.run_many([graph for _, graph in members], outputs=asked, **given)
            for (at, _), result in zip(members, found, strict=True):
                assert result.values is not None, "a job with outputs has values"
                each = result.values.points[0].expectations
                rows[at] = [Expectation.of(one, result.values) for one in each]
        return rows

    def probabilities(self, program: ProgramLike, qubits: Sequence[int], **options: Any) -> Array:
        """The probabilities of the values of ``qubits``, the first the highest bit; see ``qmk.probabilities``."""
        import numpy as np

        given = {**self.options, **options}
        if not self.is_remote:
            from qmk.api.observing import probabilities

            return np.asarray(probabilities(program, qubits, **given).values, dtype=np.float64)
        (row,) = self._remote_values(program, given, probabilities=[list(qubits)]).points[0].probabilities
        return np.array([each.value for each in row])

    def result(self, program: ProgramLike, **asked_for: Any) -> Result:
        """The result of a job that is asked for more than counts, or for none; ``asked_for`` goes to ``qmk.outputs``,
        except for ``options``, those of this run."""
        from qmk.request.outputs import outputs

        given = {**self.options, **asked_for.pop("options", {})}
        read: dict[str, Any] = {name: given.pop(name, None) for name in ("params", "format")}
        graph, asked = outputs(program, **asked_for, **read)
        if self.is_remote:
            return self.client.run(graph, outputs=asked, **given)
        from qmk.api.embedded import run

        ran: Any = run
        found: Result = ran(graph, outputs=asked, **given)
        return found

    def _remote_values(self, program: ProgramLike, options: dict[str, Any], **asked_for: Any) -> Values:
        """What a daemon is asked for beyond counts."""
        sampled = options.get("shots") is not None
        values = self.result(program, **asked_for, options=options, counts=False, sampled=sampled).values
        assert values is not None, "a job with outputs has values"
        return values


def _number_of(row: JobRow, tag: str) -> int | None:
    """The number after the tag in the key of a job, None where it has no such key."""
    start, _, number = row.idempotency_key.rpartition("-")
    return int(number) if start == tag and number.isdecimal() else None


def state_of(result: Result) -> Array:
    """The state vector of a job that was asked for it."""
    import numpy as np

    assert result.values is not None, "a job with outputs has values"
    return np.frombuffer(result.values.points[0].state, dtype="<c16").astype(np.complex128)
