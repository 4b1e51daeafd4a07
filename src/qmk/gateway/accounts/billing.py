"""What organisations spend, and what they may: price lists, budgets, and the costs that are reserved for jobs.

A budget is for a calendar month of UTC. Before a job runs, its predicted cost is reserved; with what was spent and what
is reserved for other jobs it has to be within the budget. Once a job has ended, its cost is what the daemon's ledger
says. What does not come through this gateway is charged, and is not refused here.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi.calls import q_estimate, q_jobs
from qmk.base.errors import Finding, QmkError
from qmk.base.units import SECOND_NS
from qmk.client.calls import ENDED
from qmk.client.patience import is_outage
from qmk.gateway.accounts.money import Amount, Prices, Terms, add, text_of
from qmk.gateway.accounts.months import month_of, span_ns
from qmk.gateway.accounts.roles import GATEWAY
from qmk.sql.gateway import Base

if TYPE_CHECKING:
    from qmk.gateway.accounts.accounts import Accounts

log = logging.getLogger("qmk.gateway")
STANDARD = "standard"
"""The price list of an organisation for which no other is named."""
OVERLAP_NS = 60 * SECOND_NS
"""How far back the ledger is read again: rows are written in the order of commits, not quite in that of their times."""
FORGOTTEN_S = 600.0
"""A reservation whose job was never heard of is void after so many seconds."""
BUDGET_RULE = "BUDGET-001"
"""Names the warning, in the answer to a submission, that a share of the budget is used."""
SUBMITTED = ("program", "graph", "graph_sha256", "shots", "outputs", "strict")


class Budget(Struct, frozen=True, kw_only=True):
    """What an organisation may spend in a month."""

    amount: Amount
    warn_at: Annotated[
        tuple[Annotated[float, Meta(gt=0, le=10)], ...], Meta(description="shares at which to warn", max_length=16)
    ] = (0.5, 0.8, 1.0)
    refuse: Annotated[bool, Meta(description="refuse jobs that would exceed it; false: only warn")] = True

    def shares_within(self, used: Decimal) -> list[float]:
        """The shares at which to warn that are reached, the smallest first."""
        return [share for share in sorted(self.warn_at) if used >= Decimal(self.amount) * Decimal(str(share))]


class Spent(Struct, frozen=True):
    """How far a budget is used. ``reserved``: the predicted cost of jobs that have not ended."""

    month: str
    currency: str
    spent: Decimal
    reserved: Decimal


class _Month:
    """The sum of an organisation's month so far by its terms, and the rows that a second look would see again."""

    def __init__(self, month: str, terms: Terms) -> None:
        self.month, self.terms, self.total, self.upto_ns = month, terms, Decimal(0), span_ns(month)[0]
        self.recent: dict[tuple[str, int], int] = {}


