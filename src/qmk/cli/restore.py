"""``qmk restore``: a new job that continues from a checkpoint."""

from __future__ import annotations

import click

from qmk.cli import options, output
from qmk.cli.session import connect


@click.command()
@click.argument("checkpoint")
@click.option("--wait", is_flag=True, help="Wait until the new job has ended, and print its result.")
@options.json_option
@options.socket_option
def command(checkpoint: str, wait: bool, as_json: bool, socket_path: str | None) -> None:
    """Start a new job from CHECKPOINT: the same program, shots, seed and engine, and so the same bits."""
    from qmk.cli.result import show_result, wait_for

    with connect(socket_path) as client:
        reply = client.restore(checkpoint)
        if wait:
            show_result(wait_for(client, reply.job_id, 0, as_json), as_json, reply.job_id)
        else:
            output.show(as_json, reply, reply.job_id)
