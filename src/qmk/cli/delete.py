"""``qmk delete``: forget a job that has ended, or all that a filter names."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import filters, options, output
from qmk.cli.session import connect


@click.command()
@filters.filter_options("Forget", ("completed", "failed", "cancelled"))
@options.json_option
@options.socket_option
def command(job: str | None, wanted: dict[str, Any], as_json: bool, socket_path: str | None) -> None:
    """Forget JOB, which has ended, with its result; the ledger and the audit log keep what they have of it."""
    from qmk.base.units import bytes_text

    with connect(socket_path) as client:
        if job is not None:
            reply = client.delete(job)
            output.show(as_json, reply, f"{job}: deleted, {bytes_text(reply.freed_bytes)} freed")
        else:
            count = client.delete_matching(**wanted)
            output.show(as_json, {"deleted": count}, filters.count_text(count, "deleted"))
