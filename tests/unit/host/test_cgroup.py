"""Control groups of workers, on trees of files that stand for both versions, and for real where this host lets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qmk.host.isolation.cgroup import SLACK_BYTES, Groups

MEMORY = 64 << 20


def tree(root: Path, own: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": own, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_version_2_where_it_is_handed_on_and_the_daemon_moves_out_of_the_way(tmp_path: Path) -> None:
    top = tmp_path / "sys/fs/cgroup/unit"
    tree(tmp_path, "0::/unit\n", {"sys/fs/cgroup/unit/cgroup.controllers": "cpu memory pids\n"})
    groups = Groups(MEMORY, tmp_path, pid=7)
    assert groups.missing == ""
    assert (top / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert (top / "qmk-7/daemon/cgroup.procs").read_text() == str(os.getpid())
    group = groups.make("w1")
    assert group is not None
    assert (top / "qmk-7/w1/memory.max").read_text() == str(MEMORY + SLACK_BYTES)
    group.add(99)
    assert (top / "qmk-7/w1/cgroup.procs").read_text() == "99"
    (top / "qmk-7/w1/memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert group.kills() == 2
    groups.close()
    assert (top / "cgroup.subtree_control").read_text() == "-memory -pids"
    assert (top / "cgroup.procs").read_text() == str(os.getpid())


def test_version_1_where_version_2_has_no_memory_controller(tmp_path: Path) -> None:
    tree(tmp_path, "4:memory:/x\n3:pids:/\n0::/\n", {"sys/fs/cgroup/cgroup.controllers": "hugetlb\n"})
    for folder in ("memory/x", "pids", "memory/x/qmk-5/old"):
        (tmp_path / "sys/fs/cgroup" / folder).mkdir(parents=True)
    groups = Groups(MEMORY, tmp_path, pid=7)
    group = groups.make("w1")
    assert group is not None
    group.add(99)
    for folder in ("memory/x", "pids"):
        assert (tmp_path / f"sys/fs/cgroup/{folder}/qmk-7/w1/cgroup.procs").read_text() == "99"
    assert (tmp_path / "sys/fs/cgroup/pids/qmk-7/w1/pids.max").read_text() == "512"
    assert not (tmp_path / "sys/fs/cgroup/memory/x/qmk-5").exists(), "what a daemon that is gone left"


@pytest.mark.parametrize(("own", "memory"), [("0::/\n", MEMORY), ("", MEMORY), ("4:memory:/\n", 0)])
def test_no_groups_where_there_are_none_or_nothing_is_bounded(tmp_path: Path, own: str, memory: int) -> None:
    groups = Groups(memory, tree(tmp_path, own, {}), pid=7)
    assert groups.missing
    assert groups.make("w1") is None


def test_a_process_that_takes_too_much_is_killed_and_nothing_is_left() -> None:
    groups = Groups(MEMORY)
    group = groups.make("test")
    if group is None:
        pytest.skip(groups.missing)
    code = "import sys; sys.stdin.readline(); a = bytearray(b'x') * (400 << 20)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    group.add(process.pid)
    process.communicate(b"\n")
    kills = group.kills()
    group.remove()
    groups.close()
    assert (process.returncode, kills) == (-signal.SIGKILL, 1)
    assert not list(Path("/sys/fs/cgroup").glob(f"**/qmk-{os.getpid()}"))
