"""What a start costs over a past of finished jobs.

    python -m benchmarks.past --jobs 30000

One Bell job is run by a daemon; its two records and its result are then written as often as is asked for, each time as
a job of its own. Printed are the processor seconds and the memory of a process that opens that journal and replays it,
and the bytes on disk of a job (without its row of the ledger and its entries of the audit log).
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msgspec import structs

from benchmarks.programs import bell
from qmk.client import Client
from qmk.host.config import HostConfig
from qmk.host.journal import Batch
from qmk.host.keys import token_key
from qmk.host.results import Result
from qmk.host.store import open_journal
from qmk.kernel.core import Kernel
from qmk.kernel.events import Finished, SharesSettled, Submitted
from qmk.policy.standard import STANDARD

JOBS_A_BATCH = 200
MEASURE = "from benchmarks.past import replay; import sys; replay(sys.argv[1])"


def make_past(folder: Path, jobs: int) -> float:
    """Fills the journal of a data folder; the bytes on disk of a job."""
    submitted, finished, result = run_one(folder)
    file = folder / "journal.sqlite"
    before = file.stat().st_size
    journal = open_journal(folder)
    (shares,) = (record for record in journal.records() if isinstance(record, SharesSettled))
    for first in range(0, jobs, JOBS_A_BATCH):
        batch = Batch()
        for number in range(first, min(jobs, first + JOBS_A_BATCH)):
            name = f"job_{number:032x}"
            batch.records += (structs.replace(submitted, job=name, seq=number + 2), structs.replace(finished, job=name))
            batch.results.append((name, result))
        journal.write(batch)
    journal.write(Batch(records=[shares]))  # as at every start and stop
    journal.close()
    return (file.stat().st_size - before) / max(1, jobs)


def run_one(folder: Path) -> tuple[Submitted, Finished, Result]:
    """The records and the result of one Bell job of 1,000 shots, run by a daemon over the folder."""
    socket = folder / "s"
    command = [sys.executable, "-m", "qmk", "serve", "--socket", str(socket), "--data-dir", str(folder)]
    daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        with Client(socket) as client:
            client.run(bell(), shots=1000, seed=1)
    finally:
        daemon.terminate()
        daemon.wait()
    journal = open_journal(folder)
    (submitted,) = (record for record in journal.records() if isinstance(record, Submitted))
    (finished,) = (record for record in journal.records() if isinstance(record, Finished))
    head = journal.head(submitted.job)
    assert head is not None
    result = Result(head, bytes(journal.page(submitted.job, 0, head)))
    journal.close()
    return submitted, finished, result


def replay(folder: str) -> None:
    """Opens the journal and replays it, as a start does; prints processor seconds and MiB."""
    config = HostConfig(data_dir=Path(folder))
    idle_mib, begin_s = memory_mib(), time.process_time()
    journal = open_journal(config.data_dir)
    gc.disable()  # as the daemon does
    kernel = Kernel(config.kernel(token_key(config.data_dir)), STANDARD)
    kernel.replay(journal.records(), journal.count_settled())
    seconds = time.process_time() - begin_s
    print(len(kernel.jobs.by_id), seconds, memory_mib(), memory_mib("VmHWM"), idle_mib)


def memory_mib(line: str = "VmRSS") -> float:
    """Memory of this process: what it has now, or with ``VmHWM`` the most that it had."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return int(status.split(line + ":")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=30_000)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="qmk-past-") as name:
        job_bytes = make_past(Path(name), jobs)
        run = subprocess.run([sys.executable, "-c", MEASURE, name], check=True, capture_output=True, text=True)
    kept, seconds, now, most, idle = (float(word) for word in run.stdout.split())
    print(f"{kept:,.0f} jobs: replayed in {seconds:.2f} s of processor time ({seconds / kept * 1e6:.0f} us a job)")
    print(f"memory: {now:.0f} MiB, at most {most:.0f}; {idle:.0f} before ({(now - idle) * 1024 / kept:.1f} KiB a job)")
    print(f"disk: {job_bytes:,.0f} bytes a job")


if __name__ == "__main__":
    main()
