"""The daemon that the crash benchmark kills, stops and starves of disk, and starts again."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.client import Client

FULL = "full"
"""While a file of this name is in the folder, the daemon's own writes to its disk fail."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of what is started again: an installation keeps its bytecode, without which a start takes twice as long."""
DAEMON = f"""
import faulthandler, os, signal, sys
from pathlib import Path
faulthandler.register(signal.SIGUSR1)
def before(real):
    def call(*arguments):
        if flag.exists():
            raise OSError({errno.ENOSPC}, os.strerror({errno.ENOSPC}))
        return real(*arguments)
    return call
flag = Path(sys.argv[1]).parent / "{FULL}"
os.pwrite, os.fdatasync, os.fsync = before(os.pwrite), before(os.fdatasync), before(os.fsync)
from qmk.host.config import HostConfig
from qmk.host.daemon import serve
socket, data_dir, database, durability = sys.argv[1:5]
config = HostConfig(socket=Path(socket), data_dir=Path(data_dir), database=database, durability=durability, workers=2,
                    job_attempts=1000)
"""


class Victim:
    """The daemon, started again whenever it was killed. ``program`` goes on after ``DAEMON``."""

    program, more = "serve(config)", list[str]()
    environment = ENVIRONMENT
    disk_fills = True

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.place: Path | str = self.socket
        given = [str(self.socket), str(folder / "d"), database, durability, *self.more]
        self._arguments = [sys.executable, "-c", DAEMON + self.program, *given]
        self._may_end = False
        self._log = (folder / "log").open("ab")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._arguments, stdout=self._log, stderr=self._log, env=self.environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def signal_worker(self, dice: random.Random, number: signal.Signals) -> bool:
        """Kill or stop a process of the daemon's; whether there was one. A child that still runs the daemon's own
        program is left alone: until it has its own, the daemon stands still, so stopping it would stop the daemon."""
        try:
            own = self._program(self.process.pid)
            started = [child for child in self._children() if self._program(child) != own]
            os.kill(dice.choice(started), number)
        except (OSError, IndexError):
            return False
        return True

    def _children(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def _program(self, pid: int) -> bytes:
        return Path(f"/proc/{pid}/cmdline").read_bytes()

    def say_where_it_hangs(self) -> str:
        """The stacks of the daemon's threads, and the states of the daemon and of its children."""
        self.process.send_signal(signal.SIGUSR1)
        time.sleep(1.0)
        rows = [
            f"{pid} {self._program(pid)[-80:]!r}: {Path(f'/proc/{pid}/stat').read_text().split(')')[-1].split()[0]}, "
            f"{Path(f'/proc/{pid}/wchan').read_text()}"
            for pid in [self.process.pid, *self._children()]
        ]
        return "\n".join([(self.folder / "log").read_text()[-6000:], *rows, *self._say_which_jobs_wait()])

    def _say_which_jobs_wait(self) -> list[str]:
        """Those that have not ended, and their states, if the daemon answers a client that asks now."""
        said: list[str] = []

        def ask() -> None:
            try:
                with Client(self.socket) as client:
                    for state in ("QUEUED", "RUNNING"):
                        said.extend(f"{state}: {client.status(row.job_id)}" for row in client.jobs(state).jobs)
                    said.append(str(client.query_resources()))
            except QmkError as error:
                said.append(str(error))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(20.0)
        return said if not thread.is_alive() else [*said, "it does not answer"]

    def other_fault(self, dice: random.Random) -> str:
        """Brings about a fault of what is beside the daemon, and says which, if it is its turn."""
        return ""

    def fill_disk(self, seconds: float) -> None:
        """Has writes fail until the daemon has ended for it, or for so long, and starts it again if it did."""
        flag = self.folder / FULL
        flag.touch()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._may_end = True  # for a write that fails by now, though it is slow to say so
            flag.unlink()
            return
        flag.unlink()
        self.process = self._start()

    def answers(self) -> bool:
        """Whether a new client is answered now."""
        try:
            with Client(self.place) as client:
                client.query_resources()
        except QmkError:
            return False
        return True

    def ended_by_itself(self) -> str:
        """What it said, when nobody killed it and it is gone all the same. For a disk that was full it may end."""
        if self.process.poll() is None:
            return ""
        said = (self.folder / "log").read_text()[-2000:]
        if self._may_end and os.strerror(errno.ENOSPC) in said:
            self._may_end, self.process = False, self._start()
            return ""
        return f"the daemon ended with {self.process.returncode}: {said}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self._log.close()


class Pair(Victim):
    """A daemon that leads, and one that stands by. Of a killed one there is another at once, which stands by."""

    program = "from dataclasses import replace; serve(replace(config, standby=True))"
    disk_fills = False

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        super().__init__(folder, database, durability)
        while not self.answers():
            time.sleep(0.05)
        self.second = self._start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process, self.second = self.second, self._start()

    def stop(self) -> None:
        self.second.kill()
        self.second.wait()
        super().stop()
