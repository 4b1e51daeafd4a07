"""What the machine says of our processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmk.host import machine

BUSY = "print('on', flush=True)\nwhile True: pass"


def busy(cpu: int) -> subprocess.Popen[bytes]:
    """A process that computes without end on one processor, which others may want too."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
    os.sched_setaffinity(process.pid, {cpu})
    return process


def test_of_two_processes_on_one_processor_each_waits_for_the_other() -> None:
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("only Linux says how long a process waited")
    cpu = min(os.sched_getaffinity(0))
    with busy(cpu) as one, busy(cpu) as two:
        try:
            waits = [machine.ProcessorTime(process.pid) for process in (one, two)]
            while min(wait.waited_s() for wait in waits) <= 0.02:
                pass
            for wait in waits:
                wait.close()
        finally:
            one.kill()
            two.kill()


def test_a_process_that_is_not_there_has_not_waited() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert machine.ProcessorTime(process.pid).waited_s() == 0.0


def lay(root: Path, files: dict[str, str]) -> Path:
    """Write a system's files about itself."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


GIB = 1 << 30
PLENTY = {"proc/meminfo": f"MemAvailable: {100 << 20} kB\n"}


def version_2(path: str, limit: int) -> dict[str, str]:
    return {
        f"sys/fs/cgroup{path}/memory.max": f"{limit}\n",
        f"sys/fs/cgroup{path}/memory.current": f"{5 * GIB}\n",
        f"sys/fs/cgroup{path}/memory.stat": f"anon 7\ninactive_file {2 * GIB}\n",
        f"sys/fs/cgroup{path}/memory.events": "low 0\noom 3\noom_kill 2\n",
        f"sys/fs/cgroup{path}/cpu.max": "150000 50000\n",
    }


def version_1(path: str, limit: int) -> dict[str, str]:
    return {
        f"sys/fs/cgroup/memory{path}/memory.limit_in_bytes": f"{limit}\n",
        f"sys/fs/cgroup/memory{path}/memory.usage_in_bytes": f"{5 * GIB}\n",
        f"sys/fs/cgroup/memory{path}/memory.stat": f"cache 7\ntotal_inactive_file {2 * GIB}\n",
        f"sys/fs/cgroup/memory{path}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        f"sys/fs/cgroup/cpu{path}/cpu.cfs_quota_us": "150000\n",
        f"sys/fs/cgroup/cpu{path}/cpu.cfs_period_us": "50000\n",
    }


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/\n", version_2("", 8 * GIB)),
        ("0::/a/b\n", version_2("/a", 8 * GIB) | {"sys/fs/cgroup/a/b/memory.max": "max\n"}),
        ("0::/not/mounted/here\n", version_2("", 8 * GIB)),
        ("5:cpu,cpuacct:/a\n4:memory:/a/b\n", version_1("/a", 8 * GIB) | {"sys/fs/cgroup/memory/a/b/tasks": ""}),
        ("4:memory:/docker/123\n5:cpu:/docker/123\n0::/\n", version_1("", 8 * GIB)),
    ],
)
def test_limits_of_control_groups_are_read(tmp_path: Path, groups: str, files: dict[str, str]) -> None:
    """Of both versions, of the process's own group and of those above it; a container may name a group that is not
    mounted there."""
    root = lay(tmp_path, {**PLENTY, **files, "proc/self/cgroup": groups, "proc/vmstat": "pgfault 5\noom_kill 4\n"})
    assert machine.memory_bytes(root) == int(machine.MEMORY_SHARE * 5 * GIB), "8 less 5, of which 2 can be given up"
    assert machine.OutOfMemoryKills(root).count() == 6
    assert machine.cpus(root) <= 3


def test_a_machine_without_limits_gives_what_is_available(tmp_path: Path) -> None:
    free = {"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{(1 << 63) - 4096}\n"}
    root = lay(tmp_path, {**PLENTY, **free, "proc/self/cgroup": "1:memory:/\n0::/\n"})
    assert machine.memory_bytes(root) == int(machine.MEMORY_SHARE * 100 * GIB)
    assert machine.OutOfMemoryKills(root).count() == 0
