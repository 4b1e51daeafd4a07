"""The daemon of the crash benchmark with its jobs on a Ray cluster of this machine, whose processes are killed too."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from benchmarks.crash_victim import Victim
from qmk.host.cluster import local

OWN_SHARE = 0.7
"""Of all faults, those of the cluster; the others are the daemon's, as without one."""
TARGETS = {
    "slot": (b"ray::RaySlot", 8),
    "worker of a slot": (b"qmk.worker.main", 6),
    "raylet": (b"/raylet", 1),
    "head": (b"/gcs_server", 1),
    "bridge": (b"qmk.host.cluster.bridge", 4),
}
"""What a process of each kind has in its command line, and how often it is the one."""


class ClusterVictim(Victim):
    """With slots that outlive it."""

    program = "from dataclasses import replace\nserve(replace(config, cluster='ray'))"

    def other_fault(self, dice: random.Random) -> str:
        if dice.random() >= OWN_SHARE:
            return ""
        what = dice.choices(list(TARGETS), [often for _, often in TARGETS.values()])[0]
        found = self._processes(TARGETS[what][0])
        if not found:
            return ""
        number = signal.SIGSTOP if what == "slot" and dice.random() < 0.2 else signal.SIGKILL
        try:
            os.kill(dice.choice(found), number)
        except OSError:  # it has just ended
            return ""
        return f"{what} {'stopped' if number == signal.SIGSTOP else 'killed'}"

    def _processes(self, text: bytes) -> list[int]:
        """Those with ``text`` in their command line that descend from the daemon or from the keeper of the cluster."""
        head = local.find(self.folder / "d")
        roots = {self.process.pid, head.pid if head is not None else 0}
        parents = {pid: _parent(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
        found: list[int] = []
        for pid in parents:
            above = pid
            while above and above not in roots:
                above = parents.get(above, 0)
            if above and pid not in roots and text in _command(pid):
                found.append(pid)
        return found

    def stop(self) -> None:
        super().stop()
        head = local.find(self.folder / "d")
        if head is not None:
            local.stop(self.folder / "d", head)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
