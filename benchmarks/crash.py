"""``python -m benchmarks.crash --kills 300``: kill -9 of the daemon and of its workers, at random moments, under load;
workers that are stopped, disks that are full for a second, and crashes of the database server are mixed in.

Clients with patience submit jobs under idempotency keys of their own, wait for them, and read every shot back. The
bits of a job are a function of program, shots and seed, so each is compared with a run in this process. At the end the
journal itself is read: every key has one job, every job one end, one result and one charge. The exit code is 1 when
anything was lost, doubled or wrong. A submit that is refused because the disk is full is sent again.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import qmk
from benchmarks.crash_jobs import KINDS, Accepted, Kind, Report, Seen, seen
from benchmarks.daemon import database_server
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.job import as_completed
from qmk.host.store import open_journal
from qmk.kernel.events import Failed, Finished, Started, Submitted
from qmk.kernel.objects.archive import Archive, Archived
from qmk.kernel.objects.job import COMPLETED

ATTEMPTS = 1000
PATIENCE_S = 120.0
ANSWER_S = 300.0
"""All clients end within it once they are told to stop; else the daemon hangs, which is reported as a loss."""
SEEDS = 40

FULL = "full"
"""While a file of this name is in the folder, the daemon's own writes to its disk fail."""

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
                    job_attempts={ATTEMPTS})
