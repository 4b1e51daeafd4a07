"""``qmk backup``: copies of a daemon's data folder that can be restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.host.backup import Backup

SETTING = "--keys"


@click.group(name="backup")
def command() -> None:
    """Make, verify and restore backups of a daemon's data folder: jobs, results, accounts, and keys if asked for."""


@command.command(short_help="back up a data folder, while its daemon runs or not")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    SETTING,
    "keys",
    metavar="REFERENCE",
    help="Back up the keys too, sealed with the 64 hexadecimal digits that this leads to, such as file:PATH.",
)
@options.local_data_option()
@options.database_option
@options.json_option
def create(target: Path, keys: str | None, data_dir: Path | None, database: str | None, as_json: bool) -> None:
    """Make the folder TARGET a backup, as of one moment; the daemon goes on meanwhile.

    Without --keys no token that was issued before is valid after a restore.
    """
    from qmk.host import backup
    from qmk.rpc.places import state_dir

    found = backup.create(data_dir or state_dir(), target, database or "", _key(keys))
    output.show(as_json, _fields(found, target), _lines(f"backed up in {target}", found))


@command.command(short_help="compare every file of a backup with its digest")
@click.argument("source", type=click.Path(file_okay=False, path_type=Path))
@options.json_option
def verify(source: Path, as_json: bool) -> None:
    """Read every file of the backup SOURCE and compare it with its digest."""
    from qmk.host import backup

    found = backup.verify(source)
    output.show(as_json, _fields(found, source), _lines(f"{source} is whole", found))


@command.command(short_help="make a new data folder of a backup")
@click.argument("source", type=click.Path(file_okay=False, path_type=Path))
@click.option(SETTING, "keys", metavar="REFERENCE", help="Restore the keys too: the reference that opens them.")
@options.local_data_option("The data folder to make, which must be empty or not there.")
@options.database_option
@options.json_option
def restore(source: Path, keys: str | None, data_dir: Path | None, database: str | None, as_json: bool) -> None:
    """Make a data folder of the backup SOURCE, of the same files or in a PostgreSQL database, whichever it came from.

    Nothing that is there is written over. Never let two daemons go on from one backup.
    """
    from qmk.host import backup
    from qmk.rpc.places import state_dir

    target = data_dir or state_dir()
    found = backup.restore(source, target, database or "", _key(keys))
    output.show(as_json, _fields(found, target), _lines(f"restored in {target}", found))


def _key(reference: str | None) -> bytes | None:
    from qmk.secrets.store import key_at

    return None if reference is None else key_at(reference, SETTING)


def _fields(found: Backup, path: Path) -> dict[str, object]:
    return {
        "path": str(path),
        "version": found.version,
        "made_ns": found.made_ns,
        "jobs": found.jobs,
        "files": len(found.files),
        "bytes": found.size_bytes,
        "keys": found.has_keys,
        "missing": found.missing,
    }


def _lines(done: str, found: Backup) -> list[str]:
    from qmk.base.units import bytes_text

    jobs = "1 job" if found.jobs == 1 else f"{found.jobs:,} jobs"
    keys = "with keys" if found.has_keys else "without keys"
    lines = [f"{done}: {jobs}, {bytes_text(found.size_bytes)} in {len(found.files):,} files, {keys}"]
    return [*lines, *(f"missing: the file {name} was needed and not there" for name in found.missing)]
