"""``qmk cancel``: stop a job of the daemon."""

from __future__ import annotations

import click

from qmk.cli import options, output
from qmk.cli.session import connect


@click.command()
@click.argument("job")
@click.option("--reason", default="", help="Kept with the job.")
@options.json_option
@options.socket_option
def command(job: str, reason: str, as_json: bool, socket_path: str | None) -> None:
    """Stop JOB; its worker ends at once."""

    with connect(socket_path) as client:
        reply = client.cancel(job, reason=reason)
    output.show(as_json, reply, f"{job}: {reply.state}")
