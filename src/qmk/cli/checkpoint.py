"""``qmk checkpoint``: save a job of the daemon at its next fence."""

from __future__ import annotations

import click

from qmk.cli import options, output
from qmk.cli.session import connect


@click.command()
@options.job_argument()
@options.json_option
@options.socket_option
def command(job: str, as_json: bool, socket_path: str | None) -> None:
    """Save JOB at its next fence; it goes on. Prints the checkpoint, which 'qmk restore' continues from."""
    from qmk.base.units import bytes_text

    with connect(socket_path) as client:
        reply = client.checkpoint(job)
    size = f", {bytes_text(reply.size_bytes)}" if reply.size_bytes else ""
    where = f"after epoch {reply.epoch}" if reply.epoch else "at its start"
    output.show(as_json, reply, f"{reply.checkpoint_id}: {job} {where}{size}")
