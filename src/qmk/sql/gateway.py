"""Where the gateway keeps its tables: a file of SQLite, or a schema of a PostgreSQL server that gateways share.

Statements are written once, in the words that both understand (``spoken``). One transaction writes at a time: SQLite
has one writer, and on the server each transaction that writes holds an advisory lock, so that what it has read is still
true when it writes. A connection that is lost before a transaction was to be kept is made again, and the transaction is
begun anew; one that is lost while it was to be kept is an error, as nobody knows what became of it.

On the server the tables are in a schema of their own, named after that of the URL with ``_gateway`` behind it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

from qmk.base.errors import QmkError
from qmk.sql import postgres, tables

T = TypeVar("T")
LOCK = 0x514D47
"""First half of the key of the lock of writers; the second is the schema's name hashed."""
PATIENCE_S = 10
"""Seconds for which a writer waits for another one, and for which the server waits for a gateway within a
transaction."""
ROWS_A_TIME = 500
FORM = (
    "CREATE TABLE IF NOT EXISTS form (one INT PRIMARY KEY CHECK (one = 1), format INT NOT NULL, origin TEXT NOT NULL)"
)
"""``origin``: the file whose rows have moved into these tables."""
KEYS = "CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, digest BYTEA NOT NULL)"
"""Which keys the gateways have that share the tables; the keys themselves are in their folders."""


class Cursor(Protocol):
    """What a statement gives."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Base(Protocol):
    """A transaction: ``?`` stands for a value."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> object: ...


class Tables(Protocol):
    """Raises RESOURCE_EXHAUSTED where the database cannot be used."""

    name: str

    def transact(self, work: Callable[[Base], T], *, writes: bool = True) -> T:
        """What ``work`` gives, done in one transaction, which what it raises undoes. It may be called twice. Without
        ``writes`` it reads what was there at one moment, and waits for nobody."""
        ...

    def agree(self, key: str, data: bytes) -> bool:
        """Whether a key, of which ``data`` tells, is that of all who share the tables; the first one's is."""
        ...

    def hold(self, name: str) -> bool:
        """Takes the lock ``name`` among those who share the tables, if it is free. Gives it back: ``release``."""
        ...

    def release(self, name: str) -> None: ...

    def close(self) -> None: ...


class File:
    """The tables in a file, which is one gateway's."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._base = sqlite3.connect(path, check_same_thread=False, timeout=PATIENCE_S)
            found = self._format()
            if found <= tables.FORMAT:
                self._base.execute("PRAGMA journal_mode = WAL")
                self._base.execute("PRAGMA foreign_keys = ON")
            if found < tables.FORMAT:
                self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise QmkError("RESOURCE_EXHAUSTED", f"cannot use {path}: {error}", path=str(path)) from error
        if found > tables.FORMAT:
            raise QmkError("RESOURCE_EXHAUSTED", f"{path} was written by another release", path=str(path))

    def _format(self) -> int:
        return self._base.execute("PRAGMA user_version").fetchone()[0]

    def _migrate(self) -> None:
        """Brings the file to today's format, unless another process that began at the same moment has done so."""
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            for number in range(self._format() + 1, tables.FORMAT + 1):
                for statement in tables.statements(tables.file_migration(number)):
                    self._base.execute(statement)
                self._base.execute(f"PRAGMA user_version = {number}")

    def transact(self, work: Callable[[Base], T], *, writes: bool = True) -> T:
        try:
            with self._lock, self._base:
                return work(self._base)
        except sqlite3.Error as error:
            raise QmkError("RESOURCE_EXHAUSTED", f"the gateway's records cannot be used: {error}") from error

    def agree(self, key: str, data: bytes) -> bool:
        return True  # the key lies beside the file

    def hold(self, name: str) -> bool:
        return True

    def release(self, name: str) -> None: ...

    def close(self) -> None:
        with self._lock:
            self._base.close()


