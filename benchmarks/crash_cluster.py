"""The daemon of the crash benchmark with its jobs on a cluster of this machine, whose processes are killed too."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import ClassVar

from benchmarks.crash_victim import ENVIRONMENT, Victim
from qmk.host.cluster import local
from tools.throwaway_slurm import Slurm

OWN_SHARE = 0.7
"""Of all faults, those of the cluster; the others are the daemon's, as without one."""


class ClusterVictim(Victim):
    """With slots of Ray that outlive it."""

    program = "from dataclasses import replace\nserve(replace(config, cluster='ray'))"
    targets: ClassVar = {
        "slot": (b"ray::RaySlot", 8),
        "worker of a slot": (b"qmk.worker.main", 6),
        "raylet": (b"/raylet", 1),
        "head": (b"/gcs_server", 1),
        "bridge": (b"qmk.host.cluster.bridge", 4),
    }
    """What a process of each kind has in its command line, and how often it is the one."""

    def other_fault(self, dice: random.Random) -> str:
        if dice.random() >= OWN_SHARE:
            return ""
        what = dice.choices(list(self.targets), [often for _, often in self.targets.values()])[0]
        return self.strike(what, dice)

    def strike(self, what: str, dice: random.Random) -> str:
        """Kills or stops a process of this kind, if there is one, and says which."""
        found = self._processes(self.targets[what][0])
        if not found:
            return ""
        number = signal.SIGSTOP if what == "slot" and dice.random() < 0.2 else signal.SIGKILL
        try:
            os.kill(dice.choice(found), number)
        except OSError:  # it has just ended
            return ""
        return f"{what} {'stopped' if number == signal.SIGSTOP else 'killed'}"

    def keepers(self) -> set[int]:
        """The processes from which those of the cluster descend."""
        head = local.find(self.folder / "d")
        return {head.pid} if head is not None else set()

    def _processes(self, text: bytes) -> list[int]:
        """Those with ``text`` in their command line that descend from the daemon or from a keeper of the cluster."""
        roots = {self.process.pid} | self.keepers()
        parents = {pid: _parent(pid) for pid in _pids()}
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


class SlurmVictim(ClusterVictim):
    """With slots of a Slurm of its own."""

    program = ClusterVictim.program.replace("'ray'", "'slurm'")
    targets: ClassVar = {
        "slurmctld": (b"", 5),
        "slurmd": (b"", 5),
        "slot": (b"qmk.host.cluster.slurm_slot", 5),
        "worker of a slot": (b"qmk.worker.main", 3),
        "bridge": (b"qmk.host.cluster.bridge", 2),
    }

    def __init__(self, folder: Path, database: str, durability: str) -> None:
        (folder / "slurm").mkdir()
        self._slurm = Slurm(folder / "slurm")
        self.environment = ENVIRONMENT | {"SLURM_CONF": str(self._slurm.config)}
        super().__init__(folder, database, durability)
        self._stopping = threading.Event()
        self._operator = threading.Thread(target=self._resume, daemon=True)
        self._operator.start()

    def _resume(self) -> None:
        while not self._stopping.wait(1.0):
            self._slurm.resume()

    def strike(self, what: str, dice: random.Random) -> str:
        """As for any cluster; a daemon of Slurm is started again."""
        if what not in self._slurm.processes:
            return super().strike(what, dice)
        self._slurm.kill(what)
        self._slurm.start(what)
        return f"{what} killed"

    def keepers(self) -> set[int]:
        """The keepers of Slurm's jobs."""
        commands = {pid: _command(pid) for pid in _pids()}
        slots = [
            pid
            for pid, said in commands.items()
            if str(self.folder).encode() in said and self.targets["slot"][0] in said
        ]
        return {_parent(pid) for pid in slots}

    def stop(self) -> None:
        Victim.stop(self)
        self._stopping.set()
        self._operator.join()
        self._slurm.stop()


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


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
