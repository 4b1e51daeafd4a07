"""The tables that the gateway keeps: what its protocols know, and accounts. Times are Unix seconds; amounts of money
are decimal text, so that they are exact; what is a secret of somebody else is encrypted with the gateway's key.

They are written in SQLite's words. What the other database says instead stands in braces or in ``SERVER_TYPES``."""

from __future__ import annotations

import re

_RECORDS = """
CREATE TABLE IF NOT EXISTS records (
  seq {number} PRIMARY KEY, kind TEXT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, created REAL NOT NULL,
  body BLOB NOT NULL, UNIQUE (kind, tenant, id));
CREATE TABLE IF NOT EXISTS members (
  record INTEGER NOT NULL REFERENCES records (seq) ON DELETE CASCADE, member TEXT NOT NULL,
  PRIMARY KEY (member, record)){without_rowid};
CREATE INDEX IF NOT EXISTS members_of ON members (record);
"""

_ACCOUNTS = """
CREATE TABLE IF NOT EXISTS browser_sessions (
  hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, tenant TEXT NOT NULL, rights TEXT NOT NULL,
  began REAL NOT NULL, used REAL NOT NULL, token BLOB NOT NULL, agent TEXT NOT NULL{rowid});
CREATE INDEX IF NOT EXISTS browser_sessions_of ON browser_sessions (user);
CREATE TABLE IF NOT EXISTS users (
  user TEXT PRIMARY KEY, title TEXT NOT NULL, email TEXT NOT NULL, service_of TEXT NOT NULL,
  operator INTEGER NOT NULL, password TEXT NOT NULL DEFAULT '', created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS identities (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, user TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (issuer, subject));
CREATE TABLE IF NOT EXISTS organisations (
  organisation TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', prices TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS memberships (
  organisation TEXT NOT NULL, user TEXT NOT NULL REFERENCES users ON DELETE CASCADE, role TEXT NOT NULL,
  PRIMARY KEY (organisation, user));
CREATE TABLE IF NOT EXISTS tokens (
  serial TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, user TEXT NOT NULL,
  organisation TEXT NOT NULL, rights TEXT NOT NULL, administers INTEGER NOT NULL, created REAL NOT NULL,
  expires REAL, issued_by TEXT NOT NULL{rowid});
CREATE INDEX IF NOT EXISTS tokens_of ON tokens (organisation, user);
CREATE TABLE IF NOT EXISTS acts (
  seq INTEGER PRIMARY KEY, time REAL NOT NULL, user TEXT NOT NULL, act TEXT NOT NULL, organisation TEXT NOT NULL,
  fields TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS acts_of ON acts (organisation, seq);
CREATE TABLE IF NOT EXISTS prices (
  prices TEXT NOT NULL, since REAL NOT NULL, body BLOB NOT NULL, PRIMARY KEY (prices, since));
CREATE TABLE IF NOT EXISTS budgets (organisation TEXT PRIMARY KEY, body BLOB NOT NULL, warned TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS reservations (
  name TEXT PRIMARY KEY, job TEXT NOT NULL, organisation TEXT NOT NULL, amount TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS reservations_of ON reservations (organisation);
CREATE TABLE IF NOT EXISTS webhooks (
  webhook TEXT PRIMARY KEY, organisation TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL, secret BLOB NOT NULL,
  active INTEGER NOT NULL, created REAL NOT NULL{rowid});
CREATE TABLE IF NOT EXISTS deliveries (
  delivery TEXT PRIMARY KEY, webhook TEXT NOT NULL REFERENCES webhooks ON DELETE CASCADE, event TEXT NOT NULL,
  body BLOB NOT NULL, created REAL NOT NULL, due REAL, attempts INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting', answer TEXT NOT NULL DEFAULT ''{rowid});
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS followed (
  organisation TEXT NOT NULL, job TEXT NOT NULL, submitted REAL NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (organisation, job));
"""

_ADDED_3 = """
CREATE TABLE assignments (
  organisation TEXT NOT NULL, since REAL NOT NULL, prices TEXT NOT NULL, PRIMARY KEY (organisation, since));
INSERT INTO assignments SELECT organisation, 0, prices FROM organisations WHERE prices != '';
ALTER TABLE organisations DROP COLUMN prices;
CREATE TABLE session_tokens (serial TEXT PRIMARY KEY, session TEXT NOT NULL);
"""
"""``assignments``: price lists of organisations, each from its time on until the next; without one an organisation has
the standard. ``session_tokens``: tokens that were made for sessions of browsers, and end with them."""

_ADDED_4 = """
ALTER TABLE acts ADD COLUMN seal BLOB NOT NULL DEFAULT {no_bytes};
"""

_ADDED_5 = """
ALTER TABLE budgets ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
"""
"""How many reservations of the organisation were given up so far."""

MIGRATIONS = (_RECORDS, _ACCOUNTS, _ADDED_3, _ADDED_4, _ADDED_5)
"""What each format has added, the first one's first; what has been released stays as it is."""
FORMAT = len(MIGRATIONS)

COPIED = (
    "records", "members", "browser_sessions", "users", "identities", "organisations", "memberships", "tokens", "acts",
    "prices", "budgets", "reservations", "webhooks", "deliveries", "followed", "assignments", "session_tokens",
)  # fmt: skip
"""Every table, each after those that it refers to."""
NUMBERED = {
    "records": "seq",
    "browser_sessions": "rowid",
    "tokens": "rowid",
    "webhooks": "rowid",
    "deliveries": "rowid",
}
"""Tables whose rows have a number of the database's own, in the order of their making; by which column."""

_FILE_WORDS = {"number": "INTEGER", "without_rowid": " WITHOUT ROWID", "rowid": "", "no_bytes": "x''"}
_IDENTITY = "BIGINT GENERATED BY DEFAULT AS IDENTITY"
_SERVER_WORDS = {
    "number": _IDENTITY,
    "without_rowid": "",
    "rowid": f", rowid {_IDENTITY}",
    "no_bytes": "'\\x'",
}
SERVER_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE PRECISION", "TEXT": 'TEXT COLLATE "C"', "BLOB": "BYTEA"}


def file_migration(number: int) -> str:
    """The script that makes format ``number`` of the one before, for SQLite."""
    return _put(MIGRATIONS[number - 1], _FILE_WORDS)


def server_migration(number: int) -> list[str]:
    """The statements that make format ``number`` of the one before, for PostgreSQL."""
    text = re.sub(r"\b[A-Z]+\b", lambda word: SERVER_TYPES.get(word[0], word[0]), MIGRATIONS[number - 1])
    return statements(_put(text, _SERVER_WORDS))


def statements(script: str) -> list[str]:
    """The statements of a script of ``MIGRATIONS``, in which no text has a semicolon."""
    return [each.strip() for each in script.split(";") if each.strip()]


def _put(text: str, words: dict[str, str]) -> str:
    for word, meaning in words.items():
        text = text.replace("{" + word + "}", meaning)
    return text
