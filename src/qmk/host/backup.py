"""Backups: everything of a data folder that its daemon needs to go on, as of one moment, while the daemon runs.

The journal comes first: SQLite's own backup, or the rows of one transaction of PostgreSQL, which become a file of
SQLite, so that a backup of either kind restores into either. ``journal.log`` follows, up to what goes with that moment,
then the blobs that the copy names, which stay for a minute after their last name has gone. ``backup.json`` is written
last and has the SHA-256 of every file: without it a folder is not a backup. Keys are left out, or sealed (AES-256-GCM).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from qmk import __version__
from qmk.base.errors import QmkError
from qmk.host.blob_files import FileBlobs, sync_folder
from qmk.host.blobs import Blobs
from qmk.host.journal import Journal
from qmk.host.object_blobs import ObjectBlobs
from qmk.host.seals import HEAD_NAME, witness_bytes
from qmk.host.sql.copying import copy_rows, is_empty
from qmk.host.sql.library import sqlite_module
from qmk.host.sql.log import last_begun, last_moved, last_past, log_of, prefix_bytes, read_log
from qmk.host.sql.reading import Reading
from qmk.host.sql.schema import SCHEMA
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import BLOBS_NAME, JOURNAL_NAME, UNFINISHED_NAME, blobs_of, object_store_of, open_journal
from qmk.rpc.places import KEYS_NAME
from qmk.rpc.private import private_folder, write_private
from qmk.sql import gateway

FORM = "qmk backup 1"
LIST_NAME = "backup.json"
SEALED_NAME = "keys.sealed"
PUBLIC_NAME = "public"
"""Public halves of the keys: with them the audit log of a backup without keys can be verified."""
ACCOUNTS_NAME = "gateway.db"
BESIDE = (ACCOUNTS_NAME, "secrets.json", "rates.json")
"""Other files of a data folder that stay. What is in ``secrets.json`` is sealed with one of the keys."""
SECRET_FOLDERS = (KEYS_NAME, "tls")
TRIES = 5
_CHUNK = 1 << 20


class Listed(msgspec.Struct, frozen=True):
    """A file of a backup."""

    bytes: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``backup.json`` says. ``made_ns`` is in Unix time; ``missing`` names blobs that the journal needs and that
    were not there."""

    form: str
    version: str
    schema: int
    made_ns: int
    jobs: int
    has_keys: bool
    missing: list[str]
    files: dict[str, Listed]

    @property
    def size_bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())


