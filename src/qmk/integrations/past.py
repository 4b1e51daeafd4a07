"""Results of jobs that ran before, for an integration that makes its own types of them: nothing is run again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from qmk.base.errors import QmkError
from qmk.integrations.target import Target

if TYPE_CHECKING:
    from qmk.client.job import Job
    from qmk.client.result import Result
    from qmk.qvm.outputs import Outputs


class PastClient:
    """What ``Target`` asks of a client, answered by these jobs in their order. A program is compared with that of its
    job, and the numbers of shots, points and observables; raises INVALID_PARAMS where they differ. The points and the
    observables themselves are not kept with a result, and are taken to be the same."""

    def __init__(self, tag: str, jobs: Iterable[Job]) -> None:
        self._tag, self._jobs = tag, iter(jobs)

    def run(self, program: Any, **options: Any) -> Result:
        from qmk.qvm.graph import digest
        from qmk.request.program import to_graph

        job = next(self._jobs, None)
        if job is None:
            raise self._other("it has fewer programs")
        found = job.result()
        if found.provenance.digest != digest(to_graph(program, params=options.get("params"))):
            raise self._other(f"job {job.job_id} ran another program")
        shots, drawn = options.get("shots"), found.values.shots if found.values is not None else 0
        if shots is not None and shots not in (found.shots, drawn):
            raise self._other(f"job {job.job_id} drew {found.shots} shots, not {shots}")
        asked: Outputs | None = options.get("outputs")
        if asked is not None and found.values is not None:
            sizes = [(len(asked.points) or 1, len(found.values.points), "points")]
            sizes += [(len(asked.expectations), len(point.expectations), "values") for point in found.values.points[:1]]
            for wanted, has, what in sizes:
                if wanted != has:
                    raise self._other(f"job {job.job_id} has {has} {what}, not {wanted}")
        return found

    def run_many(self, programs: Any, points: Any = None, **options: Any) -> list[Result]:
        from qmk.client.points import parts_of, runs_of
        from qmk.request.batches import entries_of
        from qmk.request.options import read_options

        shots = options.pop("shots", None)
        given = read_options("qmk.run", {"params": options.get("params"), "shots": shots})
        _, entries = entries_of(programs, points, given)
        found: list[Result] = []
        for own, graph, there in runs_of(entries, given):
            if graph is None:
                found.append(self.run(own[0].source, params=own[0].params, shots=shots))
            else:
                found += parts_of(self.run(graph, shots=shots, outputs=there.outputs))
        return found

    def require_end(self) -> None:
        """Raises INVALID_PARAMS where the job has more programs than were asked for."""
        if next(self._jobs, None) is not None:
            raise self._other("it has more programs")

    def close(self) -> None:
        """Nothing is open."""

    def _other(self, what: str) -> QmkError:
        fix = "give what was run, in the same order and with the same shots"
        return QmkError("INVALID_PARAMS", f"job {self._tag!r:.60}: {what}", field="job_id", help=fix)


def past_target(target: Target, tag: str) -> tuple[Target, PastClient]:
    """A target that gives the results of the jobs with a tag, and its client. Raises as ``Target.jobs``."""
    rows = target.jobs(tag)
    past = Target(target.server, target.token, **target.options)
    client = PastClient(tag, (target.client.job(row.job_id) for row in rows))
    past._client = cast("Any", client)  # pyright: ignore[reportPrivateUsage]  # it stands for a connection
    return past, client
