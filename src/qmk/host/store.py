"""Where the daemon's journal and blobs are: the data folder, and PostgreSQL when a URL names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.host.blob_files import FileBlobs
from qmk.host.blobs import Blobs
from qmk.host.object_blobs import ObjectBlobs
from qmk.host.seals import HEAD_NAME
from qmk.host.sql.database import Database, Row, Statement, damage
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.log import BatchLog, log_of
from qmk.host.sql.sqlite import Durability, SqliteDatabase
from qmk.rpc.private import private_folder

JOURNAL_NAME = "journal.sqlite"
BLOBS_NAME = "blobs"
LOCK_NAME = "lock"
UNFINISHED_NAME = "journal.repair"
"""Names the folder with the old journal while a repair puts the new one in its place."""
CHECKED = ("meta", "journal", "archived", "checkpoint", "ledger", "audit", "seal")
"""Tables of which a row that cannot be found would not be missed; results are missed when they are read."""
PATIENCE_S = 60.0
SCHEMES = ("postgresql://", "postgres://")


def is_database_url(text: str) -> bool:
    """Whether ``text`` can be a ``--database``."""
    return text.startswith(SCHEMES)


def open_journal(
    data_dir: Path,
    database: str = "",
    durability: Durability = "process",
    patience_s: float = PATIENCE_S,
    waiting: Callable[[str], object] | None = None,
    blobs: str = "",
) -> SqlJournal:
    """The journal of a data folder, whose lock the caller holds. ``database`` is a ``postgresql://`` URL, whose server,
    when lost, is waited for ``patience_s``; empty: the file ``journal.sqlite`` in the folder. With ``waiting``, which
    is told who uses the database, the end of that daemon is waited for. Blobs are files in the folder, or in an object
    store, which the journal names once it was given as ``blobs``. See ``Database`` for what is raised."""
    private_folder(data_dir)
    if not database:
        _require_whole_files(data_dir)
    base = _database(data_dir, database, durability, patience_s, waiting)
    try:
        faults = base.check(CHECKED)
        if faults:
            raise damage(base.name, faults[0])
        batch_log = None if base.far else BatchLog(log_of(data_dir / JOURNAL_NAME), synced=durability == "power")
        journal = SqlJournal(base, _blobs(base, data_dir, durability, blobs), batch_log=batch_log)
        lost = journal.count_lost_entries()
        if lost:
            raise damage(base.name, f"{lost} {'entry' if lost == 1 else 'entries'} of the audit log missing")
    except BaseException:
        base.close()
        raise
    return journal


def _require_whole_files(data_dir: Path) -> None:
    """Refuses what SQLite would take for the beginning of a new journal."""
    path = data_dir / JOURNAL_NAME
    if (data_dir / UNFINISHED_NAME).exists():
        raise damage(str(path), "a repair of it was interrupted")
    if path.exists() and not path.stat().st_size and (data_dir / HEAD_NAME).exists():
        raise damage(str(path), "it is empty")


def _blobs(base: Database, data_dir: Path, durability: Durability, wanted: str) -> Blobs:
    """The blob store that the journal names; ``wanted``, if it names none: then what is in the folder moves there."""
    kept = object_store_of(base.read)
    if not (kept or wanted):
        return blobs_of(data_dir, durability)
    found = ObjectBlobs(kept or wanted)
    if wanted and found.url != wanted.rstrip("/"):
        fix = "leave --blobs out, or name that place: what a journal has put there is not looked for elsewhere"
        raise QmkError("INVALID_PARAMS", f"the blobs of {base.name} are in {found.url}, not in {wanted}", help=fix)
    if not kept:
        files = blobs_of(data_dir, durability)
        moved = [blob.name for blob in files.list_blobs()]
        for name in moved:
            found.put(files.get(name))
        statement = Statement("INSERT INTO meta (key, value) VALUES (?, ?)", [("blobs", found.url)])
        base.write([statement], durable=True)
        for name in moved:
            files.delete(name)
    return found


def object_store_of(read: Callable[[str, Row], Iterator[Row]]) -> str:
    """The URL of the object store in which a journal has its blobs, or ""."""
    return next(read("SELECT value FROM meta WHERE key='blobs'", ()), ("",))[0]


def blobs_of(data_dir: Path, durability: Durability = "process") -> FileBlobs:
    """The blob store of a data folder."""
    return FileBlobs(data_dir / BLOBS_NAME, synced=durability == "power")


def _database(
    data_dir: Path, url: str, durability: Durability, patience_s: float, waiting: Callable[[str], object] | None
) -> Database:
    if not url:
        return SqliteDatabase(data_dir / JOURNAL_NAME, durability)
    if not is_database_url(url):
        raise QmkError("INVALID_PARAMS", f"a database is named by a URL that begins with '{SCHEMES[0]}'")
    from qmk.host.sql.postgres import PostgresDatabase

    return PostgresDatabase(url, patience_s, waiting)
