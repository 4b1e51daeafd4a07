"""``qmk status``: how far a job of the daemon is."""

from __future__ import annotations

import click
import msgspec

from qmk.base.errors import Finding
from qmk.cli import options, output
from qmk.cli.failure import Console
from qmk.cli.session import connect
from qmk.client.job_text import line


@click.command()
@options.job_argument()
@options.json_option
@options.socket_option
@click.pass_obj
def command(console: Console, job: str, as_json: bool, socket_path: str | None) -> None:
    """Say what state JOB is in and how far it is."""

    with connect(socket_path) as client:
        status = msgspec.to_builtins(client.status(job))
    console.warn(msgspec.convert(status["warnings"], list[Finding]))
    output.show(as_json, status, line(job, status))
