"""CallsRefused: system calls that the isolation of a job's worker refused."""

from __future__ import annotations

from qmk.kernel.events import Record


class CallsRefused(Record, frozen=True):
    """The worker of a launch made system calls that its isolation refused: how many of each name. The host sums them
    up, so that there is one of these for a launch, whatever it does; it may come after the job's end."""

    job: str
    tenant: str
    engine: str
    calls: dict[str, int]