class _Speaker:
    """A connection to the server, in the words of ``Base``."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        return self._connection.execute(postgres.spoken(sql), _numbers(parameters))

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> object:
        with self._connection.cursor() as cursor:
            cursor.executemany(postgres.spoken(sql), [_numbers(row) for row in parameters])


class Server:
    """The tables on a server. ``file``: the gateway's former file, whose rows move to the server at the first start;
    it is kept beside its place as ``.moved``. Raises INVALID_PARAMS where both hold something."""

    def __init__(self, url: str, file: Path | None = None) -> None:
        self.name, self._url = postgres.without_password(url), url
        self._driver = postgres.psycopg_module()
        self._lock, self._holding = threading.Lock(), threading.Lock()
        self._connection: Any = None
        self._holder: Any = None
        try:
            self._reach(self._prepare)
            if file is not None and file.exists():
                self._move(file)
        except BaseException:
            self.close()
            raise

    def transact(self, work: Callable[[Base], T], *, writes: bool = True) -> T:
        begin = _BEGIN if writes else _BEGIN_READING
        with self._lock:
            return self._reach(lambda: self._transact(begin, work))

    def _reach(self, attempt: Callable[[], T]) -> T:
        """What ``attempt`` gives, made once more if the connection that it had was lost."""
        for again in (self._connection is not None, False):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                return attempt()
            except self._driver.DataError as error:
                text = f"a value cannot be kept in the database: {_why(error)}"
                raise QmkError("INVALID_PARAMS", text, help="leave out characters such as U+0000") from error
            except self._driver.Error as error:
                if not (again and self._connection is not None and self._connection.closed):
                    raise postgres.cannot_use(self.name, error) from error
            except _UnknownEnd as error:
                raise postgres.cannot_use(self.name, error) from error
        raise AssertionError

    def _connect(self) -> Any:
        made = postgres.connect(self._url, f"qmk gateway {socket.gethostname()}:{os.getpid()}")
        try:
            made.execute(f"SET lock_timeout = '{PATIENCE_S}s'")
            made.execute(f"SET idle_in_transaction_session_timeout = '{PATIENCE_S}s'")
            (schema,) = made.execute("SELECT current_schema() || '_gateway'").fetchone()
            made.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))
            self._schema = schema
        except BaseException:
            made.close()
            raise
        return made

    def _transact(self, begin: str, work: Callable[[Base], T]) -> T:
        run = self._connection.execute
        try:
            run(begin)
            found = work(_Speaker(self._connection))
        except BaseException:
            if not self._connection.closed:
                run("ROLLBACK")
            raise
        try:
            run("COMMIT")
        except self._driver.OperationalError as error:
            raise _UnknownEnd(str(error)) from error
        return found

    def _prepare(self) -> None:
        """Makes the tables, or brings an earlier release's up to date, of several gateways at once by one."""
        run = self._connection.execute
        with self._connection.transaction():
            run("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK, self._schema))
            if not run("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self._schema,)).fetchone():
                name = self._schema.replace('"', '""')
                run(f'CREATE SCHEMA "{name}"')
            run(FORM)
            run(KEYS)
            found = (run("SELECT format FROM form").fetchone() or (0,))[0]
            for number in range(found + 1, tables.FORMAT + 1):
                for statement in tables.server_migration(number):
                    run(postgres.spoken(statement), ())
            if found < tables.FORMAT:
                query = "INSERT INTO form VALUES (1, %s, '') ON CONFLICT (one) DO UPDATE SET format = excluded.format"
                run(query, (tables.FORMAT,))
        if found > tables.FORMAT:
            text = f"the gateway's tables in {self.name} were written by another release"
            raise QmkError("RESOURCE_EXHAUSTED", text, help="start the release that wrote them, or a later one")

    def _move(self, file: Path) -> None:
        """Of gateways that share the folder too one does it: what looks at the file is in transactions that write."""

        def move(into: Base) -> bool:
            if not file.exists():
                return True
            origin = f"{file.stat().st_ino}:{file.resolve()}"
            if into.execute("SELECT origin FROM form").fetchone()[0] == origin:
                return True  # a start that was cut short has done it
            with closing(File(file)) as held:
                if held.transact(is_empty):
                    return True
                if not is_empty(into):
                    return False
                held.transact(lambda base: copy_tables(base, into))
            into.execute("UPDATE form SET origin = ?", (origin,))
            return True

        def set_aside(_: Base) -> None:
            if file.exists():
                file.rename(file.with_name(f"{file.name}.moved"))

        if not self.transact(move):
            text = f"{file} holds accounts or tasks, and so does the database {self.name}"
            fix = f"move {file} away if it is out of date; QMK does not mix the two"
            raise QmkError("INVALID_PARAMS", text, field="database", path=str(file), help=fix)
        self.transact(set_aside)

    def agree(self, key: str, data: bytes) -> bool:
        digest = hashlib.sha256(data).digest()

        def look(base: Base) -> bool:
            base.execute("INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING", (key, digest))
            return base.execute("SELECT digest FROM keys WHERE name = ?", (key,)).fetchone()[0] == digest

        return self.transact(look)

    def hold(self, name: str) -> bool:
        return self._hold("SELECT pg_try_advisory_lock(%s)", name)

    def release(self, name: str) -> None:
        self._hold("SELECT pg_advisory_unlock(%s)", name)

    def _hold(self, query: str, name: str) -> bool:
        """A lock of a session of its own: it ends with its connection."""
        with self._holding:
            try:
                if self._holder is None or self._holder.closed:
                    self._holder = self._connect()
                digest = hashlib.sha256(f"{self._schema}\0{name}".encode("utf-8", "surrogatepass")).digest()
                number = int.from_bytes(digest[:8], signed=True)
                return self._holder.execute(query, (number,)).fetchone()[0]
            except self._driver.Error as error:
                raise postgres.cannot_use(self.name, error) from error

    def close(self) -> None:
        with self._lock, self._holding:
            for connection in (self._connection, self._holder):
                if connection is not None:
                    connection.close()


class _UnknownEnd(Exception):
    """The connection was lost while a transaction was to be kept."""


_BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({LOCK}, hashtext(current_schema()))"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def open_tables(path: Path, database: str = "") -> Tables:
    """The tables in the file at ``path``, or on the server of a ``postgresql://`` URL, where those of the file move."""
    return Server(database, path) if database else File(path)


def is_empty(base: Base) -> bool:
    """Whether the tables hold nothing."""
    return not any(base.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in tables.COPIED)


def copy_tables(source: Base, into: Base) -> None:
    """Every row of one database into another of either kind, whose tables are empty."""
    for name in tables.COPIED:
        number = tables.NUMBERED.get(name)
        order = f" ORDER BY {number}" if number else ""
        columns = [*_columns(into, name), *([number] if number == "rowid" else [])]
        names = ", ".join(dict.fromkeys(columns))
        insert = f"INSERT INTO {name} ({names}) VALUES ({', '.join('?' * len(dict.fromkeys(columns)))})"
        rows = source.execute(f"SELECT {names} FROM {name}{order}").fetchall()
        for start in range(0, len(rows), ROWS_A_TIME):
            into.executemany(insert, rows[start : start + ROWS_A_TIME])
        if number and rows and isinstance(into, _Speaker):
            query = f"SELECT setval(pg_get_serial_sequence(?, ?), (SELECT max({number}) FROM {name}))"
            into.execute(query, (name, number))


def _columns(base: Base, table: str) -> list[str]:
    cursor: Any = base.execute(f"SELECT * FROM {table} LIMIT 0")
    return [each[0] for each in cursor.description]


def save(url: str, file: Path) -> bool:
    """Makes ``file`` one with all rows of the tables on a server, of one moment; False where there are none."""
    connection, name, failure = postgres.connect_to_read(url)
    with closing(connection):
        try:
            found = connection.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = current_schema() || '_gateway'"
            ).fetchone()
        except failure as error:
            raise postgres.cannot_use(name, error) from error
    if found is None:
        return False
    with closing(Server(url)) as server:
        if server.transact(is_empty, writes=False):
            return False
        with closing(File(file)) as copy:
            server.transact(lambda base: copy.transact(lambda into: copy_tables(base, into)), writes=False)
    return True


def load(file: Path, url: str) -> None:
    """Writes all rows of ``file`` to the tables on a server. Raises INVALID_PARAMS where these hold something."""
    with closing(File(file)) as held, closing(Server(url)) as server:

        def fill(into: Base) -> bool:
            if not is_empty(into):
                return False
            held.transact(lambda base: copy_tables(base, into))
            return True

        if not server.transact(fill):
            help = "name a database or a schema of its own, in which no gateway ever was"
            raise QmkError("INVALID_PARAMS", f"{server.name} holds accounts already", help=help)


def _numbers(values: Sequence[Any]) -> list[Any]:
    """Truth is a number in these tables."""
    return [int(value) if isinstance(value, bool) else value for value in values]


def _why(error: Exception) -> str:
    return " ".join(str(error).split())
