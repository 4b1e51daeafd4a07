"""Reading a journal beside its daemon or after it, without writing anything and without its lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from qmk.base.errors import QmkError
from qmk.host.sql.database import Row
from qmk.host.sql.library import sqlite_module

if TYPE_CHECKING:
    from qmk.host.journal import Batch


class Reading:
    """One transaction over the journal file at ``path``, or over ``database`` when that URL is given: what is read is
    the journal of one moment, whatever a daemon appends meanwhile. What stands only in its log is told by ``later``.
    ``still``: no daemon has it open, and nothing is made beside the file.

    Raises INVALID_PARAMS when there is no such file, RESOURCE_EXHAUSTED when the server cannot be reached,
    INTERNAL_ERROR when what is there is damaged."""

    def __init__(self, path: Path, database: str = "", still: bool = False) -> None:
        self._path = path
        self._mode = "immutable=1" if still and not path.with_name(path.name + "-wal").exists() else "mode=ro"
        self._url = database
        self.name = str(path)
        self._connection: Any = None
        self._error: type[Exception] = Exception

    def __enter__(self) -> Self:
        self._connection = self._open_postgres() if self._url else self._open_sqlite()
        return self

    def __exit__(self, *failure: object) -> None:
        self._connection.close()

    def _open_sqlite(self) -> Any:
        if not self._path.exists():
            raise QmkError(
                "INVALID_PARAMS",
                f"there is no journal {self._path}",
                field="data_dir",
                help="name the data folder of the daemon with --data-dir; 'qmk serve' makes it",
            )
        sqlite = sqlite_module()
        self._error = sqlite.DatabaseError
        uri = f"{self._path.resolve().as_uri()}?{self._mode}"
        connection = sqlite.connect(uri, uri=True, isolation_level=None, timeout=10.0)
        connection.execute("BEGIN")
        return connection

    def _open_postgres(self) -> Any:
        from qmk.sql.postgres import connect_to_read

        connection, self.name, self._error = connect_to_read(self._url)
        return connection

    def has_table(self, name: str) -> bool:
        if self._url:
            query = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?"
        else:
            query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
        return bool(next(self.read(query, (name,)))[0])

    def has_column(self, table: str, name: str) -> bool:
        if self._url:
            query = "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() "
            query += "AND table_name = ? AND column_name = ?"
        else:
            query = "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?"
        return bool(next(self.read(query, (table, name)))[0])

    def later(self) -> Batch:
        """What was written and is not in the tables yet."""
        from qmk.host.sql.log import decode_entry, entries, join, last_moved, log_of

        if self._url:
            return join([])
        return join([decode_entry(entry) for entry in entries(log_of(self._path), last_moved(self.read))])

    def read(self, query: str, values: Row = ()) -> Iterator[Row]:
        """The rows of a query in the words of ``Database``."""
        if self._url:
            from qmk.sql.postgres import spoken

            query = spoken(query)
        try:
            yield from self._connection.execute(query, values)
        except self._error as error:
            raise QmkError("INTERNAL_ERROR", f"the journal {self.name} cannot be read: {error}") from error
