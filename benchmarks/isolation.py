"""``python -m benchmarks.isolation``: what the levels of isolation cost, and what they leave behind.

A daemon for each of ``--levels`` runs beside the others; they take turns, so that a busy machine is as busy for all.
Processor time is that of a daemon with all it started, of a control group where one can be made, else of what is there.
With ``--each`` the times of single jobs are given too, their median and 99th percentile. *warm*: one tenant's Bell
jobs, one after the other. *cold*: each job is another tenant's, so that each begins with a worker that has served
nobody. With ``--scripts`` the jobs are scripts that do nothing, in WebAssembly at level ``wasm`` and native at others,
where a worker serves one. At the end all daemons must have as many processes, descriptors and mounts as they began
with.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from benchmarks import isolation_kills, isolation_timing
from benchmarks.daemon import daemon
from benchmarks.isolation_kills import LOOKS, descendants
from benchmarks.measure import median, percentile
from benchmarks.programs import bell
from qmk.client import Client
from qmk.client.operator import Operator

LEVELS = "process,jail"
TENANTS = 24
_SEEDS = count(1)


class Arm:
    """A daemon at one level, and a client of each of its tenants."""

    def __init__(self, stack: ExitStack, level: str, *, scripts: bool = False) -> None:
        self.group: Path | None = None
        self.scripts = scripts
        self.sandbox_ms: list[float] = []
        """Processor time of each script's sandbox alone."""
        stack.callback(self.remove_group)
        self.path = stack.enter_context(daemon("process", more=("--isolation", "auto" if scripts else level)))
        operator = Operator(Path(self.path).parent)
        self.clients: list[Client] = []
        for number in range(TENANTS):
            operator.call("op_tenant_add", tenant=f"t{number}")
            token = operator.call("op_token_issue", tenant=f"t{number}").token
            self.clients.append(stack.enter_context(Client(self.path, token=token)))
        self.pid = int(Path(self.path).with_name("pid").read_text())
        self.group = group_of(self.pid)
        self.level = level

    def run(self, jobs: int, *, cold: bool) -> tuple[float, float]:
        """Wall and processor time of a job, in ms."""
        began, cpu = time.perf_counter(), self.cpu_s()
        for number in range(jobs):
            self.run_one(self.clients[number % TENANTS if cold else 0])
        return (time.perf_counter() - began) / jobs * 1e3, (self.cpu_s() - cpu) / jobs * 1e3

    def run_one(self, client: Client) -> None:
        """Has one job done."""
        if self.scripts:
            job = client.submit_script("result = 1", seed=next(_SEEDS), isolation=self.level, cache=False)
            found = client.job(job.job_id).result().script
            assert found.provenance["isolation"] == self.level
            self.sandbox_ms.append(found.usage.cpu_s * 1e3)
            return
        result = client.run(bell(), shots=100, seed=next(_SEEDS), cache=False)
        assert result.provenance.isolation == self.level

    def cpu_s(self) -> float:
        """Of the daemon, of what it started, and of what of that has ended."""
        if self.group is not None:
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        ticks = 0
        for pid in (self.pid, *descendants(self.pid)):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def remove_group(self) -> None:
        if self.group is not None:
            self.group.rmdir()

    def left(self) -> list[int]:
        """Its processes, descriptors and mounts, once it has closed what its last job left."""
        looks: list[tuple[int, int, int]] = []
        for _ in range(LOOKS):
            mounts = Path(f"/proc/{self.pid}/mounts").read_text().splitlines()
            looks.append((len(descendants(self.pid)), len(os.listdir(f"/proc/{self.pid}/fd")), len(mounts)))
            time.sleep(0.05)
        return [min(column) for column in zip(*looks, strict=True)]


def group_of(pid: int) -> Path | None:
    """A control group (version 1) of the process and all that it starts from here on; None where none can be made."""
    group = Path(f"/sys/fs/cgroup/cpuacct/qmk-benchmark-{pid}")
    try:
        group.mkdir()
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        return None
    return group


def single(arm: Arm, jobs: int, pause_s: float, *, cold: bool) -> str:
    """Times of single jobs, as text; a cold one waits for a worker of its own, or takes a spare."""
    rows: list[tuple[float, float]] = []
    for number in range(jobs):
        client = arm.clients[number % TENANTS if cold else 0]
        time.sleep(pause_s)
        began, cpu = time.perf_counter(), arm.cpu_s()
        arm.run_one(client)
        rows.append(((time.perf_counter() - began) * 1e3, (arm.cpu_s() - cpu) * 1e3))
    wall, cpu_ms = (sorted(column) for column in zip(*rows, strict=True))
    texts = [
        f"{name} p50 {median(found):.1f} p99 {percentile(found, 0.99):.1f} ms"
        for name, found in (("cpu", cpu_ms), ("wall", wall))
    ]
    if arm.scripts:
        texts.append(f"cpu of the sandbox alone p50 {median(arm.sandbox_ms[-jobs:]):.1f} ms")
    return f"{'cold' if cold else 'warm'} {arm.level}: {', '.join(texts)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=100, help="jobs of a round")
    parser.add_argument("--levels", default=LEVELS, help="levels with commas; the others are compared with the first")
    parser.add_argument("--each", type=int, default=0, help="only this many single jobs, cold and warm")
    parser.add_argument("--scripts", action="store_true", help="the jobs are scripts, wasm or native")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each of those, in which spares start")
    parser.add_argument("--kill", type=int, default=0, help="kill a daemon so many times during --jobs jobs, and look")
    parser.add_argument("--timing", type=int, default=0, help="what one tenant's times tell of another, so many times")
    options = parser.parse_args()
    if options.timing:
        return isolation_timing.main(options.levels.split(","), options.timing)
    if options.kill:
        return isolation_kills.main(options.levels.split(","), options.kill, options.jobs)
    with ExitStack() as stack:
        arms = [Arm(stack, level, scripts=options.scripts) for level in options.levels.split(",")]
        if options.each:
            for arm in arms:
                arm.run(1, cold=False)
                for cold in (True, False):
                    print(single(arm, options.each, options.pause, cold=cold))
            return 0
        for arm in arms:
            arm.run(2 * TENANTS, cold=True)
        before = [arm.left() for arm in arms]
        for kind in ("warm", "cold"):
            rounds = [[arm.run(options.jobs, cold=kind == "cold") for arm in arms] for _ in range(options.rounds)]
            for name, index in (("wall", 0), ("cpu", 1)):
                columns = [[row[arm][index] for row in rounds] for arm in range(len(arms))]
                first, *others = columns
                ratios = [median([b / a for a, b in zip(first, other, strict=True)]) for other in others]
                figures = ", ".join(
                    f"{arm.level} {median(column):.2f} ms" for arm, column in zip(arms, columns, strict=True)
                )
                print(f"{kind} job, {name}: {figures}; ratios to the first {[round(ratio, 2) for ratio in ratios]}")
        after = [arm.left() for arm in arms]
        print(f"processes, descriptors, mounts: before {before}, after {after}")
    return 0 if before == after else 1


if __name__ == "__main__":
    sys.exit(main())