class Billing:
    """The price lists, budgets and reservations of all organisations."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._months: dict[str, _Month] = {}
        self._lock = asyncio.Lock()

    async def terms(self, organisation: str) -> Terms:
        """By what an organisation is and was charged."""

        def read(base: Base) -> Terms:
            versions = "SELECT body FROM prices WHERE prices = ? ORDER BY since"
            lists: list[tuple[float, list[Prices]]] = []
            for since, name in lists_of(base, organisation):
                bodies = base.execute(versions, (name,)).fetchall()
                lists.append((since, [msgspec.json.decode(body, type=Prices) for (body,) in bodies]))
            return Terms(lists)

        return await self._accounts.run(read)

    async def rows(self, organisation: str, from_ns: int, to_ns: int) -> list[Any]:
        """Rows of the daemon's ledger. Raises UNSUPPORTED where it cannot be read."""
        ledger = self._accounts.ledger
        if ledger is None:
            fix = "start the gateway with the daemon's --data-dir and --database"
            raise QmkError("UNSUPPORTED", "this gateway does not read the daemon's ledger", help=fix)
        return await asyncio.to_thread(lambda: list(ledger(organisation, from_ns, to_ns)))

    async def sum_up(self, organisation: str) -> Spent:
        """This month's."""
        month = month_of(self._accounts.clock())
        async with self._lock:
            terms = await self.terms(organisation)
            kept = self._months.get(organisation)
            if kept is None or kept.month != month or kept.terms != terms:
                kept = self._months[organisation] = _Month(month, terms)
            begin_ns, end_ns = span_ns(month)
            for row in await self.rows(organisation, max(begin_ns, kept.upto_ns - OVERLAP_NS), end_ns):
                if (row.job, row.attempt) not in kept.recent:
                    kept.recent[row.job, row.attempt] = row.time_ns
                    prices = terms.of(row)
                    cost = (row.engine, row.shots, row.gates, row.engine_ns)
                    kept.total = add(kept.total, prices.cost(*cost) if prices else Decimal(0))
                    kept.upto_ns = max(kept.upto_ns, row.time_ns)
            border_ns = kept.upto_ns - OVERLAP_NS
            kept.recent = {key: at for key, at in kept.recent.items() if at >= border_ns}
            total = kept.total
        query = "SELECT amount FROM reservations WHERE organisation = ?"
        rows = await self._accounts.read(lambda base: base.execute(query, (organisation,)).fetchall())
        now = terms.at(self._accounts.clock())
        return Spent(month, now.currency if now else "", total, add(*(Decimal(amount) for (amount,) in rows)))

    async def budget(self, organisation: str) -> Budget | None:
        query = "SELECT body FROM budgets WHERE organisation = ?"
        row = await self._accounts.read(lambda base: base.execute(query, (organisation,)).fetchone())
        return None if row is None else msgspec.json.decode(row[0], type=Budget)

    async def submit(
        self,
        organisation: str,
        fields: Mapping[str, Any],
        estimate: Callable[[dict[str, Any]], Awaitable[q_estimate.Reply]],
        submit: Callable[[], Awaitable[Any]],
        job_of: Callable[[Any], str],
        warned: Callable[[Any, list[dict[str, object]]], Any],
    ) -> Any:
        """What ``submit`` gives, if the budget allows it. ``fields`` are those of q_submit's request; ``job_of`` gives
        the job of what is answered, and ``warned`` the answer with these warnings. Raises QUOTA_EXCEEDED. A reservation
        ends with a refusal; where the answer is lost the job may exist, and ``settle`` finds out."""
        budget = await self.budget(organisation)
        if budget is None:
            return await submit()
        if not budget.refuse:
            found = await self._warnings_for(organisation, budget) if self._accounts.ledger is not None else []
            return warned(await submit(), found)
        cost = await self._predict(organisation, fields, estimate)
        name = _name_of(organisation, fields["idempotency_key"])
        new = await self._reserve(organisation, budget, name, cost)
        try:
            found = await self._warnings_for(organisation, budget)
            reply = await submit()
        except QmkError as error:
            if new and not is_outage(error):
                await asyncio.shield(self._accounts.run(lambda base: _release(base, organisation, [name])))
            raise
        query = "UPDATE reservations SET job = ? WHERE name = ?"
        await self._accounts.run(lambda base: base.execute(query, (job_of(reply), name)))
        return warned(reply, found)

    async def _warnings_for(self, organisation: str, budget: Budget) -> list[dict[str, object]]:
        """The warning that a share of the budget is used, as a finding; what is reserved counts as used."""
        spent = await self.sum_up(organisation)
        used = add(spent.spent, spent.reserved)
        if not (shares := budget.shares_within(used)):
            return []
        text = (
            f"{text_of(used)} of {budget.amount} {spent.currency} of the budget of {spent.month} are used or reserved"
        )
        finding = Finding(
            rule=BUDGET_RULE, message=f"{text}, which is {shares[-1]:.4g} of it or more", severity="warning"
        )
        return [msgspec.to_builtins(finding)]

    async def require_left(self, organisation: str) -> None:
        """For a job whose cost is not predicted. Raises QUOTA_EXCEEDED where nothing of the budget is left."""
        budget = await self.budget(organisation)
        if budget is not None and budget.refuse:
            await self.settle(organisation)
            spent = await self.sum_up(organisation)
            if (taken := add(spent.spent, spent.reserved)) >= Decimal(budget.amount):
                raise _beyond(budget, Decimal(0), taken, spent.currency, spent.month)

    async def _predict(
        self,
        organisation: str,
        fields: Mapping[str, Any],
        estimate: Callable[[dict[str, Any]], Awaitable[q_estimate.Reply]],
    ) -> Decimal:
        """The predicted cost of a job on the engine that it asks for, else on the one that would be chosen."""
        prices = (await self.terms(organisation)).at(self._accounts.clock())
        if prices is None:
            return Decimal(0)
        found = await estimate({name: fields[name] for name in SUBMITTED if name in fields})
        wanted = getattr(fields.get("policy"), "engine", "") or found.chosen
        row = next((each for each in found.engines if wanted.partition(":")[0] == each.engine), None)
        shots, gates = found.shots, int(found.logical.get("unitaries", 0))
        outputs = fields.get("outputs")
        gates *= max(1, len(getattr(outputs, "points", ())))
        seconds = row.seconds if row is not None else 0.0
        return prices.cost(row.engine if row is not None else "", shots, gates * shots, int(seconds * SECOND_NS))

    async def _reserve(self, organisation: str, budget: Budget, name: str, cost: Decimal) -> bool:
        """Whether a reservation was made; one of this name is the same job again."""
        settled = False
        while True:
            released = await self._accounts.read(lambda base: _count_released(base, organisation))
            spent = await self.sum_up(organisation)

            def write(
                base: Base, spent: Decimal = spent.spent, released: int = released
            ) -> tuple[bool, Decimal | None]:
                if _count_released(base, organisation) != released:
                    raise _SumIsOld
                if base.execute("SELECT 1 FROM reservations WHERE name = ?", (name,)).fetchone():
                    return False, None
                query = "SELECT amount FROM reservations WHERE organisation = ?"
                reserved = (Decimal(amount) for (amount,) in base.execute(query, (organisation,)))
                taken = add(spent, *reserved)
                if add(taken, cost) > Decimal(budget.amount):
                    return False, taken
                row = (name, "", organisation, text_of(cost), self._accounts.clock())
                base.execute("INSERT INTO reservations VALUES (?, ?, ?, ?, ?)", row)
                return True, None

            try:
                made, taken = await self._accounts.run(write)
            except _SumIsOld:
                continue
            if taken is None:
                return made
            if settled:
                if await self._has_job(organisation, name):
                    return False
                raise _beyond(budget, cost, taken, spent.currency, spent.month)
            await self.settle(organisation)
            settled = True

    async def _has_job(self, organisation: str, name: str) -> bool:
        """Whether a submission of this name was accepted lately: its answer was lost, and its reservation went with the
        end of its job."""
        jobs = await self._jobs(organisation, self._accounts.clock() - FORGOTTEN_S)
        return any(_name_of(organisation, row.idempotency_key) == name for row in jobs if row.idempotency_key)

    async def settle(self, organisation: str) -> None:
        """Gives up the reservations of jobs that have ended, which the ledger has, and of those that never came to be.
        A job whose submission was not answered is known by its idempotency key."""
        query = "SELECT name, job, created FROM reservations WHERE organisation = ?"
        rows = await self._accounts.read(lambda base: base.execute(query, (organisation,)).fetchall())
        if not rows:
            return
        jobs = await self._jobs(organisation, min(row[2] for row in rows))
        live = {row.job_id for row in jobs if row.state not in ENDED}
        by_name = {_name_of(organisation, row.idempotency_key): row.job_id for row in jobs if row.idempotency_key}
        border = self._accounts.clock() - FORGOTTEN_S
        known = ((name, job or by_name.get(name), created) for name, job, created in rows)
        gone = [name for name, job, created in known if (job not in live if job else created < border)]
        await self._accounts.run(lambda base: _release(base, organisation, gone))

    async def _jobs(self, organisation: str, since: float) -> list[q_jobs.JobRow]:
        """Those that were accepted after the oldest reservation, and some from before."""
        found: list[q_jobs.JobRow] = []
        cursor = ""
        while True:
            page = await self._accounts.operate("op_jobs", tenant=organisation, cursor=cursor, limit=1000)
            found += page.jobs
            cursor = page.next or ""
            if not cursor or (page.jobs and page.jobs[-1].submitted < since - 1):
                return found

    async def warn(self, organisation: str) -> list[dict[str, str]]:
        """Warnings of this month that have not been given yet; each is recorded as an act, and given once."""
        budget = await self.budget(organisation)
        if budget is None or not budget.warn_at:
            return []
        spent = await self.sum_up(organisation)
        passed = budget.shares_within(spent.spent)
        found: list[dict[str, str]] = []

        def write(base: Base) -> None:
            found.clear()  # of a try that was undone
            row = base.execute("SELECT warned FROM budgets WHERE organisation = ?", (organisation,)).fetchone()
            told: list[str] = [] if row is None else row[0].split()
            for share in passed:
                if (mark := f"{spent.month}:{share:g}:{budget.amount}") in told:
                    continue
                told.append(mark)
                about = {"month": spent.month, "share": f"{share:g}", "spent": text_of(spent.spent)}
                found.append({**about, "amount": budget.amount, "currency": spent.currency})
                self._accounts.note(base, GATEWAY, "budget.warning", organisation, **found[-1])
            base.execute("UPDATE budgets SET warned = ? WHERE organisation = ?", (" ".join(told[-64:]), organisation))

        await self._accounts.run(write)
        for each in found:
            log.warning(
                "organisation %s has spent %s of %s %s",
                organisation,
                *(each[k] for k in ("spent", "amount", "currency")),
            )
        return found

    async def warn_all(self) -> list[tuple[str, dict[str, str]]]:
        """The new warnings of every organisation with a budget."""
        rows = await self._accounts.run(lambda base: base.execute("SELECT organisation FROM budgets").fetchall())
        return [(name, each) for (name,) in rows for each in await self.warn(name)]


