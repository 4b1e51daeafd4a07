"""``qmk result``: what a job of the daemon gave."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from qmk.cli import options

if TYPE_CHECKING:
    from qmk.client.result import Result


@click.command()
@click.argument("job")
@click.option("--wait", is_flag=True, help="Wait until the job has ended.")
@options.json_option
@options.socket_option
def command(job: str, wait: bool, as_json: bool, socket_path: str | None) -> None:
    """Print the result of JOB."""
    from qmk.client import Client

    with Client(socket_path) as client:
        show_result(client.wait(job) if wait else client.result(job), as_json, job)


def show_result(result: Result, as_json: bool, name: str) -> None:
    """A result as ``qmk run`` prints it."""
    from qmk.cli import output
    from qmk.cli.run import show

    if as_json:
        output.json_object(result.to_dict())
    else:
        show(result, os.path.basename(name), top=20, explain=False)
