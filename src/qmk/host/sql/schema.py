"""The tables, and how those of an earlier release become these.

The words in braces are the database's own: whole numbers, bytes, text, and a row number of its own. Every table that
holds what somebody was promised carries a checksum a row. ``blob`` columns name content in the blob store; empty: what
would be there stands in the row.
"""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.sql.database import Database, damage

SCHEMA = 5

_JOURNAL = """
CREATE TABLE journal (
  seq {int} PRIMARY KEY, job {text} NOT NULL, record {blob} NOT NULL, checksum {int} NOT NULL,
  blob {text} NOT NULL DEFAULT ''
);
CREATE INDEX journal_of_job ON journal (job);
CREATE TABLE result ({id} job {text} NOT NULL UNIQUE, head {blob} NOT NULL, checksum {int} NOT NULL);
CREATE TABLE page (
  {id} job {text} NOT NULL, number {int} NOT NULL, bits {blob} NOT NULL, checksum {int} NOT NULL,
  blob {text} NOT NULL DEFAULT '', UNIQUE (job, number)
);
"""

_SINCE_2 = (
    """
CREATE INDEX journal_of_blob ON journal (blob) WHERE blob <> '';
CREATE INDEX page_of_blob ON page (blob) WHERE blob <> '';
CREATE TABLE checkpoint (
  id {text} PRIMARY KEY, job {text} NOT NULL, blob {text} NOT NULL, size_bytes {int} NOT NULL, epoch {int} NOT NULL,
  kept {int} NOT NULL, now_ns {int} NOT NULL
);
CREATE INDEX checkpoint_of_job ON checkpoint (job);
CREATE INDEX checkpoint_of_blob ON checkpoint (blob);
CREATE TABLE audit (seq {int} PRIMARY KEY, entry {blob} NOT NULL, hash {blob} NOT NULL);
CREATE TABLE seal (number {int} PRIMARY KEY, body {blob} NOT NULL, signature {blob} NOT NULL);
"""
    + ledger.TABLE
)

_SINCE_5 = """
CREATE TABLE archived (
  job {text} PRIMARY KEY, seq {int} NOT NULL, record {blob} NOT NULL, checksum {int} NOT NULL,
  blob {text} NOT NULL DEFAULT ''
);
CREATE INDEX archived_of_blob ON archived (blob) WHERE blob <> '';
"""

_META = "CREATE TABLE meta (key {text} PRIMARY KEY, value {text} NOT NULL){without_rowid};"

_FROM_1 = """
ALTER TABLE journal ADD COLUMN blob {text} NOT NULL DEFAULT '';
ALTER TABLE page ADD COLUMN blob {text} NOT NULL DEFAULT '';
"""
_CHANGES = {
    "1": _FROM_1 + _SINCE_2 + _SINCE_5,
    "2": ledger.ADDED + _SINCE_5,
    "3": _SINCE_5,  # 3 knew no log of batches: it would leave out what stands there
    "4": _SINCE_5,
}
"""What brings the tables of an earlier release up to date."""


def settle(database: Database, words: dict[str, str]) -> None:
    """Make the tables of a new database, or bring an earlier release's up to date, in one transaction. Raises
    INTERNAL_ERROR when the database is a newer release's, or not a journal at all."""
    if not database.has_tables():
        made = _statements(_META + _JOURNAL + _SINCE_2 + _SINCE_5, words)
        database.migrate([*made, f"INSERT INTO meta (key, value) VALUES ('schema', '{SCHEMA}')"])
        return
    found = next(database.read("SELECT value FROM meta WHERE key='schema'"), (None,))[0]
    if found is None:
        raise damage(database.name, "it does not say which schema it has")
    if found in _CHANGES:
        changed = _statements(_CHANGES[found], words)
        database.migrate([*changed, f"UPDATE meta SET value='{SCHEMA}' WHERE key='schema'"])
    elif found != str(SCHEMA):
        raise QmkError(
            "INTERNAL_ERROR",
            f"the journal {database.name} has schema {found}; this release reads 1 to {SCHEMA}",
            help="start the release that wrote it, or name another data folder",
        )


def _statements(text: str, words: dict[str, str]) -> list[str]:
    for word, meaning in words.items():
        text = text.replace("{" + word + "}", meaning)
    return [statement.strip() for statement in text.split(";") if statement.strip()]
