"""``qmk cancel``: stop a job of the daemon, or all with a tag."""

from __future__ import annotations

import click

from qmk.cli import choices, options, output
from qmk.cli.session import connect


@click.command()
@options.job_argument(required=False)
@click.option("--tag", metavar="TAG", shell_complete=choices.job_tags, help="Stop all jobs with this tag instead.")
@click.option("--reason", default="", help="Kept with the job.")
@options.json_option
@options.socket_option
def command(job: str | None, tag: str | None, reason: str, as_json: bool, socket_path: str | None) -> None:
    """Stop JOB; its worker ends at once."""
    if (job is None) == (tag is None):
        raise click.UsageError("give either a JOB or a --tag")
    with connect(socket_path) as client:
        if tag is not None:
            count = client.group(tag).cancel(reason)
            output.show(as_json, {"cancelled": count}, f"{count} job{'' if count == 1 else 's'} cancelled")
        elif job is not None:
            reply = client.cancel(job, reason=reason)
            output.show(as_json, reply, f"{job}: {reply.state}")
