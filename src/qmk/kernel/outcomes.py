"""What is said of a job when a launch gets on, stops or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmk.base.errors import KINDS, QmkError

if TYPE_CHECKING:
    from qmk.kernel.events import Cancelled
    from qmk.kernel.objects.job import Job
    from qmk.kernel.rewriting import Rewritten

PROGRESS_STEPS = 50
"""A launch adds one progress event to its job's history for each of so many equal parts of the shots, and one more
where progress is the first that is heard of it; q_status is always up to date."""

YIELDS = {
    "preempted": "preempted at a fence",
    "migrated": "on its way to another place",
    "rewound": "rolled back",
    "channel": "stopped at a fence, as a channel it uses has ended",
    "unreadable": "its engine cannot read the saved state",
    "unsaved": "stopped at a fence, but its state could not be kept",
}
"""What the history says of a yield, by why it happened."""


def cancelled(job: Job, record: Cancelled) -> QmkError:
    """JOB_CANCELLED, or TIMEOUT where its time limit ended it."""
    if not record.timeout:
        text = f": {record.reason}" if record.reason else ""
        return QmkError("JOB_CANCELLED", f"the job was cancelled{text}", reason=record.reason)
    limit_ms = job.submitted.policy.get("timeout_ms", 0)
    return QmkError("TIMEOUT", f"the job did not end within timeout_ms = {limit_ms}", timeout_ms=limit_ms)


def anew(record: Rewritten) -> str:
    """Why a job waits whose program was written anew."""
    return f"its program was written anew from epoch {record.epoch + 1} on: {record.change['reason']}"


def reported_error(kind: str, message: str, fields: dict[str, Any]) -> QmkError:
    """An error as a worker or the router told it; a kind we do not know is a defect, not the caller's fault."""
    error = QmkError(kind if kind in KINDS else "INTERNAL_ERROR", message)
    error.fields = dict(fields)
    return error


def progress_step(job: Job, shots_done: int) -> int:
    return shots_done * PROGRESS_STEPS // job.shots
