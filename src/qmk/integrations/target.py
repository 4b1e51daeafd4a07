"""Where an integration runs its programs: in this process, or on a daemon.

Every integration has a ``Target`` and asks it for counts and values; so all of them take the same arguments, give
batches as batches, and keep seeds alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        """What a daemon lists of the jobs with a tag, those accepted first first, from any process. Raises ``QmkError``
        JOB_NOT_FOUND, and INVALID_PARAMS for this process, whose jobs end with it."""
        from qmk.base.errors import QmkError

        if not self.is_remote:
            fix = "give server=..., and keep the job there"
            raise QmkError("INVALID_PARAMS", "jobs of this process are not kept", field="job_id", help=fix)
        rows = self.client.group(tag).rows()
        if not rows:
            fix = "look at its id, and that the tenant is the one that submitted it"
            raise QmkError("JOB_NOT_FOUND", f"there is no job {tag!r:.60}", field="job_id", help=fix)
        return rows

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

    def table(
        self,
        program: ProgramLike,
        observables: Sequence[ObservableLike],
        points: PointsLike | None = None,
        **options: Any,
    ) -> tuple[Array, Array]:
        """What ``values`` gives, as arrays of the values and their standard errors, shape (points, observables)."""
        import numpy as np

        if points is not None and not self.is_remote and options.get("shots") is None:
            from qmk.api.sweeping import sweep

            swept = sweep(program, points, list(observables), **{**self.options, **options})
            return swept.values, swept.errors
        rows = self.values(program, observables, points, **options)
        return np.array([[e.value for e in row] for row in rows]), np.array([[e.error for e in row] for row in rows])

    def draw(self, program: ProgramLike, points: PointsLike | None = None, **options: Any) -> Iterator[Array]:
        """The printed bits of each shot, as matrices of 0 and 1 of shape (points, shots, bits), a part of the points
        after another; without points there is one. All points are one job where the angles are affine functions of the
        parameters: then the shots of a point stand in random order."""
        import numpy as np

        given = {**self.options, **options}
        if points is not None:
            found = (
                self._points_of_counts(program, points, given) if self.is_remote else _at_once(program, points, given)
            )
            if found is not None:
                yield from found
                return
            for result in self.run([(program, points)], **options):
                yield result.bits()[None]
            return
        yield np.array([self.run([program], **options)[0].bits()])

    def _points_of_counts(
        self, program: ProgramLike, points: PointsLike, options: dict[str, Any]
    ) -> Iterator[Array] | None:
        """The shots of all points from one job, None where the program has no such sweep, or the answer is too long."""
        from qmk.base.errors import QmkError
        from qmk.base.limits import LIMITS
        from qmk.qvm.outputs import Outputs, values_bytes_max
        from qmk.request.shots import DEFAULT_SHOTS
        from qmk.request.sweeps import points_of, sweep_of

        params, format = options.get("params"), options.get("format")
        try:
            graph, sweep = sweep_of(program, points_of(points, params), format)
        except QmkError as refused:
            if refused.fields.get("field") != "points":
                raise
            return None
        asked = Outputs(sweep=sweep)
        if values_bytes_max(asked, graph, 0, options.get("shots") or DEFAULT_SHOTS) > LIMITS.values_bytes:
            return None
        rest = {name: value for name, value in options.items() if name not in ("params", "format")}
        found = self.client.run(graph, outputs=asked, **rest)
        assert found.values is not None, "a job with outputs has values"
        return (_rows_of(point.counts, found.seed, at)[None] for at, point in enumerate(found.values.points))

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


_PART_BYTES = 1 << 26
"""So many bytes of unpacked bits are at hand at once."""


def _at_once(program: ProgramLike, points: PointsLike, options: dict[str, Any]) -> Iterator[Array] | None:
    """The shots of all points from one reading of the program in this process; None where that cannot be."""
    import numpy as np

    from qmk.api.sweeping import draw_bits
    from qmk.request.options import read_options

    found = draw_bits(program, points, read_options("qmk.run", options))
    if found is None:
        return None
    size = max(1, _PART_BYTES // max(1, found[0].size))
    return (np.stack(found[start : start + size]) for start in range(0, len(found), size))


def _rows_of(counts: Mapping[str, int], seed: int, point: int) -> Array:
    """The shots that make up counts, in random order, as rows of 0 and 1."""
    import numpy as np

    from qmk.base.seeds import substream

    keys = np.array([[digit == "1" for digit in key if digit != " "] for key in counts], np.uint8)
    rows = np.repeat(keys.reshape(len(counts), -1), list(counts.values()), axis=0)
    return np.random.default_rng(substream(seed, "order", point)).permutation(rows)


def state_of(result: Result) -> Array:
    """The state vector of a job that was asked for it."""
    import numpy as np

    assert result.values is not None, "a job with outputs has values"
    return np.frombuffer(result.values.points[0].state, dtype="<c16").astype(np.complex128)
