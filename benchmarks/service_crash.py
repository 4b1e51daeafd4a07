"""``python -m benchmarks.service_crash --kills 100``: ``benchmarks.crash`` through the gateway: clients that know a URL
alone, and kill -9 of the gateway, the daemon and its workers, of the database server too where there is one.

``--apart``: the gateway is not the daemon's child but a process of its own, which outlives the daemon.

The clients are given nothing to notice it by: they have patience, and every other job is waited for by a stream. What
was accepted is looked for at the end, by its key and in the journal, as ``benchmarks.crash`` does.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.crash import storm
from benchmarks.crash_victim import ENVIRONMENT, Victim
from benchmarks.daemon import database_server
from benchmarks.service import children

GATEWAY_SHARE = 0.35
"""Of all faults."""
BESIDE = """
from qmk.cli.serve import run_beside
with run_beside(config, ("127.0.0.1", int(sys.argv[5])), [], [], secure=False) as ready:
    serve(config, ready=ready)
"""


class Service(Victim):
    """A daemon with a gateway beside it, at a port that stays the same."""

    program = BESIDE

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.more = [str(port)]
        super().__init__(folder, database, durability)
        self.place = f"http://127.0.0.1:{port}"

    def other_fault(self, dice: random.Random) -> str:
        if dice.random() >= GATEWAY_SHARE:
            return ""
        try:
            for pid in children(self.process.pid):
                if b"--beside" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    return "gateway killed"
        except OSError:
            pass  # it, or the daemon, has just ended
        return ""


class ServiceApart(Victim):
    """A daemon, and a gateway that something else would start again."""

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        super().__init__(folder, database, durability)
        own = ["gateway", "--port", port, "--socket", str(self.socket), "--data-dir", str(folder / "d")]
        self._gateway_command = [sys.executable, "-m", "qmk", *own]
        self._gateway = self._start_gateway()
        self.place = f"http://127.0.0.1:{port}"

    def _start_gateway(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._gateway_command, stdout=self._log, stderr=self._log, env=ENVIRONMENT)

    def other_fault(self, dice: random.Random) -> str:
        if dice.random() >= GATEWAY_SHARE:
            return ""
        self._gateway.kill()
        self._gateway.wait()
        self._gateway = self._start_gateway()
        return "gateway killed"

    def stop(self) -> None:
        self._gateway.kill()
        self._gateway.wait()
        super().stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill gateway, daemon and workers at random under load, and judge.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgresql, or a postgresql:// URL")
    parser.add_argument("--apart", action="store_true", help="the gateway is a process of its own")
    options = parser.parse_args()
    kind = ServiceApart if options.apart else Service
    with (
        tempfile.TemporaryDirectory(prefix="qmk-crash-") as folder,
        database_server(options.database, fast=False) as (url, crash_server),
    ):
        report = storm(
            Path(folder), url, options.kills, options.clients, options.seed, crash_server=crash_server, kind=kind
        )
    print(report.text())
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
