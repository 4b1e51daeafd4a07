"""``qmk label``: give a job other tags, or all jobs that a filter names."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import filters, options, output
from qmk.cli.session import connect


@click.command()
@filters.filter_options("Label")
@click.option("--add", multiple=True, metavar="TAG", help="A tag that it gets; any number of times.")
@click.option("--remove", multiple=True, metavar="TAG", help="A tag that it loses; any number of times.")
@options.json_option
@options.socket_option
def command(
    job: str | None,
    wanted: dict[str, Any],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    as_json: bool,
    socket_path: str | None,
) -> None:
    """Give JOB other tags, in whatever state it is."""
    if not add and not remove:
        raise click.UsageError("give --add or --remove, with a tag")
    with connect(socket_path) as client:
        if job is not None:
            reply = client.label(job, add, remove)
            output.show(as_json, reply, f"{job}: {' '.join(reply.tags) or 'no tags'}")
        else:
            count = client.label_matching(add, remove, **wanted)
            output.show(as_json, {"labelled": count}, filters.count_text(count, "labelled"))
