"""``qmk result``: what a job of the daemon gave."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output
from qmk.cli.failure import Console
from qmk.cli.session import connect

if TYPE_CHECKING:
    from qmk.client import Client
    from qmk.client.result import Result

POLL_MS = 500
"""How often a waiting command looks at the job's progress; its end is answered at once."""


@click.command()
@options.job_argument()
@click.option("--wait", is_flag=True, help="Wait until the job has ended.")
@options.top_option
@options.json_option
@options.socket_option
@click.pass_obj
def command(console: Console, job: str, wait: bool, top: int, as_json: bool, socket_path: str | None) -> None:
    """Print the result of JOB."""

    with connect(socket_path) as client:
        result = wait_for(client, job, 0, as_json) if wait else client.result(job)
        console.warn(result.warnings)
        show_result(result, as_json, result.job_id, top)


def wait_for(client: Client, job: str, shots: int, quiet: bool) -> Result:
    """The result of ``job`` once it has ended, with a bar meanwhile. Ctrl-C leaves the job running."""
    from qmk.request.progress import Bar

    with Bar(f"waiting for {job}", shots, quiet) as bar:
        status = client.wait(job, POLL_MS)
        while status.state in ("QUEUED", "VALIDATING", "RUNNING"):
            bar(status.progress.shots_done)
            status = client.wait(job, POLL_MS)
    return client.result(job)


def show_result(result: Result, as_json: bool, name: str, top: int = options.TOP) -> None:
    """A result as ``qmk run`` prints it."""
    from qmk.cli import scripting
    from qmk.cli.run import show

    if as_json:
        output.json_object(result.to_dict())
    elif "script" in result.provenance.notes:
        scripting.show(result.script)
    else:
        show(result, os.path.basename(name), top=top, explain=False)
