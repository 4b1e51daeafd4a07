"""``qmk jobs``: the jobs of the daemon, newest first."""

from __future__ import annotations

import functools
from typing import Any

import click
import msgspec

from qmk.cli import options, pages, parameters
from qmk.cli.session import connect


@click.command()
@click.option(
    "--state",
    type=click.Choice(["queued", "running", "completed", "failed", "cancelled"], case_sensitive=False),
    help="Only jobs in this state.",
)
@click.option(
    "--since",
    type=parameters.PastMoment(),
    metavar="WHEN",
    help="Only jobs submitted within this time (2h, 30d), or on this date and later.",
)
@options.rows_option
@options.json_option
@options.socket_option
def command(state: str | None, since: int | None, limit: int, as_json: bool, socket_path: str | None) -> None:
    """List your tenant's jobs, those submitted last first."""
    with connect(socket_path) as client:
        call = functools.partial(client.jobs, state.upper() if state else None, since=since)
        rows, more = pages.collect(limit, call, "jobs")
    found = msgspec.to_builtins(rows)
    none = f"no jobs {state.lower()}" if state else "no jobs; 'qmk submit PROGRAM' makes one"
    if since is not None:
        none = f"no jobs{f' {state.lower()}' if state else ''} since {options.moment(since)}"
    head = ("job", "state", "engine", "progress", "submitted", "ran")
    pages.show(as_json, found, more, head, [cells(row) for row in found], none)


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    from qmk.base.units import seconds_text
    from qmk.cli.status import progress_text

    started, ended = row["started"], row["ended"]
    return (
        row["job_id"],
        row["state"],
        " ".join(part for part in (row["engine"], row["method"]) if part),
        row["error"] or (progress_text(row["progress"]) if started else "-"),
        options.moment(row["submitted"]),
        seconds_text(max(0.0, ended - started)) if started and ended else "-",
    )
