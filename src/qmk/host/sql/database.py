"""The interface between the journal and a database, which SQLite and PostgreSQL implement.

Statements are written once, in the SQL that both understand: ``?`` for a value, ``CAST(x AS BLOB)`` for bytes. A
database makes a batch of them one transaction, and answers queries beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from qmk.base.errors import QmkError

Row = tuple[Any, ...]
MEND = "restore it from a backup, or stop the daemon and run 'qmk doctor --data-dir FOLDER' to see what is lost"


class Statement(NamedTuple):
    """One statement, carried out for each row of values."""

    sql: str
    rows: Sequence[Row]


class Database(Protocol):
    """Raises INTERNAL_ERROR when it is damaged or of another release, RESOURCE_EXHAUSTED when it cannot be used."""

    name: str
    """How errors name it; holds no password."""
    waits_for_disk: bool
    """A durable transaction takes as long as a disk does."""
    far: bool
    """Every access is a message to another process: nothing belongs on the daemon's loop"""

    def write(self, statements: Sequence[Statement], durable: bool) -> None:
        """One transaction: all of it or nothing. One call at a time, from any thread. After an error that is not
        about the values, whether it was carried out is unknown, and no later write may be trusted."""
        ...

    def read(self, query: str, values: Row = ()) -> Iterator[Row]:
        """The rows of a query. From any thread, also several at once and beside ``write``."""
        ...

    def migrate(self, statements: Sequence[str]) -> None:
        """Statements that define tables, in one transaction."""
        ...

    def has_tables(self) -> bool:
        """Whether anything was ever made in it."""
        ...

    def check(self, tables: Sequence[str]) -> list[str]:
        """What is wrong with how these tables are stored, as far as the database leaves that to us."""
        ...

    def flush(self) -> None:
        """Everything that was written is on disk when it returns."""
        ...

    def close(self) -> None: ...


def damage(name: str, what: str, **fields: Any) -> QmkError:
    """A journal that is not as it was written; ``is_damage`` recognises the error."""
    return QmkError(
        "INTERNAL_ERROR", f"the journal {name} is damaged: {what}", **{"damaged": name, "help": MEND, **fields}
    )


def is_damage(error: BaseException) -> bool:
    return isinstance(error, QmkError) and "damaged" in error.fields
