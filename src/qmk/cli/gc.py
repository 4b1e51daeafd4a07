"""``qmk gc``: free the space of old results and of what crashes have left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output, parameters
from qmk.cli.operate import operate

if TYPE_CHECKING:
    from qmk.abi.operator import op_gc


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than",
    "older_than_s",
    type=parameters.Age(),
    metavar="AGE",
    help="Forget jobs that ended before that, with results and checkpoints: 30d, 12h, 2w.",
)
@options.local_data_option("The daemon's folder.")
@options.database_option
@options.json_option
def command(
    dry_run: bool, older_than_s: float | None, data_dir: Path | None, database: str | None, as_json: bool
) -> None:
    """Collect what nobody needs from a daemon's data folder, whether the daemon runs or not.

    Files that no job, result or checkpoint needs go, and those that a crash has left half written. With --older-than,
    jobs that ended before that are forgotten first. The ledger and the audit log stay.
    """
    found = operate(data_dir, database or "", "op_gc", dry_run=dry_run, older_than_s=older_than_s)
    output.show(as_json, found, text(found, older_than_s))


def text(found: op_gc.Reply, older_than_s: float | None) -> list[str]:
    from qmk.base.units import bytes_text

    def files(count: int, noun: str, size: int) -> str:
        return f"{count:,} {noun}{'' if count == 1 else 's'} of {bytes_text(size)}"

    would = "would be " if found.dry_run else ""
    lines: list[str] = []
    if older_than_s is not None:
        jobs = f"{found.jobs:,} ended job{'' if found.jobs == 1 else 's'}"
        lines.append(f"{jobs} {would}forgotten, with {bytes_text(found.job_bytes)} of programs and results")
    lines += [
        f"{files(found.blobs, 'file', found.blob_bytes)} that nothing needs {would}deleted",
        f"{files(found.drafts, 'unfinished file', found.draft_bytes)} of a crash {would}deleted",
        f"kept: {_kept_jobs(found, older_than_s)}",
        f"kept: {files(found.kept_blobs, 'file', found.kept_blob_bytes)} that jobs need, "
        f"{files(found.kept_states, 'saved state', found.kept_state_bytes)} among them",
    ]
    lines += [f"missing: the file {name} is needed and not there; restore it from a backup" for name in found.missing]
    return lines


def _kept_jobs(found: op_gc.Reply, older_than_s: float | None) -> str:
    ended = found.kept_jobs - found.going_jobs
    why = "nothing was said of their age" if older_than_s is None else "ended later"
    return f"{found.going_jobs:,} jobs that have not ended, {ended:,} that have ({why})"
