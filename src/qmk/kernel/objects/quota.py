"""Quotas: what a tenant or a session may use, in one table, and how each kind of them counts.

``held``: taken and given back. ``per_job``: the bound of one job. ``spent``: used up within a period; what an admitted
job is expected to use is reserved and counts as used until the job ends. ``rate``: a bucket of calls that fills evenly.
Amounts are whole numbers, so that no sum depends on the order of its parts; ``scale`` says how many make one unit.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from qmk.abi.shapes import QuotaFigures
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import seconds_text

Kind = Literal["held", "per_job", "spent", "rate"]
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


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


_ENDS = "when a job of the tenant ends or is cancelled"
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
        _ENDS,
    ),
    "channels": Row(
        "held",
        "channels",
        1_000,
        "channels proposed or open at once; a proposal counts for its proposer, an open channel for both its tenants",
        "when one is closed, or expires",
        per_session=False,
    ),
    "queued_jobs": Row("held", "jobs", LIMITS.queued_jobs, "jobs that have not ended, running ones among them", _ENDS),
    "running_jobs": Row(
        "held", "jobs", LIMITS.running_jobs, "jobs on engines at once; a job waits in the queue until one ends", _ENDS
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
    """Raise INVALID_PARAMS when a name is no quota's, or a limit is negative."""
    for name, limit in limits.items():
        if name not in QUOTAS:
            near = difflib.get_close_matches(name, QUOTAS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"quotas: {', '.join(QUOTAS)}"
            raise QmkError("INVALID_PARAMS", f"no quota is named '{name[:64]}'; {hint}", field=f"{field}.{name[:64]}")
        if limit < 0:
            raise QmkError("INVALID_PARAMS", f"{field}.{name} is {limit}", field=f"{field}.{name}", expected="int >= 0")


class Quota:
    """``used`` of ``limit`` units. ``require`` asks, ``take`` and ``give`` count. ``owner`` is told in refusals: the
    name of the tenant, or "session"."""

    __slots__ = ("bound", "held", "limit", "name", "owner", "row")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        self.name = name
        self.row = QUOTAS[name]
        self.owner = owner
        self.held = 0
        self.set_limit(limit)

    def set_limit(self, limit: int) -> None:
        """``limit`` is in units, ``bound`` in what is counted."""
        self.limit = limit
        self.bound = limit * self.row.scale

    @property
    def used(self) -> int:
        return self.held

    def fits(self, more: int = 1) -> bool:
        return self.held + more <= self.bound

    def require(self, more: int = 1) -> None:
        """Raise QUOTA_EXCEEDED unless ``more`` is free. It is retryable when ``more`` alone would fit."""
        if not self.fits(more):
            raise self.refusal(more, 0)

    def take(self, count: int = 1) -> None:
        self.held += count

    def give(self, count: int = 1) -> None:
        self.held -= count
        assert self.held >= 0, self.name

    def refusal(self, more: int, now_ns: int) -> QmkError:
        """QUOTA_EXCEEDED for ``more``; ``now_ns`` is for kinds that know when it is free again."""
        return self.exceeded(more, more <= self.bound)

    def never(self, more: int) -> QmkError:
        """QUOTA_EXCEEDED for what exceeds the limit by itself."""
        row = self.row
        verb = "exceeds" if more == 1 else "exceed"
        return self._error(f"{_counted(more, row.unit)} of one job {verb}", more, 0, "", False, {})

    def exceeded(self, more: int, retryable: bool, frees: str = "", **fields: Any) -> QmkError:
        """The refusal of ``more`` on top of what is used. ``frees``: when it is free again, where that is known better
        than the table does."""
        row = self.row
        used, asked = _in_units(self.used, row.scale), _in_units(more, row.scale)
        top = f" on top of {used}" if used else ""
        frees = frees or row.frees
        then = f"; it is free again {frees}" if retryable and frees else ""
        lead = f"{_counted(asked, row.unit)}{top} {'exceeds' if asked == 1 else 'exceed'}"
        return self._error(lead, _in_units(self.used + more, row.scale), used, then, retryable, fields)

    def _error(
        self, lead: str, asked: float, used: float, then: str, retryable: bool, fields: dict[str, Any]
    ) -> QmkError:
        whose = "the session's quota" if self.owner == SESSION else "the quota"
        return QmkError(
            "QUOTA_EXCEEDED",
            f"{lead} {whose} '{self.name}' of {_counted(self.limit, self.row.unit)}{then}",
            quota=self.name,
            asked=asked,
            limit=self.limit,
            used=used,
            scope="session" if self.owner == SESSION else "tenant",
            retryable=retryable,
            **fields,
        )

    def figures(self, now_ns: int) -> QuotaFigures:
        row, used = self.row, self.used
        return QuotaFigures(self.name, row.kind, row.unit, self.limit, used if row.scale == 1 else used / row.scale)


SESSION = ""
"""The owner of a session's quotas; no tenant has this name."""


class Spent(Quota):
    """``spent`` in the period that ends at ``ends_ns``, and ``held``, which is what admitted jobs reserve of it."""

    __slots__ = ("ends_ns", "spent")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.spent = 0
        self.ends_ns = 0

    @property
    def used(self) -> int:
        return self.spent + self.held

    def fits(self, more: int = 1) -> bool:
        return self.spent + self.held + more <= self.bound

    def refusal(self, more: int, now_ns: int) -> QmkError:
        if more + self.held > self.bound:  # what others reserve is charged or given back when their jobs end
            return self.exceeded(more, more <= self.bound, _ENDS)
        wait_ms = max(1, -(-(self.ends_ns - now_ns) // 1_000_000))
        frees = f"{self.row.frees}, in {seconds_text(wait_ms / 1000)}"
        return self.exceeded(more, True, frees, retry_after_ms=wait_ms, period_end=self.ends_ns / SECOND_NS)

    def figures(self, now_ns: int) -> QuotaFigures:
        row, used = self.row, _in_units(self.used, self.row.scale)
        return QuotaFigures(self.name, row.kind, row.unit, self.limit, used, self.ends_ns / SECOND_NS)


class Storage(Quota):
    """``held`` is what cannot give way: jobs that have not ended, checkpoints. ``kept`` are the ended jobs, oldest
    first, which do. ``waiting`` is asked for by jobs in VALIDATING, and not used yet."""

    __slots__ = ("kept", "kept_bytes", "waiting")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.kept: OrderedDict[str, int] = OrderedDict()
        self.kept_bytes = 0
        self.waiting = 0

    @property
    def used(self) -> int:
        return self.held + self.kept_bytes

    def fits(self, more: int = 1) -> bool:
        return self.held + self.waiting + more <= self.bound

    def keep(self, job: str, size: int) -> None:
        self.kept[job] = size
        self.kept_bytes += size

    def drop(self, job: str) -> None:
        self.kept_bytes -= self.kept.pop(job)

    @property
    def overfull(self) -> bool:
        return self.held + self.kept_bytes > self.limit and bool(self.kept)


class Rate(Quota):
    """A bucket of ``limit`` calls that fills evenly within a minute, kept as the moment ``ready_ns`` at which it will
    be full. When the clock goes back, that moment goes back with it."""

    __slots__ = ("ready_ns", "refused", "seen_ns")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.ready_ns = self.seen_ns = 0
        self.refused = 0

    def call(self, now_ns: int) -> None:
        """Take one call. Raise QUOTA_EXCEEDED with ``retry_after_ms`` when the bucket is empty; ``refused`` counts how
        often in a row."""
        if now_ns < self.seen_ns:
            self.ready_ns -= self.seen_ns - now_ns
        self.seen_ns = now_ns
        limit = self.limit
        if not limit:
            self.refused += 1
            raise self.exceeded(1, False)
        ready_ns = (self.ready_ns if self.ready_ns > now_ns else now_ns) + MINUTE_NS // limit
        if ready_ns > now_ns + MINUTE_NS:
            self.refused += 1
            self.look(now_ns)
            wait_ms = -(-(ready_ns - now_ns - MINUTE_NS) // 1_000_000)
            raise self.exceeded(1, True, f"in {seconds_text(wait_ms / 1000)}", retry_after_ms=wait_ms)
        self.ready_ns = ready_ns
        self.refused = 0

    def look(self, now_ns: int) -> None:
        """Make ``used`` what is missing in the bucket now."""
        missing_ns = min(max(0, self.ready_ns - now_ns), MINUTE_NS)
        self.held = -(-missing_ns * self.limit // MINUTE_NS)

    def figures(self, now_ns: int) -> QuotaFigures:
        self.look(now_ns)
        return super().figures(now_ns)


def made(name: str, limit: int, owner: str) -> Quota:
    """The quota of this name, with its own way of counting."""
    if name == "bytes_stored":
        return Storage(name, limit, owner)
    kind = QUOTAS[name].kind
    return {"held": Quota, "per_job": Quota, "spent": Spent, "rate": Rate}[kind](name, limit, owner)


def _counted(amount: float, unit: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def _in_units(amount: int, scale: int) -> int | float:
    return amount if scale == 1 else amount / scale
