"""Price lists and what things cost by them. Amounts are exact: decimal numbers that are added and multiplied without
rounding. Only the total of an invoice is rounded as well, to hundredths, half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from typing import Annotated, Any

from msgspec import Meta, Struct

from qmk.base.units import SECOND_NS

_EXACT = Context(prec=100, rounding=ROUND_HALF_UP, traps=[Inexact])
OTHERS = "*"
"""Names, in a price list, every engine that has no rate of its own."""
_AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,12})?\Z"
Amount = Annotated[str, Meta(description="amount of money, a decimal number", pattern=_AMOUNT)]
Sum = Annotated[str, Meta(description="amount of money, an exact decimal number")]
Currency = Annotated[str, Meta(description="code of a currency, such as EUR", pattern=r"^[A-Z]{3}\Z")]
Engine = Annotated[str, Meta(pattern=r"^(\*|[A-Za-z0-9_.-]{1,64})\Z")]


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one engine costs."""

    shot: Amount = "0"
    gate: Annotated[Amount, Meta(description="for one gate in one shot")] = "0"
    engine_second: Amount = "0"


class Prices(Struct, frozen=True, kw_only=True):
    """A price list, and from when on it holds: until the next of its name."""

    prices: str
    since: Annotated[float, Meta(description="Unix time in seconds")]
    currency: Currency
    rates: Annotated[
        dict[Engine, Rate], Meta(description="rate of each engine; that of '*' is for all others", max_length=256)
    ]

    def rate_of(self, engine: str) -> Rate:
        return self.rates.get(engine) or self.rates.get(OTHERS) or Rate()

    def cost(self, engine: str, shots: int, gates: int, engine_ns: int) -> Decimal:
        """What a launch costs; ``gates`` are counted in each shot."""
        rate = self.rate_of(engine)
        with localcontext(_EXACT):
            seconds = Decimal(engine_ns) / SECOND_NS
            return Decimal(rate.shot) * shots + Decimal(rate.gate) * gates + Decimal(rate.engine_second) * seconds


class Terms(Struct, frozen=True):
    """By what an organisation is charged: its price lists, each with the time from which on it is the organisation's,
    and with its versions; all in order of time."""

    lists: list[tuple[float, list[Prices]]]

    def at(self, moment: float) -> Prices | None:
        """The version that holds at a time, of the list that is the organisation's then."""
        lists = [versions for since, versions in self.lists if since <= moment]
        found = [each for each in (lists[-1] if lists else ()) if each.since <= moment]
        return found[-1] if found else None

    def of(self, row: Any) -> Prices | None:
        """The version by which a row of the ledger is charged: that of the time at which the launch ended."""
        return self.at(row.time_ns / SECOND_NS)


def add(*amounts: Decimal) -> Decimal:
    with localcontext(_EXACT):
        return sum(amounts, Decimal(0))


def text_of(amount: Decimal) -> str:
    """A decimal number without exponent and trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def round_amount(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP, Context(prec=100)):f}"