"""


class Victim:
    """The daemon, started again whenever it was killed. ``program`` goes on after ``DAEMON``."""

    program, more = "serve(config)", list[str]()

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.place: Path | str = self.socket
        given = [str(self.socket), str(folder / "d"), database, durability, *self.more]
        self._arguments = [sys.executable, "-c", DAEMON + self.program, *given]
        self._log = (folder / "log").open("ab")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._arguments, stdout=self._log, stderr=self._log)

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
            flag.unlink()
            return
        flag.unlink()
        self.process = self._start()

    def wait_until_it_answers(self) -> None:
        """Or has ended."""
        while self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self.socket)) == 0:
                    return
            time.sleep(0.01)

    def ended_by_itself(self) -> str:
        """What it said, when nobody killed it and it is gone all the same."""
        if self.process.poll() is None:
            return ""
        return f"the daemon ended with {self.process.returncode}: {(self.folder / 'log').read_text()[-2000:]}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self._log.close()


class Load:
    """Clients that submit, wait, read and compare until they are told to stop."""

    def __init__(self, path: Path | str, clients: int, seed: int, pause_s: float) -> None:
        self._socket = path
        self._pause_s = pause_s
        self._expected: dict[tuple[str, int], Seen] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.accepted: list[Accepted] = []
        self.refused = 0
        self.lost: list[str] = []
        self.wrong: list[str] = []
        self._threads = [
            threading.Thread(target=self._client, args=(f"{seed}-{number}",), daemon=True) for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _client(self, name: str) -> None:
        dice = random.Random(name)
        with Client(self._socket, patience_s=PATIENCE_S) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                kind = dice.choices(KINDS, [kind.weight for kind in KINDS])[0]
                try:
                    self._one(client, f"{name}-{number}", kind, dice.randrange(SEEDS))
                except QmkError as error:
                    self.lost.append(f"{name}-{number} ({kind.name}): {error}")
                self._stop.wait(dice.uniform(0, self._pause_s))

    def _one(self, client: Client, key: str, kind: Kind, seed: int) -> None:
        job = self._submit(client, key, kind, seed)
        self.accepted.append(Accepted(key, job, kind, seed))
        if isinstance(self._socket, str) and seed % 2:  # of a server by its URL every other end is pushed
            _ = list(as_completed([client.job(job)]))
        status = client.wait(job)
        if status.state != "COMPLETED":
            self.lost.append(f"{job} ({kind.name}) is {status.state}: {status.error}")
        elif seen(client.result(job)) != self.expected(kind, seed):
            self.wrong.append(f"{job} ({kind.name}, seed {seed}) has other bits")

    def _submit(self, client: Client, key: str, kind: Kind, seed: int) -> str:
        """The job, once the daemon can write that it has it."""
        while True:
            try:
                return client.submit(kind.graph, idempotency_key=key, **kind.wishes(seed)).job_id
            except QmkError as error:
                if not (error.kind.name == "RESOURCE_EXHAUSTED" and error.fields.get("journal")):
                    raise
            self.refused += 1
            self._stop.wait(0.2)

    def expected(self, kind: Kind, seed: int) -> Seen:
        with self._lock:
            key = (kind.name, seed)
            if key not in self._expected:
                wishes = {name: wish for name, wish in kind.wishes(seed).items() if name != "cache"}
                self._expected[key] = seen(qmk.run(kind.graph, **wishes))
            return self._expected[key]

    def stop(self) -> bool:
        """Whether every client has ended."""
        self._stop.set()
        end = time.monotonic() + ANSWER_S
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def storm(
    folder: Path,
    database: str,
    kills: int,
    clients: int = 8,
    seed: int = 1,
    pause_s: float = 0.3,
    durability: str = "",
    crash_server: Callable[[], None] | None = None,
    kind: type[Victim] = Victim,
) -> Report:
    """Bring about so many faults, then let everything end, and judge. ``crash_server`` has the database server crash
    and come back; where the journal is in SQLite, the disk is full now and then."""
    dice = random.Random(seed)
    report = Report()
    begin = time.monotonic()
    victim = kind(folder, database, durability or "process")
    load = Load(victim.place, clients, seed, pause_s)
    try:
        while report.kills.total() < kills and not victim.ended_by_itself():
            if dice.random() < 0.85:
                victim.wait_until_it_answers()
            time.sleep(dice.uniform(0.0, 1.5))
            drawn = dice.random()
            if other := victim.other_fault(dice):
                report.kills[other] += 1
            elif drawn < 0.35:
                victim.kill()
                report.kills["daemon killed"] += 1
            elif drawn < 0.4 and crash_server is not None:
                crash_server()
                report.kills["server crashed"] += 1
            elif drawn < 0.4 and not database:
                victim.fill_disk(dice.uniform(0.2, 1.0))
                report.kills["disk full"] += 1
            elif drawn < 0.5:
                report.kills["workers stopped"] += victim.signal_worker(dice, signal.SIGSTOP)
            else:
                report.kills["workers killed"] += victim.signal_worker(dice, signal.SIGKILL)
    finally:
        answered = load.stop()
        said = victim.ended_by_itself()
        if said:
            report.lost.append(said)
        elif not answered:
            report.lost.append(f"the daemon hangs:\n{victim.say_where_it_hangs()}")
    if not answered:
        victim.process.kill()
        return report
    _ask_again(victim.place, load, report)
    victim.stop()
    report.jobs = len(load.accepted)
    report.refused = load.refused
    report.lost += load.lost
    report.wrong += load.wrong
    _read_journal(folder / "d", database, load.accepted, report)
    report.seconds = time.monotonic() - begin
    return report


def _ask_again(path: Path | str, load: Load, report: Report) -> None:
    """Every job, once more after the last kill: by its key and by its id."""
    with Client(path, patience_s=PATIENCE_S) as client:
        for row in load.accepted:
            job = client.submit(row.kind.graph, idempotency_key=row.key, **row.kind.wishes(row.seed)).job_id
            if job != row.job:
                report.doubled.append(f"the key {row.key} gives {job} and gave {row.job}")
            status = client.wait(row.job)
            if status.result is None:
                report.lost.append(f"{row.job} ({row.kind.name}) is {status.state} without a result")
            elif status.result.counts != load.expected(row.kind, row.seed)[0]:
                report.wrong.append(f"{row.job} ({row.kind.name}, seed {row.seed}) has other counts")


def _read_journal(data_dir: Path, database: str, accepted: list[Accepted], report: Report) -> None:
    """What the journal says, without a daemon."""
    journal = open_journal(data_dir, database)
    keys: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    shots: dict[str, int] = {}
    for record in journal.records():
        match record:
            case Submitted():
                keys[record.idempotency_key] += 1
                shots[record.job] = record.shots
            case Started():
                starts[record.job] += 1
            case Finished():
                ends[record.job] += 1
            case Failed() if not record.died:
                report.lost.append(f"{record.job} failed: {record.message}")
            case Archived():
                for job in Archive(record).unpack().values():
                    keys[job.submitted.idempotency_key] += 1
                    shots[job.id], starts[job.id] = job.shots, job.launches
                    ends[job.id] += job.state == COMPLETED
                    if job.error is not None:
                        report.lost.append(f"{job.id} failed: {job.error}")
            case _:
                pass
    charged: Counter[str] = Counter()
    for charge in journal.charges():
        charged[charge.job] += charge.shots
    journal.close()
    report.rerun = sum(count > 1 for count in starts.values())
    report.doubled += [f"the key {key} was accepted {count} times" for key, count in keys.items() if count > 1]
    for row in accepted:
        if ends[row.job] != 1:
            (report.doubled if ends[row.job] else report.lost).append(f"{row.job} ended {ends[row.job]} times")
        if charged[row.job] != shots[row.job]:
            wrong = report.doubled if charged[row.job] > shots[row.job] else report.lost
            wrong.append(f"{row.job} of {shots[row.job]} shots was charged {charged[row.job]}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the daemon and its workers at random under load, and judge.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--durability", choices=["process", "power"], default="process")
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, postgresql (a server of its own), or a postgresql:// URL"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="qmk-crash-") as folder,
        database_server(options.database, fast=False) as (url, crash_server),
    ):
        report = storm(
            Path(folder),
            url,
            options.kills,
            options.clients,
            options.seed,
            durability=options.durability,
            crash_server=crash_server,
        )
    print(report.text())
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
