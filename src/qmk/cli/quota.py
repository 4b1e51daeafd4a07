"""``qmk quota``: what a tenant may use, and what of it is used."""

from __future__ import annotations

import click

from qmk.cli import options, output
from qmk.cli.session import connect


@click.command()
@options.json_option
@options.socket_option
def command(as_json: bool, socket_path: str | None) -> None:
    """Show your tenant's quotas and how much of each is used. The operator sets them with 'qmk tenant set'."""
    with connect(socket_path) as client:
        reply = client.negotiate()
    rows = [
        (row.name, used_text(row.used, row.kind), f"{row.limit:,}", row.unit, counts_text(row.kind, row.period_end))
        for row in reply.quota
    ]
    table = output.table(("quota", "used", "limit", "unit", "counts"), rows)
    output.show(as_json, {"tenant": reply.tenant, "quota": reply.quota}, [f"tenant {reply.tenant}", *table])


def used_text(used: float, kind: str) -> str:
    return "-" if kind == "per_job" else f"{used:,.3f}".rstrip("0").rstrip(".")


def counts_text(kind: str, period_end: float | None) -> str:
    """What the number in use is of."""
    if kind == "spent":
        return f"until {options.moment(period_end)}"
    return {"held": "at once", "per_job": "of one job", "rate": "in a minute"}[kind]
