"""Options of commands that change one job, or all that a filter names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from qmk.cli import choices, options
from qmk.cli.options import Command

STATES = ("queued", "running", "completed", "failed", "cancelled")


def filter_options(verb: str, states: tuple[str, ...] = STATES) -> Callable[[Command], Command]:
    """An optional JOB, and ``--tag``, ``--not-tag``, ``--name`` and ``--state``, which the command gets as ``wanted``.
    One of the two has to be given."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def collect(*, job: str | None, tags: Any, not_tags: Any, name: str, state: str | None, **others: Any) -> None:
            wanted = {"state": state.upper() if state else None, "name": name, "tags": tags, "not_tags": not_tags}
            if (job is None) != any(wanted.values()):
                raise click.UsageError("give either a JOB or a filter, such as --tag")
            command(job=job, wanted=wanted, **others)

        kind = click.Choice(states, case_sensitive=False)
        help = f"{verb} all jobs in this state. Several filters: those that fit all."
        made: Any = click.option("--state", type=kind, help=help)(collect)
        named = f"{verb} all jobs of this name."
        made = click.option("--name", default="", metavar="NAME", shell_complete=choices.job_names, help=named)(made)
        with_tag = f"{verb} all jobs with this tag instead, or with all of several."
        made = options.tag_options(with_tag, f"{verb} all jobs without this tag, or without any of several.")(made)
        return options.job_argument(required=False)(made)

    return add


def count_text(count: int, what: str) -> str:
    return f"{count} job{'' if count == 1 else 's'} {what}"
