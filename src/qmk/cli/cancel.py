"""``qmk cancel``: stop a job of the daemon, or all that a filter names."""

from __future__ import annotations

import click

from qmk.cli import choices, options, output
from qmk.cli.session import connect


@click.command()
@options.job_argument(required=False)
@options.tag_options(
    "Stop all jobs with this tag instead, or with all of several.",
    "Stop all jobs without this tag, or without any of several.",
)
@click.option(
    "--name", default="", metavar="NAME", shell_complete=choices.job_names, help="Stop all jobs of this name."
)
@click.option(
    "--state",
    type=click.Choice(["queued", "running"], case_sensitive=False),
    help="Stop all jobs in this state. Several filters: those that fit all.",
)
@click.option("--reason", default="", help="Kept with the job.")
@options.json_option
@options.socket_option
def command(
    job: str | None,
    tags: tuple[str, ...],
    not_tags: tuple[str, ...],
    name: str,
    state: str | None,
    reason: str,
    as_json: bool,
    socket_path: str | None,
) -> None:
    """Stop JOB; its worker ends at once."""
    if (job is None) != bool(tags or not_tags or name or state):
        raise click.UsageError("give either a JOB or a filter, such as --tag")
    with connect(socket_path) as client:
        if job is not None:
            reply = client.cancel(job, reason=reason)
            output.show(as_json, reply, f"{job}: {reply.state}")
        else:
            wanted = state.upper() if state else None
            count = client.cancel_matching(reason, state=wanted, name=name, tags=tags, not_tags=not_tags)
            output.show(as_json, {"cancelled": count}, f"{count} job{'' if count == 1 else 's'} cancelled")
