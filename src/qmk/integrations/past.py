"""Results of jobs that ran before, for an integration that makes its own types of them: nothing is run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.client.job import Job
    from qmk.client.result import Result
    from qmk.integrations.target import Target
    from qmk.integrations.together import Asked
    from qmk.qvm.outputs import Outputs


def past_results(target: Target, tag: str, asked: Sequence[Asked]) -> list[Result]:
    """The results of the jobs with a tag, which are taken to be those of ``asked``, in the order in which they were
    submitted. A program is compared with that of its job, and the numbers of shots, points and observables; raises
    INVALID_PARAMS where they differ, and as ``Target.jobs``. The points and the observables themselves are not kept
    with a result, and are taken to be the same."""
    rows = target.jobs(tag)
    found: list[Result] = []
    for at, one in enumerate(asked):
        if at >= len(rows):
            raise _other(tag, "it has fewer programs")
        found.append(_past_result(tag, target.client.job(rows[at].job_id), one))
    if len(rows) > len(asked):
        raise _other(tag, "it has more programs")
    return found


def _past_result(tag: str, job: Job, asked: Asked) -> Result:
    from qmk.qvm.graph import digest
    from qmk.request.program import to_graph

    options = asked.options
    found = job.result()
    if found.provenance.digest != digest(to_graph(asked.program, params=options.get("params"))):
        raise _other(tag, f"job {job.job_id} ran another program")
    shots, drawn = options.get("shots"), found.values.shots if found.values is not None else 0
    if shots is not None and shots not in (found.shots, drawn):
        raise _other(tag, f"job {job.job_id} drew {found.shots} shots, not {shots}")
    outputs: Outputs | None = options.get("outputs")
    if outputs is not None and found.values is not None:
        sizes = [(len(outputs.points) or 1, len(found.values.points), "points")]
        sizes += [(len(outputs.expectations), len(point.expectations), "values") for point in found.values.points[:1]]
        for wanted, has, what in sizes:
            if wanted != has:
                raise _other(tag, f"job {job.job_id} has {has} {what}, not {wanted}")
    return found


def _other(tag: str, what: str) -> QmkError:
    fix = "give what was run, in the same order and with the same shots"
    return QmkError("INVALID_PARAMS", f"job {tag!r:.60}: {what}", field="job_id", help=fix)
