"""A PostgreSQL server for tests and benchmarks: made in a folder under /tmp, reached by its socket only, thrown away.

``shared(state)`` is one server for all test processes of a run; the last one to leave stops it. A test asks it
for a schema of its own. Nothing here is kept over a restart, and ``fast=True`` never waits for a disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "qmk"
START_TIME_S = 60
FAST = ("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off")
SMALL = ("listen_addresses=", "max_connections=100", "shared_buffers=64MB", "max_wal_size=256MB")
ADVICE = "install it: apt-get install postgresql (Debian), or run 'make setup', or set PG_BIN to its folder of programs"


def programs() -> Path:
    """The folder with ``initdb`` and ``pg_ctl``, of the newest release there is. Raises RuntimeError saying what to do
    when there is none."""
    named = os.environ.get("PG_BIN")
    found = [Path(named)] if named else []
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise RuntimeError(f"the tests need a PostgreSQL server and found none; {ADVICE}")


def _servers_user() -> str | None:
    """PostgreSQL does not run as root: then it runs as its own user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("PostgreSQL does not run as root, and there is no user 'postgres' to run it as; " + ADVICE)


class Cluster:
    """A running server in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def start(cls, fast: bool = True) -> Cluster:
        """A new server. ``fast``: it forgets everything when the machine stops, and is not slowed down by disks."""
        folder = Path(tempfile.mkdtemp(prefix="qmk-pg-", dir="/tmp"))
        user = _servers_user()
        if user is not None:
            shutil.chown(folder, user)
        cluster = cls(folder)
        initdb = ["initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        cluster._run(*initdb)
        settings = (*SMALL, f"unix_socket_directories={folder}", *(FAST if fast else ()))
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (setting.split("=") for setting in settings))
        cluster.resume()
        return cluster

    def resume(self) -> None:
        """Start the server again, after ``stop``."""
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", str(START_TIME_S), "start")

    def stop(self, mode: str = "fast") -> None:
        """``mode`` "immediate" is a crash."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        """Its output goes to a file: a server that is started keeps it open."""
        user = _servers_user()
        said = self.folder / f"{program}.out"
        with said.open("w") as output:
            done = subprocess.run(
                [programs() / program, *arguments],
                cwd=self.folder,
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed:\n{said.read_text()}{log.read_text() if log.exists() else ''}")

    @property
    def url(self) -> str:
        """The whole database."""
        return f"postgresql://{USER}@/postgres?host={quote(str(self.folder), safe='')}"

    def new_schema(self) -> str:
        """A URL under which nothing exists yet."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        return f"{self.url}&options=-csearch_path%3D{name}"


@contextmanager
def shared(state: Path) -> Iterator[Cluster]:
    """The one server of all processes that name the file ``state``: the first starts it, the last stops it."""
    with _locked(state) as users:
        if users["count"] == 0:
            users["folder"] = str(Cluster.start().folder)
        users["count"] += 1
        cluster = Cluster(Path(users["folder"]))
    try:
        yield cluster
    finally:
        with _locked(state) as users:
            users["count"] -= 1
            if users["count"] == 0:
                cluster.remove()


@contextmanager
def _locked(state: Path) -> Iterator[dict[str, Any]]:
    with open(state, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        users = json.loads(text) if text else {"count": 0, "folder": ""}
        yield users
        file.seek(0)
        file.truncate()
        file.write(json.dumps(users))