def create(data_dir: Path, target: Path, database: str = "", key: bytes | None = None) -> Backup:
    """Makes the folder ``target``, which must not be there, a backup of a data folder, with its keys sealed by ``key``
    if there is one. Nothing of an attempt that fails is left behind.

    Raises INVALID_PARAMS where there is no journal or ``target`` is taken, INTERNAL_ERROR where the journal is damaged
    or of another release, RESOURCE_EXHAUSTED where something cannot be read or written.
    """
    if (data_dir / UNFINISHED_NAME).exists():
        raise QmkError("INVALID_PARAMS", f"a repair of {data_dir} was interrupted", help="finish it with qmk doctor")
    with _draft_of(target) as draft:
        place = ""
        if database:
            place = _copy_postgres(database, draft)
        else:
            _copy_sqlite(data_dir, draft)
        blobs = ObjectBlobs(place) if place else FileBlobs(data_dir / BLOBS_NAME)
        with closing(open_journal(draft, durability="power")) as journal:
            missing = _copy_blobs(journal, blobs, draft)
            jobs = sum(1 for _ in journal.database.read(_JOBS))
            seal = journal.last_seal()
        if seal is not None:
            write_private(draft / HEAD_NAME, witness_bytes(seal))
        _copy_beside(data_dir, draft)
        if database:
            _copy_accounts(database, draft)
        if key is not None:
            write_private(draft / SEALED_NAME, _seal_keys(data_dir, key))
        files = {str(path.relative_to(draft)): _digest(path) for path in _files(draft)}
        made = Backup(FORM, __version__, SCHEMA, time.time_ns(), jobs, key is not None, missing, files)
        write_private(draft / LIST_NAME, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    return made


_JOBS = "SELECT job FROM archived UNION SELECT DISTINCT job FROM journal WHERE job LIKE 'job_%'"


def verify(source: Path) -> Backup:
    """Reads every file of a backup and compares it with its digest. Raises INVALID_PARAMS where there is no backup,
    INTERNAL_ERROR naming the first file that is missing or damaged."""
    try:
        made = msgspec.json.decode((source / LIST_NAME).read_bytes(), type=Backup)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        help = "name a folder that 'qmk backup create' has made, and finished"
        raise QmkError("INVALID_PARAMS", f"{source} is not a backup: {LIST_NAME}: {why}", help=help) from error
    except msgspec.MsgspecError as error:
        raise _damage(source / LIST_NAME, str(error)) from error
    if made.form != FORM:
        raise QmkError("INVALID_PARAMS", f"{source} is a '{made.form[:40]}'; this release reads '{FORM}'")
    for name, listed in made.files.items():
        path = source / name
        if os.path.isabs(name) or ".." in path.relative_to(source).parts or not path.is_file():
            raise _damage(path, "is missing")
        if _digest(path) != listed:
            raise _damage(path, "is damaged: its content does not match its digest")
    return made


def restore(source: Path, data_dir: Path, database: str = "", key: bytes | None = None) -> Backup:
    """Makes ``data_dir``, which must be empty or not there, a data folder of what a backup holds, with the journal in
    ``database`` if there is one, whose tables must be empty.

    Raises as ``verify`` does, INVALID_PARAMS where something is there already or ``key`` does not open the keys.
    """
    made = verify(source)
    if key is not None and not made.has_keys:
        raise QmkError("INVALID_PARAMS", f"the backup {source} has no keys", help="restore it without --keys")
    with _draft_of(data_dir) as draft:
        for name in made.files:
            if name.split("/")[0] not in (SEALED_NAME, PUBLIC_NAME):
                _copy_file(source / name, draft / name)
        if key is not None:
            _unseal_keys(source / SEALED_NAME, draft, key)
        with closing(open_journal(draft, durability="power")) as journal:
            if database:
                _fill_postgres(journal, draft, database)
        if database:
            for path in (draft / JOURNAL_NAME, log_of(draft / JOURNAL_NAME), *draft.glob(f"{ACCOUNTS_NAME}*")):
                path.unlink(missing_ok=True)
    return made


def _copy_sqlite(data_dir: Path, draft: Path) -> None:
    """The journal and what of its log goes with it. Where the log was begun anew in between, both are copied again."""
    source, copy = data_dir / JOURNAL_NAME, draft / JOURNAL_NAME
    for _ in range(TRIES):
        with Reading(source) as live:
            _require_schema(live)
        _copy_database(source, copy)
        log = log_of(source)
        data = log.read_bytes() if log.exists() else b""
        with Reading(copy, still=True) as reading:
            moved, begun, past = (last(reading.read) for last in (last_moved, last_begun, last_past))
        write_private(log_of(copy), data[: prefix_bytes(data, moved)])
        found = read_log(log_of(copy), moved, begun, past)
        if not (found.missing or found.cut or found.behind):
            return
    raise QmkError(
        "RESOURCE_EXHAUSTED",
        f"the journal {source} changes faster than it can be copied, or its log is damaged",
        retryable=True,
        help="try again; if it stays so, stop the daemon and run 'qmk doctor --data-dir'",
    )


def _copy_database(source: Path, target: Path) -> None:
    """A file of SQLite as of one moment, while others write it."""
    sqlite = sqlite_module()
    for side in ("", "-wal", "-shm"):
        target.with_name(target.name + side).unlink(missing_ok=True)
    write_private(target, b"")
    try:
        with (
            closing(sqlite.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10.0)) as live,
            closing(sqlite.connect(str(target))) as copy,
        ):
            live.backup(copy)
    except sqlite.Error as error:
        raise QmkError("RESOURCE_EXHAUSTED", f"cannot copy {source} to {target}: {error}") from error


def _copy_postgres(database: str, draft: Path) -> str:
    """The rows of one moment, in a file of SQLite. Gives the object store that they name, or ""."""
    with Reading(Path(), database) as reading:
        _require_schema(reading)
        with closing(SqliteDatabase(draft / JOURNAL_NAME, "process")) as copy:
            copy_rows(reading.read, copy)
        return object_store_of(reading.read)


