"""The tables of accounts in the gateway's file. Times are Unix seconds; amounts of money are decimal text, so that they
are exact; what is a secret of somebody else is encrypted with the gateway's key."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS browser_sessions (
  hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, tenant TEXT NOT NULL, rights TEXT NOT NULL,
  began REAL NOT NULL, used REAL NOT NULL, token BLOB NOT NULL, agent TEXT NOT NULL);
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
  expires REAL, issued_by TEXT NOT NULL);
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
  active INTEGER NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
  delivery TEXT PRIMARY KEY, webhook TEXT NOT NULL REFERENCES webhooks ON DELETE CASCADE, event TEXT NOT NULL,
  body BLOB NOT NULL, created REAL NOT NULL, due REAL, attempts INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'waiting', answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS followed (
  organisation TEXT NOT NULL, job TEXT NOT NULL, submitted REAL NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (organisation, job));
"""

ADDED_3 = """
CREATE TABLE assignments (
  organisation TEXT NOT NULL, since REAL NOT NULL, prices TEXT NOT NULL, PRIMARY KEY (organisation, since));
INSERT INTO assignments SELECT organisation, 0, prices FROM organisations WHERE prices != '';
ALTER TABLE organisations DROP COLUMN prices;
CREATE TABLE session_tokens (serial TEXT PRIMARY KEY, session TEXT NOT NULL);
"""
"""``assignments``: price lists of organisations, each from its time on until the next; without one an organisation has
the standard. ``session_tokens``: tokens that were made for sessions of browsers, and end with them."""

ADDED_4 = """
ALTER TABLE acts ADD COLUMN seal BLOB NOT NULL DEFAULT x'';
"""