def lists_of(base: Base, organisation: str) -> list[tuple[float, str]]:
    """The price lists of an organisation, each with the time from which on it holds, in order of time."""
    query = "SELECT since, prices FROM assignments WHERE organisation = ? ORDER BY since"
    return [(0.0, STANDARD), *base.execute(query, (organisation,))]


def assign(base: Base, organisation: str, prices: str, since: float) -> None:
    """Gives an organisation a price list from a time on: what was charged before stays as it is."""
    base.execute(
        "INSERT INTO assignments VALUES (?, ?, ?) "
        "ON CONFLICT (organisation, since) DO UPDATE SET prices = excluded.prices",
        (organisation, since, prices),
    )


def _name_of(organisation: str, key: str) -> str:
    """The name of the reservation for a submission with this idempotency key."""
    return hashlib.sha256(f"{organisation}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()


class _SumIsOld(Exception):
    """A reservation was given up after a sum was made: what its job cost may be missing in it."""


def _count_released(base: Base, organisation: str) -> int:
    row = base.execute("SELECT released FROM budgets WHERE organisation = ?", (organisation,)).fetchone()
    return row[0] if row else 0


def _release(base: Base, organisation: str, names: list[str]) -> None:
    if names:
        query = "UPDATE budgets SET released = released + ? WHERE organisation = ?"
        base.execute(query, (len(names), organisation))
    base.executemany("DELETE FROM reservations WHERE name = ?", [(name,) for name in names])


def _beyond(budget: Budget, cost: Decimal, taken: Decimal, currency: str, month: str) -> QmkError:
    left = max(Decimal(0), add(Decimal(budget.amount), -taken))
    text = f"the job would cost {text_of(cost)} {currency}; left of the budget of {month}: {text_of(left)} {currency}"
    return QmkError(
        "QUOTA_EXCEEDED",
        text,
        quota="budget",
        asked=text_of(cost),
        left=text_of(left),
        limit=budget.amount,
        currency=currency,
        retryable=False,
        help="ask for fewer shots or another engine, or have the operator raise the budget",
    )
