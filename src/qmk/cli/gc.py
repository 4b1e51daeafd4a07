"""``qmk gc``: free the space of old results and of what crashes have left."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options
from qmk.cli.failure import call_error

if TYPE_CHECKING:
    from qmk.host.gc import Collected

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than",
    metavar="AGE",
    help="Forget jobs that ended before that, with results and checkpoints: 30d, 12h, 2w.",
)
@click.option(
    "--data-dir", type=click.Path(file_okay=False), envvar="QMK_STATE_DIR", metavar="PATH", help="The daemon's folder."
)
@options.database_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(dry_run: bool, older_than: str | None, data_dir: str | None, database: str | None, as_json: bool) -> None:
    """Collect what nobody needs from the data folder of a daemon that is not running.

    Blobs that no job, result or checkpoint names go, and drafts that a crash has left, once they are an hour old. With
    --older-than, jobs that ended before that are forgotten. The ledger and the audit log stay.
    """
    from qmk.host.gc import Plan, collect
    from qmk.host.places import Lock
    from qmk.host.store import LOCK_NAME, blobs_of, open_journal
    from qmk.sdk.places import state_dir

    plan = Plan(None if older_than is None else age_s(older_than), dry_run)
    folder = Path(data_dir) if data_dir else state_dir()
    if not folder.is_dir():
        raise call_error(f"there is no data folder {folder}", help="name the daemon's with --data-dir")
    with Lock(folder / LOCK_NAME):
        journal = open_journal(folder, database or "")
        try:
            found = collect(journal, blobs_of(folder), plan)
        finally:
            journal.close()
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(found.to_dict()).decode() + "\n")
    else:
        click.echo(text(found))


def age_s(text: str) -> float:
    """Seconds of ``30d``, ``12h``, ``90m``. Raises INVALID_PARAMS for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if match is None:
        raise call_error(f"'{text}' is no age; write a number and one of s, m, h, d, w, such as 30d")
    return float(match[1]) * UNITS_S[match[2]]


def text(found: Collected) -> str:
    from qmk.base.units import bytes_text

    verb = "would go" if found.dry_run else "gone"
    lines = [
        f"{found.jobs} jobs {verb}, {bytes_text(found.journal_bytes)} of rows",
        f"{found.blobs} blobs {verb}, {bytes_text(found.blob_bytes)}",
        f"{found.drafts} unfinished files {verb}, {bytes_text(found.draft_bytes)}",
        f"kept: {found.kept_jobs} jobs, {found.kept_blobs} blobs of {bytes_text(found.kept_blob_bytes)}",
    ]
    lines += [f"missing: the blob {name} is named and not there; restore it from a backup" for name in found.missing]
    return "\n".join(lines)
