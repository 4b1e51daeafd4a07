"""Account: the quotas of one tenant, or those a session was opened with, and the steps a job takes on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from qmk.abi.quotas import QUOTAS
from qmk.abi.shapes import QuotaFigures
from qmk.kernel.demand import Demand
from qmk.kernel.objects.quota import SESSION, Quota, Rate, Spent, Storage, make_quota

_HELD = {
    name: Demand._fields.index(field)
    for name, field in (
        ("queued_jobs", "jobs"),
        ("logical_qubits", "n_qubits"),
        ("bytes_stored", "stored_bytes"),
        ("shots_period", "shots"),
        ("gates", "gates"),
        ("engine_seconds", "engine_ns"),
    )
}
"""The number of its demand that a job holds of each quota, from acceptance to end."""

_PLACED = {
    name: Demand._fields.index(field) for name, field in (("running_jobs", "places"), ("physical_qubits", "width"))
}
"""The number that it holds while it has a launch."""

BOUND = {"shots": Demand._fields.index("shots"), **_PLACED}
"""The number that must not exceed the limit by itself, or the job could never run."""

UNBOUNDED = 1 << 62
"""A number that means no limit."""

_QUBITS = ("held_qubits", "logical_qubits")


class Account:
    """``owner`` is the tenant's name, or ``SESSION``. A tenant has every quota, a session those it was opened with."""

    def __init__(self, owner: str, limits: Mapping[str, int]) -> None:
        self.owner = owner
        names = limits if owner == SESSION else QUOTAS
        own = {
            name: make_quota(name, limits.get(name, row.default), owner)
            for name, row in QUOTAS.items()
            if name in names
        }
        self.quotas: dict[str, Quota] = own
        self.calls = cast("Rate | None", own.get("calls_per_minute"))
        self.stored = cast("Storage | None", own.get("bytes_stored"))
        self.engine = cast("Spent | None", own.get("engine_seconds"))
        self._ends_ns = 0
        self._spent = [quota for quota in own.values() if isinstance(quota, Spent)]
        self._holds = [(own[name], at) for name, at in _HELD.items() if name in own]
        self._places = [(own[name], at) for name, at in _PLACED.items() if name in own]
        self._bounds = [(own[name], at) for name, at in BOUND.items() if name in own]
        self.qubits = [own[name] for name in _QUBITS if name in own]

    @property
    def storage(self) -> Storage:
        """The storage of a tenant's account."""
        assert self.stored is not None
        return self.stored

    @property
    def launch_limits(self) -> tuple[int, int]:
        """How many jobs, with how many qubits of the map, may be out at once."""
        jobs, qubits = self.quotas.get("running_jobs"), self.quotas.get("physical_qubits")
        return jobs.limit if jobs is not None else UNBOUNDED, qubits.limit if qubits is not None else UNBOUNDED

    def set_limits(self, limits: Mapping[str, int]) -> None:
        """Sets other limits. What is used above a lowered one stays, and nothing more is granted."""
        for name, quota in self.quotas.items():
            quota.set_limit(limits.get(name, QUOTAS[name].default))

    def roll(self, now_ns: int, period_ns: int) -> None:
        """Begins a new period when it is time. A clock that goes back frees nothing twice; if it goes back by more than
        a period, the period ends with that of the new time, or one wrong hour would last for years."""
        if self._ends_ns - 2 * period_ns <= now_ns < self._ends_ns:
            return
        anew = now_ns >= self._ends_ns
        self._ends_ns = now_ns - now_ns % period_ns + period_ns
        for quota in self._spent:
            quota.ends_ns = self._ends_ns
            if anew:
                quota.spent = 0

    def carry(self, before_ns: int, now_ns: int, period_ns: int) -> None:
        """The clock was set ahead from ``before_ns``: what was spent until then counts in the period of ``now_ns``."""
        self.roll(before_ns, period_ns)
        self._ends_ns = now_ns - now_ns % period_ns + period_ns
        for quota in self._spent:
            quota.ends_ns = self._ends_ns

    def find_exceeded(self, demand: Demand, before: Demand | None = None) -> tuple[Quota, int] | None:
        """The first quota that a job exceeds with ``demand``, in place of ``before`` if that is given, and what the
        job asks of it."""
        for quota, at in self._bounds:
            if demand[at] > quota.limit:
                return quota, demand[at]
        for quota, at in self._holds:
            more = demand[at] if before is None else demand[at] - before[at]
            if (before is None or more > 0) and not quota.fits(more):
                return quota, more
        return None

    def hold(self, demand: Demand) -> None:
        """Counts what an accepted job holds."""
        for quota, at in self._holds:
            quota.held += demand[at]

    def change(self, before: Demand, demand: Demand) -> None:
        """Counts ``demand`` in place of ``before``."""
        for quota, at in self._holds:
            if demand[at] != before[at]:
                quota.held += demand[at] - before[at]

    def give(self, demand: Demand) -> None:
        """Gives back what a job held."""
        for quota, at in self._holds:
            quota.give(demand[at])

    def may_place(self, demand: Demand) -> bool:
        """Whether a launch of the job fits beside those under way."""
        for quota, at in self._places:  # noqa: SIM110 - a generator would cost a call for each, at every launch
            if quota.held + demand[at] > quota.limit:
                return False
        return True

    def place(self, demand: Demand) -> None:
        for quota, at in self._places:
            quota.held += demand[at]

    def displace(self, demand: Demand) -> None:
        for quota, at in self._places:
            quota.give(demand[at])

    def charge(self, amounts: Mapping[str, int]) -> None:
        """Books what a launch used."""
        for quota in self._spent:
            quota.spent += amounts[quota.name]

    def set_spent(self, amounts: Mapping[str, int]) -> None:
        """Sets what was spent in this period."""
        for quota in self._spent:
            quota.spent = amounts.get(quota.name, 0)

    def figures(self, now_ns: int, period_ns: int) -> list[QuotaFigures]:
        """Every quota as calls show it."""
        self.roll(now_ns, period_ns)
        return [quota.figures(now_ns) for quota in self.quotas.values()]
