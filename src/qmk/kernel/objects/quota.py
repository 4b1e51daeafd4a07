"""How each kind of quota counts. ``abi.quotas`` has the table of them, and policy words their refusals."""

from __future__ import annotations

from qmk.abi.quotas import QUOTAS
from qmk.abi.shapes import QuotaFigures
from qmk.base.units import SECOND_NS

MINUTE_NS = 60 * SECOND_NS


class Quota:
    """``in_use`` of ``limit`` units are taken. ``fits`` asks, ``take`` and ``give`` count. ``owner`` is the name of the
    tenant, or ``SESSION``."""

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
    def in_use(self) -> int:
        return self.held

    def fits(self, more: int = 1) -> bool:
        return self.held + more <= self.bound

    def take(self, count: int = 1) -> None:
        self.held += count

    def give(self, count: int = 1) -> None:
        self.held -= count
        assert self.held >= 0, self.name

    def in_units(self, amount: int) -> int | float:
        return amount if self.row.scale == 1 else amount / self.row.scale

    def figures(self, now_ns: int, period_end: float | None = None) -> QuotaFigures:
        row, used = self.row, self.in_units(self.in_use)
        return QuotaFigures(self.name, row.kind, row.unit, self.limit, used, period_end)


SESSION = ""
"""The owner of a session's quotas; no tenant has this name."""


class Spent(Quota):
    """Counts what is ``spent`` in the period that ends at ``ends_ns``, and what admitted jobs reserve, ``held``."""

    __slots__ = ("ends_ns", "spent")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.spent = 0
        self.ends_ns = 0

    @property
    def in_use(self) -> int:
        return self.spent + self.held

    def fits(self, more: int = 1) -> bool:
        return self.spent + self.held + more <= self.bound

    def figures(self, now_ns: int, period_end: float | None = None) -> QuotaFigures:
        return super().figures(now_ns, self.ends_ns / SECOND_NS)


class Storage(Quota):
    """``held`` is what cannot give way: jobs that have not ended, checkpoints. ``kept_bytes`` is what ended jobs keep,
    which do. ``waiting`` is asked for by jobs in VALIDATING, and not used yet."""

    __slots__ = ("kept_bytes", "waiting")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.kept_bytes = 0
        self.waiting = 0

    @property
    def in_use(self) -> int:
        return self.held + self.kept_bytes

    def fits(self, more: int = 1) -> bool:
        return self.held + self.waiting + more <= self.bound

    @property
    def overfull(self) -> bool:
        return self.held + self.kept_bytes > self.limit


class Rate(Quota):
    """A bucket of ``limit`` calls that fills evenly within a minute, kept as the moment ``ready_ns`` at which it will
    be full. When the clock goes back, that moment goes back with it."""

    __slots__ = ("ready_ns", "refused", "seen_ns")

    def __init__(self, name: str, limit: int, owner: str) -> None:
        super().__init__(name, limit, owner)
        self.ready_ns = self.seen_ns = 0
        self.refused = 0

    def call(self, now_ns: int) -> bool:
        """Takes one call, and says whether the bucket had one. ``refused`` counts how often in a row it had none."""
        if now_ns < self.seen_ns:
            self.ready_ns -= self.seen_ns - now_ns
        self.seen_ns = now_ns
        ready_ns = (self.ready_ns if self.ready_ns > now_ns else now_ns) + MINUTE_NS // (self.limit or 1)
        if not self.limit or ready_ns > now_ns + MINUTE_NS:
            self.refused += 1
            self.look(now_ns)
            return False
        self.ready_ns = ready_ns
        self.refused = 0
        return True

    def look(self, now_ns: int) -> None:
        """Sets ``in_use`` to the number of calls that the bucket lacks now."""
        missing_ns = min(max(0, self.ready_ns - now_ns), MINUTE_NS)
        self.held = -(-missing_ns * self.limit // MINUTE_NS)

    def figures(self, now_ns: int, period_end: float | None = None) -> QuotaFigures:
        self.look(now_ns)
        return super().figures(now_ns)


def make_quota(name: str, limit: int, owner: str) -> Quota:
    """The quota of this name, with its own way of counting."""
    if name == "bytes_stored":
        return Storage(name, limit, owner)
    kind = QUOTAS[name].kind
    return {"held": Quota, "per_job": Quota, "spent": Spent, "rate": Rate}[kind](name, limit, owner)
