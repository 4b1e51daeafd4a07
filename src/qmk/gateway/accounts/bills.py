"""What the operations on prices, budgets and invoices do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes as wire
from qmk.base.errors import QmkError
from qmk.base.units import SECOND_NS
from qmk.gateway.accounts.accounts import Accounts, enter
from qmk.gateway.accounts.billing import Budget
from qmk.gateway.accounts.money import Currency, Engine, Prices, Rate, Sum, Terms, add, round_amount, text_of
from qmk.gateway.accounts.months import MONTH, month_of, span_ns
from qmk.gateway.accounts.roles import absent
from qmk.gateway.accounts.shapes import OfOrganisation, Organisation, PricesName
from qmk.gateway.callers import Caller
from qmk.gateway.csv_text import csv_text
from qmk.gateway.service.operation import narrow
from qmk.sql.gateway import Base

ALL_NS = (1 << 63) - 1
Month = Annotated[str, Meta(description="a month of UTC, such as 2026-11", pattern=MONTH)]


class SetPrices(wire.Request, frozen=True, kw_only=True):
    """A new version of a price list."""

    prices: PricesName
    currency: Currency
    rates: Annotated[
        dict[Engine, Rate], Meta(description="rate of each engine; that of '*' is for all others", max_length=256)
    ]
    since: Annotated[float, Meta(description="Unix time from which on it holds; absent: now", ge=0)] | None = None


class PriceLists(Struct, frozen=True):
    lists: Annotated[list[Prices], Meta(description="every version of every list, by name and time")]


SetBudget = narrow(Budget, "SetBudget", organisation=Organisation)


class BudgetState(Budget, frozen=True, kw_only=True):
    """A budget, and how far it is used."""

    organisation: str
    month: str
    currency: str
    spent: Annotated[Sum, Meta(description="cost of what has run this month")]
    reserved: Annotated[Sum, Meta(description="predicted cost of jobs that have not ended")]
    left: Sum


class BudgetRemoved(Struct, frozen=True):
    organisation: str


class OfMonth(OfOrganisation, frozen=True):
    month: Month


class UsageRow(Struct, frozen=True, kw_only=True):
    """What was used on one engine in one day, and what it costs."""

    day: str
    engine: str
    launches: int
    shots: int
    gates: Annotated[int, Meta(description="gates, each counted in every shot")]
    engine_seconds: Sum
    cpu_seconds: Sum
    currency: str
    amount: Sum


class Usage(Struct, frozen=True):
    """The days of a month."""

    organisation: str
    month: str
    rows: list[UsageRow]


class InvoiceLine(Struct, frozen=True, kw_only=True):
    """One engine by one version of the price list."""

    engine: str
    launches: int
    shots: int
    gates: int
    engine_seconds: Sum
    shot_price: Sum
    gate_price: Sum
    engine_second_price: Sum
    amount: Annotated[Sum, Meta(description="exact")]


class Invoice(Struct, frozen=True, kw_only=True):
    """What an organisation owes for a month in one currency."""

    invoice: Annotated[str, Meta(description="its name: organisation, month, currency")]
    organisation: str
    title: str
    month: str
    closed: Annotated[bool, Meta(description="the month is over")]
    currency: Annotated[str, Meta(description="empty where no price list held")]
    lines: list[InvoiceLine]
    exact: Annotated[Sum, Meta(description="the sum of the lines")]
    total: Annotated[str, Meta(description="the sum, rounded half up to hundredths")]


class Invoices(Struct, frozen=True):
    invoices: list[Invoice]


class Table(Struct, frozen=True):
    """Rows as CSV (RFC 4180)."""

    csv: str


class _Sum:
    """Launches of one engine by one version of the prices."""

    def __init__(self, prices: Prices | None) -> None:
        self.prices, self.currency = prices, "" if prices is None else prices.currency
        self.launches = self.shots = self.gates = self.engine_ns = self.cpu_ns = 0
        self.amount = Decimal(0)

    def add(self, row: Any) -> None:
        self.launches += 1
        for name in ("shots", "gates", "engine_ns", "cpu_ns"):
            setattr(self, name, getattr(self, name) + getattr(row, name))
        if self.prices is not None:
            self.amount = add(self.amount, self.prices.cost(row.engine, row.shots, row.gates, row.engine_ns))

    def line(self, engine: str) -> InvoiceLine:
        rate = Rate() if self.prices is None else self.prices.rate_of(engine)
        return InvoiceLine(
            engine=engine,
            launches=self.launches,
            shots=self.shots,
            gates=self.gates,
            engine_seconds=_seconds(self.engine_ns),
            shot_price=rate.shot,
            gate_price=rate.gate,
            engine_second_price=rate.engine_second,
            amount=text_of(self.amount),
        )


def _sum_by(rows: Iterable[Any], key: Callable[[Any], tuple[str, ...]], terms: Terms) -> dict[Any, _Sum]:
    """Sums by key, and by price list and its version."""
    found: dict[Any, _Sum] = {}
    for row in rows:
        prices = terms.of(row)
        at = (*key(row), *((0.0, "") if prices is None else (prices.since, prices.prices)))
        if at not in found:
            found[at] = _Sum(prices)
        found[at].add(row)
    return found


def _day(row: Any) -> str:
    return f"{datetime.fromtimestamp(row.time_ns // SECOND_NS, UTC):%Y-%m-%d}"


def _seconds(nanoseconds: int) -> str:
    return text_of(Decimal(nanoseconds).scaleb(-9))


async def list_prices(caller: Caller, asked: Any) -> PriceLists:
    accounts, _ = await enter(caller)
    query = "SELECT body FROM prices ORDER BY prices, since"
    rows = await accounts.read(lambda base: base.execute(query).fetchall())
    return PriceLists([msgspec.json.decode(body, type=Prices) for (body,) in rows])


async def set_prices(caller: Caller, asked: SetPrices) -> Prices:
    accounts, actor = await enter(caller)
    actor.require_operator()
    now = accounts.clock()
    made = Prices(
        prices=asked.prices,
        since=now if asked.since is None else asked.since,
        currency=asked.currency,
        rates=asked.rates,
    )

    def write(base: Base) -> None:
        first = base.execute("SELECT 1 FROM prices WHERE prices = ?", (made.prices,)).fetchone() is None
        if made.since < now and not first:
            fix = "let it hold from now on, or from a later time"
            text = "a later version of a price list cannot hold for what is past: invoices would change"
            raise QmkError("INVALID_PARAMS", text, field="since", help=fix)
        base.execute(
            "INSERT INTO prices VALUES (?, ?, ?) ON CONFLICT (prices, since) DO UPDATE SET body = excluded.body",
            (made.prices, made.since, msgspec.json.encode(made)),
        )
        accounts.note(base, actor, "prices.set", prices=made.prices, since=made.since, currency=made.currency)

    await accounts.run(write)
    return made


async def get_budget(caller: Caller, asked: OfOrganisation) -> BudgetState:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    budget = await accounts.billing.budget(asked.organisation)
    if budget is None:
        raise absent("budget of organisation", asked.organisation)
    return await _state(accounts, asked.organisation, budget)


async def set_budget(caller: Caller, asked: Any) -> BudgetState:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    actor.require_operator()
    name = asked.organisation
    if (await accounts.billing.terms(name)).at(accounts.clock()) is None:
        fix = "set the prices first: PUT /v1/prices/standard, or 'qmk price set'"
        raise QmkError("INVALID_PARAMS", f"no price list holds for '{name}'", field="organisation", help=fix)
    budget = Budget(amount=asked.amount, warn_at=asked.warn_at, refuse=asked.refuse)

    def write(base: Base) -> None:
        base.execute(
            "INSERT INTO budgets (organisation, body) VALUES (?, ?) "
            "ON CONFLICT (organisation) DO UPDATE SET body = excluded.body",
            (name, msgspec.json.encode(budget)),
        )
        accounts.note(base, actor, "budget.set", name, amount=budget.amount, refuse=budget.refuse)

    await accounts.run(write)
    return await _state(accounts, name, budget)


async def remove_budget(caller: Caller, asked: OfOrganisation) -> BudgetRemoved:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    actor.require_operator()

    def write(base: Base) -> None:
        gone = base.execute("DELETE FROM budgets WHERE organisation = ?", (asked.organisation,))
        if not gone.rowcount:
            raise absent("budget of organisation", asked.organisation)
        accounts.note(base, actor, "budget.remove", asked.organisation)

    await accounts.run(write)
    return BudgetRemoved(asked.organisation)


async def _state(accounts: Accounts, organisation: str, budget: Budget) -> BudgetState:
    await accounts.billing.settle(organisation)
    spent = await accounts.billing.sum_up(organisation)
    left = add(Decimal(budget.amount), -spent.spent, -spent.reserved)
    return BudgetState(
        **msgspec.structs.asdict(budget),
        organisation=organisation,
        month=spent.month,
        currency=spent.currency,
        spent=text_of(spent.spent),
        reserved=text_of(spent.reserved),
        left=text_of(left),
    )


async def get_usage(caller: Caller, asked: OfMonth) -> Usage:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    terms = await accounts.billing.terms(asked.organisation)
    rows = await accounts.billing.rows(asked.organisation, *span_ns(asked.month))
    days = _sum_by(rows, lambda row: (_day(row), row.engine), terms)
    return Usage(
        asked.organisation,
        asked.month,
        [
            UsageRow(
                day=day,
                engine=engine,
                launches=each.launches,
                shots=each.shots,
                gates=each.gates,
                engine_seconds=_seconds(each.engine_ns),
                cpu_seconds=_seconds(each.cpu_ns),
                currency=each.currency,
                amount=text_of(each.amount),
            )
            for (day, engine, *_), each in sorted(days.items())
        ],
    )


async def get_usage_table(caller: Caller, asked: OfMonth) -> Table:
    fields = [each.name for each in msgspec.structs.fields(UsageRow)]
    rows = [[getattr(row, name) for name in fields] for row in (await get_usage(caller, asked)).rows]
    return Table(csv_text([fields, *rows]))


async def list_invoices(caller: Caller, asked: OfOrganisation) -> Invoices:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    rows = await accounts.billing.rows(asked.organisation, 0, ALL_NS)
    months: dict[str, list[Any]] = {}
    for row in rows:
        months.setdefault(month_of(row.time_ns // SECOND_NS), []).append(row)
    found: list[Invoice] = []
    for month, of_month in sorted(months.items(), reverse=True):
        found += await _invoices(accounts, asked.organisation, month, of_month)
    return Invoices(found)


async def get_invoices(caller: Caller, asked: OfMonth) -> Invoices:
    accounts, actor = await enter(caller)
    actor.require(asked.organisation, "viewer")
    rows = await accounts.billing.rows(asked.organisation, *span_ns(asked.month))
    return Invoices(await _invoices(accounts, asked.organisation, asked.month, rows))


async def get_invoice_table(caller: Caller, asked: OfMonth) -> Table:
    """Each line with its invoice and currency."""
    found = (await get_invoices(caller, asked)).invoices
    fields = [each.name for each in msgspec.structs.fields(InvoiceLine)]
    rows = [
        [bill.invoice, bill.currency, *(getattr(line, name) for name in fields)]
        for bill in found
        for line in bill.lines
    ]
    return Table(csv_text([["invoice", "currency", *fields], *rows]))


async def _invoices(accounts: Accounts, organisation: str, month: str, rows: list[Any]) -> list[Invoice]:
    """One for each currency, which is one unless the price list has changed it."""
    terms = await accounts.billing.terms(organisation)
    query = "SELECT title FROM organisations WHERE organisation = ?"
    title = await accounts.read(lambda base: base.execute(query, (organisation,)).fetchone())
    sums = _sum_by(rows, lambda row: (row.engine,), terms)
    found: list[Invoice] = []
    for currency in sorted({each.currency for each in sums.values()}):
        of_currency = {key: each for key, each in sums.items() if each.currency == currency}
        exact = add(*(each.amount for each in of_currency.values()))
        found.append(
            Invoice(
                invoice=f"{organisation}-{month}" + (f"-{currency}" if currency else ""),
                organisation=organisation,
                title=title[0] if title else "",
                month=month,
                closed=month < month_of(accounts.clock()),
                currency=currency,
                lines=[each.line(key[0]) for key, each in sorted(of_currency.items())],
                exact=text_of(exact),
                total=round_amount(exact),
            )
        )
    return found
