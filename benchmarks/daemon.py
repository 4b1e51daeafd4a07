"""A daemon of its own for a measurement: started in a fresh folder, stopped at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.throwaway_postgres import Cluster

START_TIME_S = 180


@contextmanager
def daemon(durability: str, workers: int = 2, database: str = "", more: Sequence[str] = ()) -> Iterator[str]:
    """The socket of a running ``qmk serve``, beside which the file ``pid`` has its process id. ``database`` is a URL,
    empty for SQLite; ``more`` are further options. Raises RuntimeError with what it said when it does not come up."""
    with tempfile.TemporaryDirectory(prefix="qmk-bench-") as folder:
        path = os.path.join(folder, "s")
        log = Path(folder, "log")
        arguments = ["serve", "--socket", path, "--data-dir", folder, "--durability", durability]
        arguments += [*(["--database", database] if database else []), *more]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "qmk", *arguments, "--workers", str(workers)],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + START_TIME_S
            while not os.path.exists(path):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"qmk serve did not start:\n{log.read_text()}")
                time.sleep(0.01)
            Path(folder, "pid").write_text(str(process.pid))
            yield path
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_TIME_S)


@contextmanager
def database_url(database: str, fast: bool) -> Iterator[str]:
    """As ``database_server``, without the crashes."""
    with database_server(database, fast) as (url, _):
        yield url


@contextmanager
def database_server(database: str, fast: bool) -> Iterator[tuple[str, Callable[[], None] | None]]:
    """What ``qmk serve --database`` takes: nothing for "sqlite", a fresh schema of a server of its own for
    "postgresql", else the URL itself. ``fast``: that server never waits for a disk. With it comes what makes that
    server crash and come back, if it is ours and a crash leaves it what was written."""
    if database != "postgresql":
        yield "" if database == "sqlite" else database, None
        return
    from tools.throwaway_postgres import Cluster

    cluster = Cluster.start(fast)
    try:
        yield cluster.new_schema(), None if fast else partial(_crash, cluster)
    finally:
        cluster.remove()


def _crash(cluster: Cluster) -> None:
    cluster.stop("immediate")
    time.sleep(0.3)
    cluster.resume()
