"""``qmk usage``: what every launch of the daemon's jobs used, as its ledger has it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qmk.base.units import SECOND_NS
from qmk.cli import options, output, terminal

if TYPE_CHECKING:
    from qmk.host.ledger import Row

NAMES = (
    *("time", "tenant", "session", "job", "attempt", "outcome", "engine", "method", "shots", "gates", "qubits"),
    *("engine_seconds", "cpu_seconds", "bytes_stored", "queue_seconds", "physical_qubits", "rounds"),
)
"""What a row shows, in the order of the columns."""

SUMMED = ("shots", "gates", "engine_seconds", "cpu_seconds", "bytes_stored", "rounds")


class Date(click.ParamType[int]):
    """A day, or a moment, of UTC: nanoseconds since the Unix epoch."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is not a date; write 2026-11-01, or 2026-11-01T12:00", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * SECOND_NS


@click.command()
@click.option("--tenant", default="", metavar="NAME", help="Only this tenant's.")
@click.option("--from", "from_ns", type=Date(), default=0, metavar="DATE", help="Launches that ended on DATE or later.")
@click.option("--to", "to_ns", type=Date(), metavar="DATE", help="Launches that ended before DATE.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one line a launch, with a head line.")
@options.json_option
@options.local_data_option()
@options.database_option
def command(
    tenant: str,
    from_ns: int,
    to_ns: int | None,
    as_csv: bool,
    as_json: bool,
    data_dir: Path | None,
    database: str | None,
) -> None:
    """Sum up what each tenant's jobs used; with --csv or --json, list every launch.

    DATE is a day such as 2026-11-01, or a moment such as 2026-11-01T12:00, in UTC. The daemon may be running or not.
    """
    from qmk.host.config import JOURNAL_NAME
    from qmk.host.ledger import END_NS, read
    from qmk.rpc.places import state_dir

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    folder = data_dir or state_dir()
    end_ns = END_NS if to_ns is None else to_ns
    rows = map(row_values, read(folder / JOURNAL_NAME, tenant, from_ns, end_ns, database or ""))
    if tenant:
        first = next(rows, None)
        if first is None:
            known = {row.tenant for row in read(folder / JOURNAL_NAME, "", 0, END_NS, database or "")}
            _say_unknown(tenant, sorted(known))
        rows = chain([] if first is None else [first], rows)
    if as_csv:
        _write_csv(rows)
    elif as_json:
        listed = list(rows)
        output.json_object({"rows": listed, "totals": totals(listed)})
    else:
        output.lines(_table(totals(rows)))


def _say_unknown(tenant: str, known: list[str]) -> None:
    """On standard error: a name that is not in the ledger may be mistyped."""
    if tenant not in known:
        names = ", ".join(known) or "none"
        terminal.say(f"no launch of a tenant '{tenant}' is in the ledger; tenants in it: {names}", err=True)


def row_values(row: Row) -> dict[str, Any]:
    """A row of the ledger with times as people and bills have them."""
    moment = datetime.fromtimestamp(row.time_ns // SECOND_NS, UTC)
    time = f"{moment:%Y-%m-%dT%H:%M:%S}.{row.time_ns % SECOND_NS // 1_000_000:03d}Z"
    lead = (row.tenant, row.session, row.job, row.attempt, row.outcome, row.engine, row.method)
    counts = (row.shots, row.gates, row.qubits)
    used = (row.engine_ns / SECOND_NS, row.cpu_ns / SECOND_NS, row.bytes_stored, row.queue_ns / SECOND_NS)
    patches = (row.physical_qubits, row.rounds)
    return dict(zip(NAMES, (time, *lead, *counts, *used, *patches), strict=True))


def totals(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sums by tenant, with the number of launches and of jobs that ended with one."""
    sums: dict[str, dict[str, Any]] = {}
    for row in rows:
        start = {"launches": 0, "completed": 0, **dict.fromkeys(SUMMED, 0)}
        mine = sums.setdefault(row["tenant"], start)
        mine["launches"] += 1
        mine["completed"] += row["outcome"] == "completed"
        for name in SUMMED:
            mine[name] += row[name]
    return dict(sorted(sums.items()))


def _write_csv(rows: Iterator[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, NAMES, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _table(sums: dict[str, dict[str, Any]]) -> Iterable[str]:
    if not sums:
        return ["no launch ended in this time"]
    head = ["tenant", "launches", "completed", "shots", "gates", "engine s", "CPU s", "bytes stored", "rounds"]
    cells = [[f"{value:,.3f}" if name.endswith("seconds") else f"{value:,}" for name, value in row.items()]
             for row in sums.values()]  # fmt: skip
    return output.table(head, [[tenant, *row] for tenant, row in zip(sums, cells, strict=True)])
