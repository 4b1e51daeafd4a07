"""``qmk migrate``: move a job of the daemon to another worker and region."""

from __future__ import annotations

import click

from qmk.cli import options, output
from qmk.cli.session import connect


@click.command()
@options.job_argument()
@click.argument("region")
@options.json_option
@options.socket_option
def command(job: str, region: str, as_json: bool, socket_path: str | None) -> None:
    """Move JOB to another worker and to REGION of the device at its next fence; says so when it is there."""

    with connect(socket_path) as client:
        reply = client.migrate(job, region)
    handles = f"{len(reply.handles)} {'handle' if len(reply.handles) == 1 else 'handles'}"
    output.show(as_json, reply, f"{job}: in {reply.region} with {handles}, {reply.epoch} epochs behind it")
