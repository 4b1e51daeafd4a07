"""``qmk rollback``: take a job of the daemon back to a fence."""

from __future__ import annotations

import click
import msgspec

from qmk.cli import options

WAYS = {
    "in_place": "its worker undid what came after",
    "saved": "from a saved state",
    "start": "from the start",
}


@click.command()
@click.argument("job")
@click.argument("epoch", type=click.IntRange(0, 2**63 - 1))
@options.json_option
@options.socket_option
def command(job: str, epoch: int, as_json: bool, socket_path: str | None) -> None:
    """Take JOB back to where EPOCH epochs were behind it; 0 is its start. It goes on from there."""
    from qmk.cli import output
    from qmk.client import Client

    with Client(socket_path) as client:
        reply = client.rollback(job, epoch)
    if as_json:
        output.json_object(msgspec.to_builtins(reply))
    else:
        click.echo(f"{job}: goes on with {reply.epoch} epochs behind it, {WAYS[reply.how]}")
