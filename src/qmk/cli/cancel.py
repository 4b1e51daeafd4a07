"""``qmk cancel``: stop a job of the daemon."""

from __future__ import annotations

import click
import msgspec

from qmk.cli import options
from qmk.cli.session import connected


@click.command()
@click.argument("job")
@click.option("--reason", default="", help="Kept with the job.")
@options.json_option
@options.socket_option
def command(job: str, reason: str, as_json: bool, socket_path: str | None) -> None:
    """Stop JOB; its worker ends at once."""
    from qmk.cli import output

    with connected(socket_path) as client:
        reply = msgspec.to_builtins(client.cancel(job, reason=reason))
    if as_json:
        output.json_object(reply)
    else:
        click.echo(f"{job}: {reply['state']}")
