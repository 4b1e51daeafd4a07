"""The tables of accounts in the gateway's file. Times are Unix seconds, amounts of money decimal text."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS browser_sessions (
  hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, tenant TEXT NOT NULL, rights TEXT NOT NULL,
  began REAL NOT NULL, used REAL NOT NULL, token BLOB NOT NULL, agent TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS browser_sessions_of ON browser_sessions (user);
"""
