"""Which SQLite there is."""

from __future__ import annotations

import importlib
import sqlite3 as _standard
from typing import Any


def sqlite_module() -> Any:
    """The newer of the system's SQLite and the ``pysqlite3`` wheel's."""
    try:
        wheel: Any = importlib.import_module("pysqlite3")  # without types
    except ImportError:
        return _standard
    return wheel if wheel.sqlite_version_info > _standard.sqlite_version_info else _standard
