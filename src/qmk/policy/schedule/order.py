"""Which of a tenant's jobs goes first: priority with ageing, then deadline, then arrival.

The order of two jobs never changes while they wait, so it is one number per job and needs no upkeep. A job's rank is
the epoch by which it asks to be served: the epoch of its acceptance, plus its deadline (``NO_DEADLINE`` epochs when it
has none), less ``POINT_EPOCHS`` for each point of priority. The smallest rank goes first. Hence

- among jobs accepted in one epoch, the order is (priority, deadline, arrival), since a point outweighs any deadline;
- a waiting job gains one point of priority, relative to those accepted later, every ``POINT_EPOCHS``;
- **bound**: a job of priority p is overtaken only by jobs accepted at most ``overtaking_epochs(p' - p)`` epochs after
  it, where p' is their priority. What comes later stays behind, so nothing starves.
"""

from __future__ import annotations

from qmk.kernel.scheduling import Task

NO_DEADLINE = 1000
"""A job without a deadline is served as if it had one of this many epochs; so are later deadlines, which differ no
more."""

POINT_EPOCHS = NO_DEADLINE + 200
"""Epochs of waiting that are worth one point of priority."""


def rank(task: Task, accepted_epoch: int) -> tuple[int, int]:
    """The key of a job in its tenant's queue; the smallest goes first."""
    deadline = NO_DEADLINE if task.deadline_epochs is None else min(task.deadline_epochs, NO_DEADLINE - 1)
    return accepted_epoch + deadline - POINT_EPOCHS * task.priority, task.seq


def overtaking_epochs(points: int) -> int:
    """How much later a job of ``points`` more priority may have been accepted and still go first, at most."""
    return max(0, POINT_EPOCHS * points + NO_DEADLINE)
