"""``qmk price``: price lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qmk.cli import account


class Document(click.ParamType[Any]):
    """A file of JSON: what it holds."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        import json

        try:
            return json.loads(Path(value).read_bytes())
        except (OSError, ValueError) as error:
            self.fail(f"cannot read {value} as JSON: {error}", param, ctx)


command = account.group(
    "price",
    "Price lists: what a shot, a gate and a second of an engine cost.",
    account.verb("list", "prices.list", "List every version of every price list."),
    account.verb(
        "set",
        "prices.set",
        "Set the price list PRICES from RATES, a file of JSON: engines (* for all others) to prices of shot, gate "
        "and engine_second.",
        account.argument("prices"),
        account.argument("rates", type=Document()),
        account.option("--currency", "Code of the currency, such as EUR.", required=True),
        account.option("--since", "Unix time from which on it holds; now if not given.", type=float),
    ),
)
