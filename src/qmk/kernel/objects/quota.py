"""Quota: a count with a bound."""

from __future__ import annotations

from qmk.base.errors import QmkError


class Quota:
    """``used`` of ``limit`` units. ``require`` asks, ``take`` and ``give`` count; taking past the limit is a bug."""

    __slots__ = ("limit", "name", "unit", "used")

    def __init__(self, name: str, unit: str, limit: int) -> None:
        self.name = name
        self.unit = unit
        self.limit = limit
        self.used = 0

    def require(self, more: int = 1) -> None:
        """Raise QUOTA_EXCEEDED unless ``more`` units are free."""
        if self.used + more > self.limit:
            raise QmkError(
                "QUOTA_EXCEEDED",
                f"{more} more {self.unit} on top of {self.used} exceed the quota '{self.name}' of {self.limit}",
                quota=self.name,
                asked=self.used + more,
                limit=self.limit,
            )

    def take(self, count: int = 1) -> None:
        self.used += count

    def give(self, count: int = 1) -> None:
        self.used -= count
        assert self.used >= 0, self.name
