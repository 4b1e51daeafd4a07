"""``qmk jobs``: the jobs of the daemon, newest first."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from qmk.cli import choices, options, pages, parameters
from qmk.cli.operate import operate
from qmk.cli.session import connect

if TYPE_CHECKING:
    from qmk.client import Client

POLL_S = 0.5
"""How often a waiting command counts the jobs that have ended."""


@click.command()
@click.option(
    "--state",
    type=click.Choice(["queued", "running", "completed", "failed", "cancelled"], case_sensitive=False),
    help="Only jobs in this state.",
)
@options.tag_options(
    "Only jobs with this tag, or with all of several.",
    "Only jobs without this tag, or without any of several.",
)
@click.option("--name", default="", metavar="NAME", shell_complete=choices.job_names, help="Only jobs of this name.")
@click.option(
    "--since",
    type=parameters.PastMoment(),
    metavar="WHEN",
    help="Only jobs submitted within this time (2h, 30d), or on this date and later.",
)
@options.rows_option
@click.option("--wait", is_flag=True, help="With one --tag: wait first until all of its jobs have ended.")
@click.option("--all-tenants", is_flag=True, help="The jobs of all tenants, for the user who runs the daemon.")
@click.option("--tenant", metavar="NAME", help="Those of this tenant, for the user who runs the daemon.")
@options.data_option("The daemon's folder, with --all-tenants and --tenant.")
@options.database_option
@options.json_option
@options.socket_option
def command(
    state: str | None,
    tags: tuple[str, ...],
    not_tags: tuple[str, ...],
    name: str,
    since: int | None,
    limit: int,
    wait: bool,
    all_tenants: bool,
    tenant: str | None,
    data_dir: Path | None,
    database: str | None,
    as_json: bool,
    socket_path: str | None,
) -> None:
    """List your tenant's jobs, those submitted last first."""
    wanted: dict[str, Any] = {
        "state": state.upper() if state else None,
        "name": name,
        "tags": tags,
        "not_tags": not_tags,
    }
    if all_tenants and tenant is not None:
        raise click.UsageError("--all-tenants and --tenant exclude each other")
    if wait and (len(tags) != 1 or all_tenants or tenant is not None):
        raise click.UsageError("--wait needs one --tag, of your own tenant")
    if all_tenants or tenant is not None:
        from qmk.client.lists import newer

        def call(**page: Any) -> Any:
            return newer(operate(data_dir, database or "", "op_jobs", tenant=tenant, **wanted, **page), since)

        rows, more = pages.collect(limit, call, "jobs")
    else:
        with connect(socket_path) as client:
            if wait:
                _wait_for(client, tags[0], as_json)
            rows, more = pages.collect(limit, functools.partial(client.jobs, **wanted, since=since), "jobs")
    found = msgspec.to_builtins(rows)
    which = [state.lower()] if state else []
    which += [f"of {tenant}"] if tenant is not None else []
    which += [f"named '{name}'"] if name else []
    which += [f"with the tag{'s' if len(tags) > 1 else ''} {', '.join(tags)}"] if tags else []
    which += [f"without the tag{'s' if len(not_tags) > 1 else ''} {', '.join(not_tags)}"] if not_tags else []
    which += [f"since {options.moment(since)}"] if since is not None else []
    none = " ".join(["no jobs", *which]) if which else "no jobs; 'qmk submit PROGRAM' makes one"
    columns = [column for column in ("tenant", "name", "tags") if _shows(column, found, all_tenants)]
    head = ("job", *columns, "state", "engine", "progress", "submitted", "ran")
    pages.show(as_json, found, more, head, [cells(row, columns) for row in found], none)


def _wait_for(client: Client, tag: str, quiet: bool) -> None:
    """Waits until all jobs with the tag have ended, with a bar meanwhile."""
    from qmk.base.errors import QmkError
    from qmk.client.calls import ENDED
    from qmk.request.progress import Bar

    group = client.group(tag)
    states = group.status()
    with Bar(f"waiting for {tag}", sum(states.values()), quiet, "jobs") as bar:
        while states.keys() - ENDED:
            try:
                group.wait(POLL_S)
            except QmkError as error:
                if error.kind.name != "TIMEOUT":
                    raise
            states = group.status()
            bar(sum(count for state, count in states.items() if state in ENDED))


def _shows(column: str, rows: list[dict[str, Any]], all_tenants: bool) -> bool:
    """Whether the table has a column that most lists need not have."""
    return all_tenants if column == "tenant" else any(row[column] for row in rows)


def cells(row: dict[str, Any], columns: Sequence[str] = ()) -> tuple[str, ...]:
    from qmk.base.units import seconds_text
    from qmk.client.job_text import progress_text

    started, ended = row["started"], row["ended"]
    return (
        row["job_id"],
        *(", ".join(row[column]) if column == "tags" else row[column] for column in columns),
        row["state"],
        " ".join(part for part in (row["engine"], row["method"]) if part),
        row["error"] or (progress_text(row["progress"]) if started else "-"),
        options.moment(row["submitted"]),
        seconds_text(max(0.0, ended - started)) if started and ended else "-",
    )
