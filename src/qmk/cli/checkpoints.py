"""``qmk checkpoints``: the checkpoints that were made and are still there."""

from __future__ import annotations

import functools

import click

from qmk.cli import options, pages
from qmk.cli.session import connect


@click.command()
@options.job_argument(required=False)
@options.rows_option
@options.json_option
@options.socket_option
def command(job: str | None, limit: int, as_json: bool, socket_path: str | None) -> None:
    """List the checkpoints that 'qmk checkpoint' has made, of all your tenant's jobs or of JOB, the newest first."""
    from qmk.base.units import bytes_text

    with connect(socket_path) as client:
        rows, more = pages.collect(limit, functools.partial(client.checkpoints, job), "checkpoints")
    table = [
        (
            row.checkpoint_id,
            row.job_id,
            f"after epoch {row.epoch}" if row.epoch else "its start",
            bytes_text(row.size_bytes) if row.size_bytes else "-",
            options.moment(row.saved),
        )
        for row in rows
    ]
    none = f"no checkpoints of {job}" if job else "no checkpoints; 'qmk checkpoint JOB' makes one"
    pages.show(as_json, rows, more, ("checkpoint", "job", "where", "size", "saved"), table, none)
