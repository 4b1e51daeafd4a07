"""Which SQLite there is."""

from __future__ import annotations

import sqlite3 as _standard
from typing import Any


def sqlite_module() -> Any:
    """The newer of the system's SQLite and the ``pysqlite3`` wheel's."""
    try:
        import pysqlite3  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return _standard
    return pysqlite3 if pysqlite3.sqlite_version_info > _standard.sqlite_version_info else _standard
