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
        self.socket, self.data_dir = folder / "s", folder / "d"
        self.place: Path | str = self.socket
        self._given = [database, durability, *self.more]
        self._may_end = False
        self._log = (folder / "log").open("ab")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return self._start_at(self.socket, self.data_dir)

    def _start_at(self, socket: Path, data_dir: Path) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-c", DAEMON + self.program, str(socket), str(data_dir), *self._given]
        return subprocess.Popen(arguments, stdout=self._log, stderr=self._log, env=self.environment)

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


STANDBY_S = 60.0
ZOMBIE_S = 20.0
"""A leader that goes on after it was replaced may live for so long without a write, which would end it."""


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


class Hosts(Pair):
    """The two daemons as on two hosts: each has a folder and a socket of its own, and they share the database and, if
    ``QMK_CRASH_BLOBS`` names one, the object store of blobs. Clients come by a link to the one that answers, as by an
    address that moves. Every fault is the end of the leader, who is killed, or stopped, replaced and continued."""

    program = """
from dataclasses import replace
serve(replace(config, standby=True, blobs=os.environ.get("QMK_CRASH_BLOBS", "")))"""

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        named = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "QMK_"))}
        self._database, self.environment = database, {**ENVIRONMENT, **named}
        self._leader, self._started = 0, False
        super().__init__(folder, database, durability)
        self.data_dir = folder / "host0"

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts the one that is not the leader, but for the first of all."""
        host = 1 - self._leader if self._started else self._leader
        if not self._started:
            self._point()
        self._started = True
        return self._start_at(self._place_of(host), self.folder / f"host{host}")

    def _place_of(self, host: int) -> Path:
        return self.folder / f"host{host}" / "s"

    def _point(self) -> None:
        """Has the link lead to the leader."""
        link = self.folder / "next"
        link.symlink_to(self._place_of(self._leader))
        link.replace(self.socket)

    def answers(self) -> bool:
        """Whether one of them answers, who is then the leader: of two that stood by either may have got the lock."""
        if super().answers():
            return True
        try:
            with Client(self._place_of(1 - self._leader)) as client:
                client.query_resources()
        except QmkError:
            return False
        self._leader = 1 - self._leader
        self.process, self.second = self.second, self.process
        self._point()
        return True

    def kill(self) -> None:
        self.process.kill()
        self._follow()

    def _follow(self) -> None:
        """The other one is to lead, and another stands by once the last leader has ended."""
        self._leader = 1 - self._leader
        self._point()
        try:
            self.process.wait(ZOMBIE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process, self.second = self.second, self._start()

    def other_fault(self, dice: random.Random) -> str:
        self._await_standby()
        if dice.random() < 0.8:
            self.kill()
            return "leader killed"
        self.process.send_signal(signal.SIGSTOP)
        self._end_session(self.process.pid)
        time.sleep(dice.uniform(0.0, 1.0))
        self.process.send_signal(signal.SIGCONT)
        self._follow()
        return "leader stopped and replaced"

    def _await_standby(self) -> None:
        """Waits until the other one stands by, as on another day: it is what takes over that is measured."""
        import psycopg

        until_s = time.monotonic() + STANDBY_S
        with psycopg.connect(self._database, autocommit=True) as admin:
            there = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s"
            while time.monotonic() < until_s:
                row = admin.execute(there, (f"qmk %:{self.second.pid}",)).fetchone()
                if row and row[0] and self.answers():
                    return
                time.sleep(0.02)

    def _end_session(self, pid: int) -> None:
        """Has the database server give up the sessions of a daemon, as after a loss of its host."""
        import psycopg

        with psycopg.connect(self._database, autocommit=True) as admin:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s"
            admin.execute(end, (f"qmk %:{pid}",))
