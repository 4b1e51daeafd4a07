"""A job whose records were left out: its whole state comes in one record, and is put in place of what was replayed."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import convert

from qmk.abi.calls.q_events import JobEvent
from qmk.kernel.events import JobState
from qmk.kernel.objects.alternative import Moved
from qmk.kernel.objects.checkpoint import CheckpointTable
from qmk.kernel.objects.job import Job


class Jobs(Protocol):
    """What a job is loaded into."""

    by_id: dict[str, Job]
    checkpoints: CheckpointTable

    def put_on(self, job: Job, move: Moved) -> None: ...
    def take_over(self, job: Job, fence: int) -> None: ...
    def put_back(self, job: Job, now_ns: int, left_ns: int) -> None: ...
    def move(self, job: Job, state: str) -> None: ...


def load(jobs: Jobs, record: JobState) -> list[Job]:
    """The job as the record has it. Where the records before it were replayed too, it is so already."""
    job = jobs.by_id.get(record.job)
    if job is None or job.ended:
        return []
    for row in record.checkpoints:
        if row.id not in jobs.checkpoints.by_id:
            jobs.checkpoints.add(row)
    state: dict[str, Any] = {**record.state, "events": convert(record.state["events"], list[JobEvent])}
    target, fence = state.pop("state"), state.pop("fence")
    moved = convert(state.pop("moved", ()), tuple[Moved, ...])
    state["tried"], state["changes"] = tuple(state.get("tried", ())), tuple(state.get("changes", ()))
    for name, value in state.items():
        setattr(job, name, tuple(value) if name == "place" else value)
    job.records = 0
    for move in moved[len(job.moved) :]:
        jobs.put_on(job, move)
    if record.started:
        jobs.take_over(job, fence)
    else:  # it may be out here, by a start whose later records are left out
        jobs.put_back(job, record.now_ns, record.left_ns)
    if job.state != target:
        jobs.move(job, target)
    return [job]
