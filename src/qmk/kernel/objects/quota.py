"""How each kind of quota counts, and how it refuses; the table of them is ``abi.quotas``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from qmk.abi.quotas import JOB_ENDS, QUOTAS, SECOND_NS
from qmk.abi.shapes import QuotaFigures
from qmk.base.errors import QmkError
from qmk.base.units import seconds_text

MINUTE_NS = 60 * SECOND_NS


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
        return self._error(f"{_count_text(more, row.unit)} of one job {verb}", more, 0, "", False, {})

    def exceeded(self, more: int, retryable: bool, frees: str = "", **fields: Any) -> QmkError:
        """The refusal of ``more`` on top of what is used. ``frees``: when it is free again, where that is known better
        than the table does."""
        row = self.row
        used, asked = _in_units(self.used, row.scale), _in_units(more, row.scale)
        top = f" on top of {used}" if used else ""
        frees = frees or row.frees
        then = f"; it is free again {frees}" if retryable and frees else ""
        lead = f"{_count_text(asked, row.unit)}{top} {'exceeds' if asked == 1 else 'exceed'}"
        return self._error(lead, _in_units(self.used + more, row.scale), used, then, retryable, fields)

    def _error(
        self, lead: str, asked: float, used: float, then: str, retryable: bool, fields: dict[str, Any]
    ) -> QmkError:
        whose = "the session's quota" if self.owner == SESSION else "the quota"
        return QmkError(
            "QUOTA_EXCEEDED",
            f"{lead} {whose} '{self.name}' of {_count_text(self.limit, self.row.unit)}{then}",
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
            return self.exceeded(more, more <= self.bound, JOB_ENDS)
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


def _count_text(amount: float, unit: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def _in_units(amount: int, scale: int) -> int | float:
    return amount if scale == 1 else amount / scale
