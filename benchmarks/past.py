"""What a start costs over a past of finished jobs.

    python -m benchmarks.past --jobs 100000 --tenants 10

One Bell job of 1,000 shots is run by a daemon. A kernel over the same folder then takes its records and its result as
often as is asked for, each time as a job of its own, of one tenant after the other, and what it journals is written.
Printed are the bytes on disk of a job (without its row of the ledger and its entries of the audit log), and what a
daemon takes until it answers over that folder: seconds, seconds of processor time, and memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from benchmarks.programs import bell
from qmk.base.ids import sorted_by_time
from qmk.client import Client
from qmk.host.config import HostConfig
from qmk.host.entropy import ENTROPY_BYTES, draw_entropy
from qmk.host.journal import Batch
from qmk.host.results import Result
from qmk.host.store import open_journal
from qmk.kernel import condensing
from qmk.kernel.config import TenantConfig
from qmk.kernel.core import Kernel
from qmk.kernel.effects import Journal
from qmk.kernel.events import Finished, Submitted, TenantSet
from qmk.policy.standard import STANDARD
from qmk.rpc.keys import token_key

JOBS_A_BATCH = 200


class Start(NamedTuple):
    """What a daemon took until it answered."""

    jobs: int
    seconds: float
    processor_seconds: float
    memory_mib: float
    most_mib: float


def make_past(folder: Path, jobs: int, tenants: int) -> float:
    """Fills the journal of a data folder; the bytes on disk of a job."""
    submitted, finished, result = run_one(folder)
    before = size_bytes(folder)
    journal = open_journal(folder)
    kernel = Kernel(HostConfig(data_dir=folder).kernel(token_key(folder)), STANDARD)
    kernel.replay(journal.records())
    names = [f"tenant{number}" for number in range(tenants)]
    for name in names:
        kernel.commit(TenantSet(now_ns=submitted.now_ns, config=TenantConfig(name=name)))
    batch = Batch()
    for number in range(jobs):
        job = sorted_by_time("job", draw_entropy(ENTROPY_BYTES))
        kernel.now_ns = submitted.now_ns + number
        tenant = names[number % tenants]
        kernel.commit(structs.replace(submitted, job=job, tenant=tenant, seq=number + 2, now_ns=kernel.now_ns))
        kernel.commit(structs.replace(finished, job=job, now_ns=kernel.now_ns))
        batch.results.append((job, result))
        if number % JOBS_A_BATCH == 0:
            write(kernel, journal.write, batch)
            batch = Batch()
    condensing.settle(kernel)  # as at every start and stop
    write(kernel, journal.write, batch)
    assert len(kernel.jobs.by_id) == jobs + 1, "all are kept"
    journal.close()
    return (size_bytes(folder) - before) / max(1, jobs)


def write(kernel: Kernel, store: object, batch: Batch) -> None:
    """Writes what the kernel has journaled, and the results."""
    rows = [effect for effect in kernel.out if isinstance(effect, Journal)]
    batch.records, batch.data = [row.record for row in rows], [row.data for row in rows]
    assert callable(store)
    store(batch)
    kernel.out.clear()


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[Client, int, float]]:
    """A daemon over the folder: a client, its process and the seconds until it answered."""
    socket, begin_s = folder / "s", time.monotonic()
    command = [sys.executable, "-m", "qmk", "serve", "--socket", str(socket), "--data-dir", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.005)
        with Client(socket) as client:
            client.query_resources()
            yield client, process.pid, time.monotonic() - begin_s
    finally:
        process.terminate()
        process.wait()


def run_one(folder: Path) -> tuple[Submitted, Finished, Result]:
    """The records and the result of one Bell job of 1,000 shots, run by a daemon over the folder."""
    with daemon(folder) as (client, _, _):
        client.run(bell(), shots=1000, seed=1)
    journal = open_journal(folder)
    (submitted,) = (record for record in journal.records() if isinstance(record, Submitted))
    (finished,) = (record for record in journal.records() if isinstance(record, Finished))
    head = journal.head(submitted.job)
    assert head is not None
    result = Result(head, bytes(journal.page(submitted.job, 0, head)))
    journal.close()
    return submitted, finished, result


def measure_start(folder: Path, jobs: int) -> Start:
    with daemon(folder) as (_, process, seconds):
        ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        used = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        return Start(jobs, seconds, used, memory_mib(process, "VmRSS"), memory_mib(process, "VmHWM"))


def memory_mib(process: int, line: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split(line + ":")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--tenants", type=int, default=10)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qmk-past-") as name:
        job_bytes = make_past(Path(name), wanted.jobs, wanted.tenants)
        for start in (measure_start(Path(name), wanted.jobs) for _ in range(2)):
            print(
                f"{start.jobs:,} jobs of {wanted.tenants} tenants: answers after {start.seconds:.2f} s "
                f"({start.processor_seconds:.2f} s of processor time); {start.memory_mib:.0f} MiB, "
                f"at most {start.most_mib:.0f}"
            )
    print(f"disk: {job_bytes:,.0f} bytes a job")


if __name__ == "__main__":
    main()
