"""PostgreSQL: a connection to a server, and statements in its words."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qmk.base.errors import QmkError
from qmk.secrets import KINDS
from qmk.secrets.certificates import file_of

KEEP_ALIVE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def psycopg_module() -> Any:
    """Raises UNSUPPORTED where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise QmkError(
            "UNSUPPORTED",
            "PostgreSQL needs psycopg, which is not installed",
            feature="postgresql",
            help="pip install 'quantum-microkernel[server]'",
        ) from error
    return psycopg


def without_password(url: str) -> str:
    """The URL as errors and logs show it: without its password and options. One whose password is not escaped, so that
    nobody can tell where it ends, becomes "postgresql://..."."""
    rest = url.partition("://")[2]
    before, at, after = rest.partition("@")
    if "/" in before or "@" in after:
        return "postgresql://..." if at else f"postgresql://{rest.partition('?')[0]}"
    user = f"{before.partition(':')[0]}@" if at else ""
    return f"postgresql://{user}{(after if at else rest).partition('?')[0]}"


def certificate_of(url: str) -> dict[str, str]:
    """Files of the certificate and key that we show the server, where ``sslcert`` of the URL is a reference to both.
    It is read for each connection. Raises INVALID_PARAMS."""
    found = parse_qs(urlsplit(url).query).get("sslcert", [""])[-1]
    if found.partition(":")[0] not in KINDS:
        return {}
    path = file_of(found, "sslcert")
    return {"sslcert": path, "sslkey": path}


_USER = re.compile(r"\buser\b")
"""A column that PostgreSQL would take for the name of who is connected."""


@cache
def spoken(sql: str) -> str:
    """The statement in PostgreSQL's words."""
    sql = sql.replace("%", "%%").replace("?", "%s").replace("AS BLOB", "AS BYTEA").replace("instr(", "strpos(")
    return _USER.sub('"user"', sql)


def connect(url: str, name: str) -> Any:
    """A connection on which every statement is a transaction unless one is begun; the server sees ``name``. Raises what
    psycopg raises."""
    driver = psycopg_module()
    return driver.connect(url, autocommit=True, application_name=name, **KEEP_ALIVE, **certificate_of(url))


def connect_to_read(url: str) -> tuple[Any, str, type[Exception]]:
    """A connection that reads one moment of a database, its name, and what its errors are."""
    driver, name = psycopg_module(), without_password(url)
    try:
        connection = connect(url, "qmk reader")
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    except driver.Error as error:
        raise cannot_use(name, error) from error
    return connection, name, driver.Error


def cannot_use(name: str, error: Exception) -> QmkError:
    """RESOURCE_EXHAUSTED, with what to do about the server's complaint."""
    why = " ".join(str(error).split()) if "..." not in name else "its password needs %-escapes"
    fields = {"help": fix} if (fix := fix_of(why)) else {}
    return QmkError("RESOURCE_EXHAUSTED", f"cannot use the database {name}: {why}", retryable=True, **fields)


STARTING = ("starting up", "shutting down", "in recovery", "not yet accepting", "refused", "No such file")
"""Words of complaints that a server makes, or that are made of it, while it is started."""

_FIXES = (
    ("%-escapes", "write the password's signs other than letters and digits as %XX, or keep it in PGPASSFILE"),
    ("password", "give the right password in PGPASSWORD, in the file PGPASSFILE, or in a URL in --database-file"),
    ("pg_hba.conf", "let this user and machine in: a line in the server's pg_hba.conf"),
    ("invalid URI", "write it as postgresql://user@host:port/name?option=value"),
    ("invalid connection option", "write it as postgresql://user@host:port/name?option=value"),
    ("role", "name a user that the server has, or make this one with 'createuser'"),
    ("does not exist", "make the database with 'createdb', or name one that is there"),
    ("resolve", "name a host that is there: postgresql://user@host/name"),
    ("translate host name", "name a host that is there: postgresql://user@host/name"),
    ("refused", "start the server, or name the host and port where it listens: postgresql://user@host:port/name"),
    ("No such file", "start the server, or name its host: postgresql://user@host/name"),
    ("timeout", "name a host that answers, and see that no firewall is in between"),
    ("SSL", "let the URL say what the server speaks, such as ?sslmode=require or ?sslmode=disable"),
    ("permission denied", "let this user make tables: GRANT CREATE ON SCHEMA public TO ..."),
    ("too many connections", "raise max_connections of the server: the daemon takes two, and so does each gateway"),
)
"""What to do about a server's complaint, by a word that only it has; the first that fits."""


def fix_of(why: str) -> str:
    """What to do when a database cannot be used for this reason; empty when nothing is known."""
    return next((fix for word, fix in _FIXES if word in why), "")
