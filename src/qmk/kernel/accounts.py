"""Counts what tenants use: what admitted jobs hold and reserve, and what each launch is charged at its end.

A job holds from its acceptance (first in VALIDATING, then by its ``Submitted`` record) to its end; a launch holds its
place on the map; an ended job keeps its bytes until it is forgotten. All of that follows from the journal's records
and is rebuilt by a replay. What was spent in the period is not: the ledger knows it, and ``Recovered.used`` brings it.
Holdings count for the tenant, and for the session that submitted the job while it is open and has quotas of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from qmk.abi.quotas import QUOTAS
from qmk.abi.shapes import QuotaFigures
from qmk.base.units import SECOND_NS
from qmk.kernel.config import KernelConfig
from qmk.kernel.demand import Demand, demand_of_record, seconds_ns
from qmk.kernel.events import Submitted
from qmk.kernel.objects.account import Account
from qmk.kernel.objects.session import Session
from qmk.kernel.objects.tenant import Tenant
from qmk.kernel.policy import Refusals


class Holding:
    """What one job holds that has not ended. ``placed``: it is on the map; ``waiting``: it is VALIDATING."""

    __slots__ = ("accounts", "demand", "placed", "waiting")

    def __init__(self, accounts: tuple[Account, ...], demand: Demand) -> None:
        self.accounts = accounts
        self.demand = demand
        self.placed = self.waiting = False


class Accounts:
    """Counts what jobs hold. ``queued_bytes``: graphs in memory; ``kept_bytes``: what ended jobs keep."""

    def __init__(
        self,
        tenant_of: Callable[[str], Tenant],
        session_of: Callable[[str], Session | None],
        config: KernelConfig,
        refusals: Refusals,
    ) -> None:
        self.tenant_of = tenant_of
        self._session_of = session_of
        self._refusals = refusals
        self._queued_bytes_max = config.queued_bytes
        self._kept_bytes_max = config.kept_bytes
        self.period_ns = config.quota_period_s * SECOND_NS
        self.queued_bytes = 0
        self.kept_bytes = 0
        self._jobs: dict[str, Holding] = {}

    def call(self, accounts: tuple[Account, ...], now_ns: int) -> None:
        """Counts one more call, for a session's own account before its tenant's. Raises QUOTA_EXCEEDED."""
        for account in accounts[::-1]:
            if account.calls is not None and not account.calls.call(now_ns):
                raise self._refusals.quota_exceeded(account.calls, 1, now_ns)

    def figures(self, session: Session, now_ns: int) -> list[QuotaFigures]:
        """Every quota of the tenant, and in place of it the session's own."""
        rows = session.tenant.account.figures(now_ns, self.period_ns)
        if session.account is None:
            return rows
        own = {row.name: row for row in session.account.figures(now_ns, self.period_ns)}
        return [own.get(row.name, row) for row in rows]

    def require(self, session: Session, demand: Demand, now_ns: int) -> None:
        """Raise QUOTA_EXCEEDED unless the tenant and the session may have one more job of this kind, and
        RESOURCE_EXHAUSTED when the daemon holds as many graphs as it may."""
        for account in session.accounts:
            self._require(account, now_ns, demand)
        self._require_room(demand.graph_bytes)

    def _require(self, account: Account, now_ns: int, demand: Demand, before: Demand | None = None) -> None:
        account.roll(now_ns, self.period_ns)
        exceeded = account.find_exceeded(demand, before)
        if exceeded is not None:
            raise self._refusals.quota_exceeded(*exceeded, now_ns)

    def _require_room(self, graph_bytes: int) -> None:
        if self.queued_bytes + graph_bytes > self._queued_bytes_max:
            raise self._refusals.no_room_for_graph(graph_bytes, self._queued_bytes_max)

    def require_engine_time(self, job_id: str, seconds: float, now_ns: int) -> None:
        """Raise QUOTA_EXCEEDED unless what the router predicts for the job in VALIDATING fits what is left."""
        holding = self._jobs[job_id]
        more = seconds_ns(seconds) - holding.demand.engine_ns
        for account in holding.accounts if more > 0 else ():
            account.roll(now_ns, self.period_ns)
            engine = account.engine
            if engine is not None and not engine.fits(more):
                raise self._refusals.quota_exceeded(engine, more, now_ns)

    def require_change(self, job_id: str, demand: Demand, now_ns: int) -> None:
        """Raise QUOTA_EXCEEDED unless the job may have this in place of what it reserved, and RESOURCE_EXHAUSTED when
        its graph has grown beyond what the daemon may hold."""
        holding = self._jobs[job_id]
        for account in holding.accounts:
            self._require(account, now_ns, demand, holding.demand)
        self._require_room(demand.graph_bytes - holding.demand.graph_bytes)

    def has_engine_time(self, job_id: str, seconds: float) -> bool:
        """Whether the tenant's engine time that is left would suffice if the job were predicted to take ``seconds``."""
        holding = self._jobs[job_id]
        more = seconds_ns(seconds) - holding.demand.engine_ns
        return more <= 0 or all(account.engine is None or account.engine.fits(more) for account in holding.accounts)

    def reserve(self, job_id: str, session: Session, demand: Demand) -> None:
        """Reserves what a job in VALIDATING will need, so that nobody else can have it."""
        self._hold(job_id, session.accounts, demand)
        storage = session.tenant.account.storage
        storage.held -= demand.stored_bytes
        storage.waiting += demand.stored_bytes
        self._jobs[job_id].waiting = True

    def drop(self, job_id: str) -> None:
        """Gives back what a job in VALIDATING had reserved, as it was refused."""
        holding = self._jobs.pop(job_id)
        demand = holding.demand
        storage = holding.accounts[0].storage
        storage.held += demand.stored_bytes
        storage.waiting -= demand.stored_bytes
        self.queued_bytes -= demand.graph_bytes
        for account in holding.accounts:
            account.give(demand)

    def admit(self, record: Submitted) -> None:
        """Holds what an accepted job needs. One that was VALIDATING takes over what it has reserved."""
        holding, demand = self._jobs.get(record.job), demand_of_record(record)
        if holding is None:
            self._hold(record.job, self._accounts_of(record.tenant, record.session), demand)
            return
        before = holding.demand
        storage = holding.accounts[0].storage
        storage.held += before.stored_bytes
        storage.waiting -= before.stored_bytes
        holding.waiting, holding.demand = False, demand
        self.queued_bytes += demand.graph_bytes - before.graph_bytes
        for account in holding.accounts:
            account.change(before, demand)

    def change(self, record: Submitted) -> None:
        """Changes what a job without a launch holds, as it goes on with another engine or program."""
        holding, demand = self._jobs[record.job], demand_of_record(record)
        before, holding.demand = holding.demand, demand
        self.queued_bytes += demand.graph_bytes - before.graph_bytes
        for account in holding.accounts:
            account.change(before, demand)

    def _hold(self, job_id: str, accounts: tuple[Account, ...], demand: Demand) -> None:
        self._jobs[job_id] = Holding(accounts, demand)
        self.queued_bytes += demand.graph_bytes
        for account in accounts:
            account.hold(demand)

    def _accounts_of(self, tenant: str, session_id: str) -> tuple[Account, ...]:
        """The account of the tenant, and that of the session while it is open."""
        session = self._session_of(session_id)
        return (self.tenant_of(tenant).account,) if session is None else session.accounts

    def may_occupy(self, job_id: str, narrowed: bool) -> bool:
        """Whether the quotas have room for a launch of the job; ``narrowed``: those of its session too."""
        holding = self._jobs[job_id]
        for account in holding.accounts if narrowed else holding.accounts[:1]:
            if not account.may_place(holding.demand):
                return False
        return True

    def occupy(self, job_id: str) -> None:
        """Counts the place that a launch of the job takes."""
        holding = self._jobs[job_id]
        assert not holding.placed
        holding.placed = True
        for account in holding.accounts:
            account.place(holding.demand)

    def vacate(self, job_id: str) -> None:
        """Gives back the place of the job's launch, if it has one."""
        holding = self._jobs[job_id]
        if holding.placed:
            holding.placed = False
            for account in holding.accounts:
                account.displace(holding.demand)

    def end(self, job_id: str, result_bytes: int) -> int:
        """Frees what an ended job has reserved; the bytes that it keeps from now on: its graph and its result. A result
        counts for no more than was reserved for it."""
        kept_bytes = self.kept_by(job_id, result_bytes)
        holding = self._jobs.pop(job_id)
        self.queued_bytes -= holding.demand.graph_bytes
        for account in holding.accounts:
            account.give(holding.demand)
        self.keep(holding.accounts[0].owner, kept_bytes)
        return kept_bytes

    def kept_by(self, job_id: str, result_bytes: int) -> int:
        """What the job keeps when it ends with a result of this size."""
        demand = self._jobs[job_id].demand
        return min(demand.graph_bytes + max(0, result_bytes), demand.stored_bytes)

    def keep(self, tenant: str, size: int) -> None:
        """Counts bytes that an ended job of the tenant keeps, or, if negative, keeps no longer."""
        self.kept_bytes += size
        self.tenant_of(tenant).account.storage.kept_bytes += size

    def keep_state(self, tenant: str, size: int) -> None:
        """Counts a checkpoint of ``size`` bytes that the tenant keeps, or, if negative, keeps no longer."""
        storage = self.tenant_of(tenant).account.storage
        if size < 0:
            storage.give(-size)
        else:
            storage.take(size)

    def giving_way(self, tenant: str, ended: Mapping[str, Collection[str]]) -> str | None:
        """The job to be forgotten next, of those that ``ended``, by tenant and oldest first: one of the tenant's when
        that keeps too much, else, when all together do, one of the tenant's that keeps most (unless it is the only
        one). So a tenant that keeps little loses nothing by what others keep."""
        own = ended.get(tenant)
        if own and self.tenant_of(tenant).account.storage.overfull:
            return next(iter(own))
        if self.kept_bytes <= self._kept_bytes_max:
            return None
        keepers = [name for name, jobs in ended.items() if jobs]
        if len(keepers) == 1 and len(ended[keepers[0]]) == 1:
            return None
        most = max(keepers, key=lambda name: (self.tenant_of(name).account.storage.kept_bytes, name))
        return next(iter(ended[most]))

    def charge(self, job_id: str, amounts: dict[str, int], now_ns: int) -> None:
        """Books what a launch used: ``amounts`` by quota, engine time in nanoseconds. What the job reserved stays
        reserved until it ends."""
        for account in self._jobs[job_id].accounts:
            account.roll(now_ns, self.period_ns)
            account.charge(amounts)

    def recover(self, used: dict[str, dict[str, float]], now_ns: int) -> None:
        """Takes over from the ledger what tenants spent in the current period."""
        for name, amounts in used.items():
            account = self.tenant_of(name).account
            account.roll(now_ns, self.period_ns)
            account.set_spent({quota: round(amount * QUOTAS[quota].scale) for quota, amount in amounts.items()})

    def snapshot(self) -> dict[str, Any]:
        """What a replay must rebuild, as comparable data."""
        held = {job: (row.demand, row.accounts[0].owner) for job, row in self._jobs.items() if not row.waiting}
        return {"held": held, "kept_bytes": self.kept_bytes}
