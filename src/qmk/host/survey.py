"""Surveys a data folder whose daemon is down: what of its journal, results and blobs is whole, and what is lost.

Nothing is written. A start that meets damage says with this what it is, and ``qmk doctor`` shows all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from qmk.base.errors import QmkError
from qmk.host.audit import kept_witnesses, verify
from qmk.host.audit_reader import AuditReader
from qmk.host.blob_files import FileBlobs
from qmk.host.seals import KEY, read_witness
from qmk.host.sql.database import is_damage
from qmk.host.sql.library import sqlite_module
from qmk.host.sql.log import BEHIND, CUT, log_of, missing_words
from qmk.host.sql.losses import Inventory, Loss, describe
from qmk.host.sql.salvage import SEAL, Salvage
from qmk.host.sql.sqlite import check_structure
from qmk.host.store import BLOBS_NAME, JOURNAL_NAME, UNFINISHED_NAME
from qmk.rpc.keys import public_key
from qmk.rpc.places import KEYS_NAME

GetBlob = Callable[[str], object]
SHOWN_FIELDS = 100
MENDED = ("program", "result", "end")
"""Losses after which a job would not be what the journal says of it."""


class Survey(msgspec.Struct, frozen=True):
    """``faults``: what is wrong with the files themselves; ``losses``: what of their content is gone; ``notes``: what
    may be damage or the trace of a power failure. ``jobs`` and ``tenants`` count those that there are."""

    path: str
    faults: list[str]
    losses: list[Loss]
    notes: list[str]
    jobs: int
    tenants: int

    @property
    def is_damaged(self) -> bool:
        return bool(self.faults or self.losses)

    @property
    def whole_jobs(self) -> int:
        return self.jobs - len({loss.job for loss in self.losses if loss.job})

    @property
    def can_be_mended(self) -> bool:
        """Whether a fresh journal would be better than this one. What only a backup can bring back stays lost."""
        return bool(self.faults) or any(loss.part in MENDED for loss in self.losses)


def source_of(data_dir: Path) -> Path:
    """Where the journal is that is to be read: that of a repair that was interrupted is set aside already."""
    marker = data_dir / UNFINISHED_NAME
    return (data_dir / marker.read_text().strip() if marker.exists() else data_dir) / JOURNAL_NAME


def require_journal(data_dir: Path) -> None:
    """Raises INVALID_PARAMS when there is no journal in the folder."""
    path = source_of(data_dir)
    if not path.exists() and not log_of(path).exists():
        raise QmkError(
            "INVALID_PARAMS",
            f"there is no journal {path}",
            field="data_dir",
            help="name the data folder of a daemon with --data-dir; a journal in PostgreSQL is checked and mended with "
            "that server's own tools",
        )


def survey(data_dir: Path, deep: bool = True) -> Survey:
    """``deep``: blobs are read too, not only looked for."""
    path = source_of(data_dir)
    return take_inventory(data_dir, path, blobs_getter(data_dir, deep))[0]


def take_inventory(data_dir: Path, path: Path, get_blob: GetBlob) -> tuple[Survey, Inventory, Salvage]:
    """Goes through everything that can be read of the journal at ``path``."""
    salvage, inventory = Salvage(path), Inventory()
    seals = 0
    for table, row in salvage.rows():
        inventory.take(table, row)
        seals = max(seals, row[0]) if table is SEAL else seals
    inventory.entries_known = salvage.lost_entries
    faults = [f"page {number} {what}" for number, what in salvage.strange] + salvage.spoiled + _structure(path)
    if salvage.wal_damaged:
        faults.append(f"{path.name}-wal is damaged in the middle")
    log_faults, notes = _of_log(salvage)
    faults += log_faults
    if path.with_name(UNFINISHED_NAME).exists() or path.parent.with_name(UNFINISHED_NAME).exists():
        faults.append("a repair was interrupted")
    losses = list(inventory.losses(get_blob, damaged=bool(faults)))
    gone = {loss.job for loss in losses}
    jobs = [known for job, known in inventory.jobs.items() if known.seen or job in gone]
    found = Survey(
        path=str(path),
        faults=faults,
        losses=losses,
        notes=notes + _lost_seals(path.parent, seals) + ([] if faults else _of_audit_log(data_dir, path)),
        jobs=len(jobs),
        tenants=len({known.tenant for known in jobs}),
    )
    return found, inventory, salvage


def _structure(path: Path) -> list[str]:
    if not path.exists():
        return [f"{path.name} is missing"]
    if not path.stat().st_size:
        return [f"{path.name} is empty"]
    sqlite = sqlite_module()
    waits = path.with_name(path.name + "-wal").exists()
    connection = sqlite.connect(f"{path.resolve().as_uri()}?{'mode=ro' if waits else 'immutable=1'}", uri=True)
    try:
        return check_structure(connection, sqlite)
    finally:
        connection.close()


def _of_log(salvage: Salvage) -> tuple[list[str], list[str]]:
    name = log_of(salvage.path).name
    of = f", of {', '.join(salvage.log.jobs[:3])}," if salvage.log.jobs else ""
    faults = [f"{words} of {name}{of} cannot be read" for words in missing_words(salvage.log.missing)]
    if salvage.log.spoiled:
        faults.append(f"the last {salvage.log.torn_bytes} bytes of {name} are damaged")
        return faults, []
    notes = [f"{name} ends with {salvage.log.torn_bytes} bytes that are not an entry: a write was cut short"]
    notes = notes if salvage.log.torn_bytes else []
    notes += [f"{name} {CUT}"] if salvage.log.cut else []
    return faults, [*notes, *([f"{salvage.path.name} {BEHIND}"] if salvage.log.behind else [])]


def _of_audit_log(data_dir: Path, path: Path) -> list[str]:
    """What does not fit in the chain of the audit log, where the journal itself is whole."""
    key = data_dir / KEYS_NAME / f"{KEY}.pub"
    if not key.exists():
        return []
    try:
        with AuditReader(path, still=True) as log:
            return [f"audit log: {fault.message}" for fault in verify(log, public_key(key)).faults]
    except QmkError as error:
        return [f"audit log: {error.message}"]


def _lost_seals(folder: Path, seals: int) -> list[str]:
    notes: list[str] = []
    for witness in kept_witnesses(folder):
        try:
            number = read_witness(witness).number
        except QmkError as error:
            notes.append(error.message)
            continue
        if number > seals:
            notes.append(f"{witness.name} is of seal {number}, and the journal ends before it: its end was lost")
    return notes


def blobs_getter(data_dir: Path, deep: bool) -> GetBlob:
    """What reads a blob of the folder, or only looks whether it is there; without making anything."""
    folder = data_dir / BLOBS_NAME
    blobs = FileBlobs(folder) if (folder / "ff").is_dir() else None

    def get(name: str) -> object:
        if blobs is None or not blobs.has(name):
            raise QmkError("INTERNAL_ERROR", f"the blob {name} is missing")
        return blobs.get(name) if deep else name

    return get


@contextmanager
def name_losses(data_dir: Path, database: str) -> Generator[None]:
    """Has an error about a damaged journal say what is lost. With ``database`` the server has the journal, and the
    error stays as it is."""
    try:
        yield
    except QmkError as error:
        if database or not is_damage(error):
            raise
        found = survey(data_dir, deep=False)
        raise QmkError(
            "INTERNAL_ERROR",
            f"{error.message}; lost: {describe(found.losses)}"
            if found.losses
            else f"{error.message}; every job is whole",
            **{
                **error.fields,
                "lost": msgspec.to_builtins(found.losses[:SHOWN_FIELDS]),
                "retryable": False,
                "help": f"run 'qmk doctor --repair --data-dir {data_dir}', or restore a backup",
            },
        ) from error
