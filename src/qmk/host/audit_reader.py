"""Reading the audit log out of a SQLite journal, beside its daemon or after it, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from qmk.base.errors import QmkError
from qmk.host.seals import Seal
from qmk.host.sql.sqlite import sqlite_module


class AuditReader:
    """Raises INVALID_PARAMS when there is no journal, INTERNAL_ERROR when its file is damaged. One transaction: what is
    read is the log of one moment, whatever a daemon appends meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise QmkError(
                "INVALID_PARAMS", f"there is no journal {path}", help="name the daemon's folder with --data-dir"
            )
        self._sqlite = sqlite_module()
        uri = f"{path.resolve().as_uri()}?mode=ro"
        self._connection: Any = self._sqlite.connect(uri, uri=True, isolation_level=None, timeout=10.0)

    def __enter__(self) -> Self:
        self._connection.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        query = "SELECT seq, CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit WHERE seq >= ? ORDER BY seq"
        return self._read(query, from_seq)

    def seals(self) -> Iterator[Seal]:
        query = "SELECT number, CAST(body AS BLOB), CAST(signature AS BLOB) FROM seal ORDER BY number"
        return (Seal(*row) for row in self._read(query))

    def _read(self, query: str, *values: int) -> Iterator[Any]:
        try:
            yield from self._connection.execute(query, values)
        except self._sqlite.DatabaseError as error:
            raise QmkError("INTERNAL_ERROR", f"the audit log in {self._path} cannot be read: {error}") from error