def _fill_postgres(journal: Journal, draft: Path, database: str) -> None:
    from qmk.host.sql.postgres import PostgresDatabase

    with closing(PostgresDatabase(database, 0.0)) as into, Reading(draft / JOURNAL_NAME) as reading:
        if not is_empty(into.read):
            help = "name a database or a schema of its own, in which no daemon ever was"
            raise QmkError("INVALID_PARAMS", f"{into.name} holds a journal already", help=help)
        copy_rows(reading.read, into)
    if (draft / ACCOUNTS_NAME).exists():
        gateway.load(draft / ACCOUNTS_NAME, database)


def _copy_accounts(database: str, draft: Path) -> None:
    """The gateway's tables beside the journal's, as the file that a gateway without a database has. Where they are
    empty a file of the folder stays, which has not moved there yet."""
    made = draft / "gateway.new"
    if gateway.save(database, made):
        os.replace(made, draft / ACCOUNTS_NAME)


def _require_schema(reading: Reading) -> None:
    found = next(reading.read("SELECT value FROM meta WHERE key='schema'"), ("",))[0]
    if found != str(SCHEMA):
        raise QmkError(
            "INVALID_PARAMS",
            f"the journal {reading.name} has schema {found[:20] or 'unknown'}; this release backs up {SCHEMA}",
            help="make the backup with the release that serves it",
        )


def _copy_blobs(journal: Journal, there: Blobs, draft: Path) -> list[str]:
    """Copies what the copied journal names, checked against its name. Gives the names of what is not there."""
    states = {blob for _, blob in journal.checkpoints()}
    copies = blobs_of(draft, "power")
    missing: list[str] = []
    for name in sorted(journal.blobs_named() | states):
        if there.has(name):
            copies.put(there.get(name))
        elif name not in states:  # a saved state may have gone: its job starts further back, with the same bits
            missing.append(name)
    return missing


def _copy_beside(data_dir: Path, draft: Path) -> None:
    for name in BESIDE:
        path = data_dir / name
        if path.is_file() and path.suffix == ".db":
            _copy_database(path, draft / name)
        elif path.is_file():
            _copy_file(path, draft / name)
    for path in sorted((data_dir / KEYS_NAME).glob("*.pub")):
        _copy_file(path, draft / PUBLIC_NAME / path.name)


def _seal_keys(data_dir: Path, key: bytes) -> bytes:
    from qmk.secrets.store import seal

    paths = [path for name in SECRET_FOLDERS for path in sorted((data_dir / name).glob("*"))]
    paths += sorted(data_dir.glob("*.key"))
    held = {str(path.relative_to(data_dir)): path.read_bytes() for path in paths if path.is_file()}
    return seal(key, msgspec.msgpack.encode(held), FORM)


def _unseal_keys(path: Path, draft: Path, key: bytes) -> None:
    from cryptography.exceptions import InvalidTag

    from qmk.secrets.store import unseal

    try:
        held = msgspec.msgpack.decode(unseal(key, path.read_bytes(), FORM), type=dict[str, bytes])
    except InvalidTag as error:
        help = "name the key that 'qmk backup create --keys' was given"
        raise QmkError("INVALID_PARAMS", f"the keys in {path} are sealed with another key", help=help) from error
    for name, data in held.items():
        private_folder((draft / name).parent)
        write_private(draft / name, data, 0o644 if name.endswith(".pub") else 0o600)


def _copy_file(source: Path, target: Path) -> None:
    private_folder(target.parent)
    write_private(target, source.read_bytes())


@contextmanager
def _draft_of(target: Path) -> Generator[Path]:
    """A folder beside ``target`` that takes its place when all went well, and is removed otherwise."""
    target = target.absolute()
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        help = "name a folder that is not there yet, or an empty one"
        raise QmkError("INVALID_PARAMS", f"{target} is there already, and is not written over", help=help)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        private_folder(draft)
        yield draft
        sync_folder(draft)  # in folders below it each file was followed by its folder
        os.replace(draft, target)
        sync_folder(target.parent)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise QmkError("RESOURCE_EXHAUSTED", f"cannot write {target}: {why}", errno=error.errno) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> Listed:
    with open(path, "rb") as file:
        read: Callable[[], bytes] = lambda: file.read(_CHUNK)  # noqa: E731
        digest, size = hashlib.sha256(), 0
        for part in iter(read, b""):
            digest.update(part)
            size += len(part)
    return Listed(size, digest.hexdigest())


def _damage(path: Path, what: str) -> QmkError:
    return QmkError("INTERNAL_ERROR", f"{path} {what}", path=str(path), help="use another backup", retryable=False)
