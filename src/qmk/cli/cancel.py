"""``qmk cancel``: stop a job of the daemon, or all that a filter names."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import filters, options, output
from qmk.cli.session import connect


@click.command()
@filters.filter_options("Stop", ("queued", "running"))
@click.option("--reason", default="", help="Kept with the job.")
@options.json_option
@options.socket_option
def command(job: str | None, wanted: dict[str, Any], reason: str, as_json: bool, socket_path: str | None) -> None:
    """Stop JOB; its worker ends at once."""
    with connect(socket_path) as client:
        if job is not None:
            reply = client.cancel(job, reason=reason)
            output.show(as_json, reply, f"{job}: {reply.state}")
        else:
            count = client.cancel_matching(reason, **wanted)
            output.show(as_json, {"cancelled": count}, filters.count_text(count, "cancelled"))
