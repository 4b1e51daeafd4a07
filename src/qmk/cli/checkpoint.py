"""``qmk checkpoint``: save a job of the daemon at its next fence."""

from __future__ import annotations

import click
import msgspec

from qmk.cli import options
from qmk.cli.session import connected


@click.command()
@click.argument("job")
@options.json_option
@options.socket_option
def command(job: str, as_json: bool, socket_path: str | None) -> None:
    """Save JOB at its next fence; it goes on. Prints the checkpoint, which 'qmk restore' continues from."""
    from qmk.base.units import bytes_text
    from qmk.cli import output

    with connected(socket_path) as client:
        reply = client.checkpoint(job)
    if as_json:
        output.json_object(msgspec.to_builtins(reply))
        return
    size = f", {bytes_text(reply.size_bytes)}" if reply.size_bytes else ""
    where = f"after epoch {reply.epoch}" if reply.epoch else "at its start"
    click.echo(f"{reply.checkpoint_id}: {job} {where}{size}")
