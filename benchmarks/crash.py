"""``python -m benchmarks.crash --kills 300``: kill -9 of the daemon and of its workers, at random moments, under load;
workers that are stopped, disks that are full for a second, and crashes of the database server are mixed in. With
``--hosts`` two daemons with a data folder each share a PostgreSQL database and an object store, and it is the leader
that is killed, or stopped, replaced and continued. With ``--cluster`` jobs run on Ray or on a Slurm of one node, and
its slots, its daemons and the bridge to it are killed too.

Clients with patience submit jobs under idempotency keys of their own, wait for them, and read every shot back. The
bits of a job are a function of program, shots and seed, so each is compared with a run in this process. At the end the
journal itself is read: every key has one job, every job one end, one result and one charge. The exit code is 1 when
anything was lost, doubled or wrong. A submit that is refused because the disk is full is sent again.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import qmk
from benchmarks.crash_cluster import ClusterVictim, SlurmVictim
from benchmarks.crash_jobs import KINDS, Accepted, Kind, Outage, Report, Seen, seen
from benchmarks.crash_victim import Hosts, Pair, Victim
from benchmarks.daemon import database_server
from qmk.base.errors import QmkError
from qmk.client import Client
from qmk.client.job import as_completed
from qmk.host.store import open_journal
from qmk.kernel.events import Failed, Finished, Started, Submitted
from qmk.kernel.objects.archive import Archive, Archived
from qmk.kernel.objects.job import COMPLETED

PATIENCE_S = 120.0
ANSWER_S = 300.0
"""All clients end within it once they are told to stop; else the daemon hangs, which is reported as a loss."""
SEEDS = 12
WORK = 5
"""Jobs that are accepted between two faults, but for one fault in seven, which comes while the last one lasts."""
STANDSTILL_S = 60.0
"""A service that accepts nothing for so long after a fault hangs."""


class Load:
    """Clients that submit, wait, read and compare until they are told to stop."""

    def __init__(self, path: Path | str, clients: int, seed: int, pause_s: float) -> None:
        self._socket = path
        self._pause_s = pause_s
        self._expected: dict[tuple[str, int], Seen] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.accepted: list[Accepted] = []
        self.submits: list[tuple[float, float]] = []
        """when each submit was begun, and when it was accepted"""
        self.finished = self.refused = 0
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
        self.finished += 1
        if status.state != "COMPLETED":
            self.lost.append(f"{job} ({kind.name}) is {status.state}: {status.error}")
        elif seen(client.result(job)) != self.expected(kind, seed):
            self.wrong.append(f"{job} ({kind.name}, seed {seed}) has other bits")

    def _submit(self, client: Client, key: str, kind: Kind, seed: int) -> str:
        """The job, once the daemon can write that it has it."""
        begin_s = time.monotonic()
        while True:
            try:
                job = client.submit(kind.graph, idempotency_key=key, **kind.wishes(seed)).job_id
                self.submits.append((begin_s, time.monotonic()))
                return job
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

    def work(self, jobs: int, has_ended: Callable[[], Any]) -> bool:
        """Waits until so many more jobs are accepted, while the service has not ended; whether they were."""
        before, end_s = len(self.submits), time.monotonic() + STANDSTILL_S
        while len(self.submits) < before + jobs and time.monotonic() < end_s and not has_ended():
            time.sleep(0.01)
        return len(self.submits) >= before + jobs

    def recovery_s(self, back_s: float) -> float | None:
        """How long after the service was back the last one was accepted of the submits that it had kept waiting."""
        return max((end_s - back_s for begin_s, end_s in self.submits if begin_s < back_s < end_s), default=None)

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
    work: int = WORK,
) -> Report:
    """Bring about so many faults, then let everything end, and judge. ``crash_server`` has the database server crash
    and come back; where the journal is in SQLite, the disk is full now and then. ``work``: jobs between two faults."""
    dice = random.Random(seed)
    report = Report()
    begin = time.monotonic()
    victim = kind(folder, database, durability or "process")
    load = Load(victim.place, clients, seed, pause_s)
    try:
        while report.kills.total() < kills and not victim.ended_by_itself():
            if dice.random() < 6 / 7:
                _see_it_come_back(victim, load, report, work)
            time.sleep(dice.uniform(0.0, 0.5))
            if what := _fault(victim, dice, crash_server, full_disk=victim.disk_fills and not database):
                report.kills[what] += 1
                report.outages.append(Outage(what, time.monotonic()))
        _see_it_come_back(victim, load, report, work)
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
    report.jobs, report.finished = len(load.accepted), load.finished
    report.refused = load.refused
    report.lost += load.lost
    report.wrong += load.wrong
    _read_journal(victim.data_dir, database, load.accepted, report)
    report.seconds = time.monotonic() - begin
    return report


def _fault(victim: Victim, dice: random.Random, crash_server: Callable[[], None] | None, full_disk: bool) -> str:
    """Brings about a fault, and says which; nothing where there was nobody to strike."""
    drawn = dice.random()
    if other := victim.other_fault(dice):
        return other
    if drawn < 0.35:
        victim.kill()
        return "daemon killed"
    if drawn < 0.4 and crash_server is not None:
        crash_server()
        return "server crashed"
    if drawn < 0.4 and full_disk:
        victim.fill_disk(dice.uniform(0.2, 1.0))
        return "disk full"
    what, number = ("workers stopped", signal.SIGSTOP) if drawn < 0.5 else ("workers killed", signal.SIGKILL)
    return what if victim.signal_worker(dice, number) else ""


def _see_it_come_back(victim: Victim, load: Load, report: Report, work: int) -> None:
    """Waits until the service answers and has done some work, and notes how long that took."""
    end_s = time.monotonic() + STANDSTILL_S
    while not victim.answers() and not victim.ended_by_itself() and time.monotonic() < end_s:
        time.sleep(0.01)
    back_s = time.monotonic()
    if not load.work(work, victim.ended_by_itself) and not victim.ended_by_itself():
        report.lost.append(f"fewer than {work} jobs were accepted within {STANDSTILL_S:.0f} s after a fault")
    for outage in report.outages:
        if not outage.back_s:
            outage.back_s, outage.recovery_s = back_s, load.recovery_s(back_s)


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


@contextmanager
def object_store() -> Iterator[None]:
    """A local server of S3's protocol, as the environment then says."""
    from tests.objects import ObjectServer

    server = ObjectServer()
    os.environ.update(server.variables, QMK_CRASH_BLOBS=server.bucket("blobs"))
    try:
        yield
    finally:
        server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the daemon and its workers at random under load, and judge.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--durability", choices=["process", "power"], default="process")
    parser.add_argument(
        "--database", default="sqlite", help="sqlite, postgresql (a server of its own), or a postgresql:// URL"
    )
    parser.add_argument("--standby", action="store_true", help="a second daemon stands by and takes over")
    parser.add_argument("--hosts", action="store_true", help="as --standby, with a folder each, and blobs in S3")
    clusters = {"": Victim, "ray": ClusterVictim, "slurm": SlurmVictim}
    parser.add_argument("--cluster", choices=list(clusters), default="", help="jobs run there, and it is killed too")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="qmk-crash-") as folder,
        database_server(options.database, fast=False) as (url, crash_server),
        object_store() if options.hosts else nullcontext(),
    ):
        report = storm(
            Path(folder),
            url,
            options.kills,
            options.clients,
            options.seed,
            durability=options.durability,
            crash_server=crash_server,
            kind=Hosts if options.hosts else Pair if options.standby else clusters[options.cluster],
        )
    print(report.text())
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
