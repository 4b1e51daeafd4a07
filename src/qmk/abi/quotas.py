"""Quotas: what a tenant or a session may use, in one table.

``held``: taken and given back. ``per_job``: the bound of one job. ``spent``: used up within a period; what an admitted
job is expected to use is reserved and counts as used until the job ends. ``rate``: a bucket of calls that fills evenly.
Amounts are whole numbers, so that no sum depends on the order of its parts; ``scale`` says how many make one unit.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal, NamedTuple

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import SECOND_NS

Kind = Literal["held", "per_job", "spent", "rate"]


class Row(NamedTuple):
    """``default`` is in ``unit``. ``frees`` ends the sentence "it is free again ...". ``per_session``: a session may be
    opened with a limit of its own below the tenant's."""

    kind: Kind
    unit: str
    default: int
    doc: str
    frees: str
    scale: int = 1
    per_session: bool = True


JOB_ENDS = "when a job of the tenant ends or is cancelled"
_PERIOD = "when the period ends"

QUOTAS: dict[str, Row] = {
    "sessions": Row("held", "sessions", 5_000, "sessions open at once", "when a session is closed", per_session=False),
    "held_qubits": Row(
        "held",
        "qubits",
        LIMITS.held_qubits,
        "logical qubits reserved by q_alloc",
        "when reserved qubits are given back",
    ),
    "logical_qubits": Row(
        "held",
        "qubits",
        10_000_000,
        "logical qubits reserved by q_alloc, and those that each job which has not ended has alive at once",
        "when reserved qubits are given back, or a job ends or is cancelled",
    ),
    "physical_qubits": Row(
        "held",
        "qubits",
        10_000_000,
        "qubits of the device's map that running jobs occupy, those under the logical qubits of a job that names a "
        "machine; a job waits in the queue until they are free",
        JOB_ENDS,
    ),
    "channels": Row(
        "held",
        "channels",
        1_000,
        "channels proposed or open at once; a proposal counts for its proposer, an open channel for both its tenants",
        "when one is closed, or expires",
        per_session=False,
    ),
    "queued_jobs": Row(
        "held", "jobs", LIMITS.queued_jobs, "jobs that have not ended, running ones among them", JOB_ENDS
    ),
    "running_jobs": Row(
        "held",
        "jobs",
        LIMITS.running_jobs,
        "jobs on engines at once; a job waits in the queue until one ends",
        JOB_ENDS,
    ),
    "bytes_stored": Row(
        "held",
        "bytes",
        LIMITS.kept_bytes,
        "graphs and largest results of jobs that have not ended, graphs and results of ended jobs, saved states; "
        "ended jobs give way, the oldest first, so only the rest can exhaust it",
        "when a job ends or a checkpoint is dropped",
        per_session=False,
    ),
    "shots": Row("per_job", "shots", LIMITS.shots, "shots of one job", ""),
    "shots_period": Row("spent", "shots", 10**15, "shots in a period", _PERIOD),
    "gates": Row("spent", "gates", 10**18, "unitary nodes of the program times shots, in a period", _PERIOD),
    "engine_seconds": Row(
        "spent",
        "seconds",
        10**8,
        "time that engines ran in a period; reserved at the router's prediction, charged as measured",
        _PERIOD,
        SECOND_NS,
    ),
    "calls_per_minute": Row(
        "rate",
        "calls",
        60_000_000,
        "calls; as many at once after a quiet minute, then one more each limit-th part of a minute",
        "",
    ),
}
"""The order is that of every listing."""


def check_limits(limits: Mapping[str, int], field: str = "quota") -> None:
    """Raise INVALID_PARAMS when a name is not that of a quota, or a limit is negative."""
    for name, limit in limits.items():
        if name not in QUOTAS:
            near = difflib.get_close_matches(name, QUOTAS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"quotas: {', '.join(QUOTAS)}"
            raise QmkError("INVALID_PARAMS", f"no quota is named '{name[:64]}'; {hint}", field=f"{field}.{name[:64]}")
        if limit < 0:
            raise QmkError("INVALID_PARAMS", f"{field}.{name} is {limit}", field=f"{field}.{name}", expected="int >= 0")
