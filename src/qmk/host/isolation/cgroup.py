"""Bounds the memory and the processes of each worker in a jail by a control group, where this daemon may make groups.

Version 2 is used if the group of the daemon has the memory controller, and the daemon may hand it on (systemd:
``Delegate=yes``); else version 1. Where neither is there, the limits of the process hold alone (``jail.entry``). The
groups of a daemon lie in one folder that is named after its process; what a killed daemon left is removed by the next.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from qmk.worker.jail.entry import PROCESSES

ROOT = Path("/")
_PREFIX = "qmk-"
SLACK_BYTES = 128 << 20
"""What a worker may have beyond the bound for its job: its own Python, and what it may write to /tmp."""


class Cgroup:
    """The group of one worker: a folder for each controller."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._folders = folders

    def add(self, pid: int) -> None:
        """Moves a process in. What it has already is not counted. Raises ``OSError``."""
        for folder in self._distinct():
            (folder / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How many of its processes were ended at its memory limit."""
        folder = self._folders["memory"]
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                for line in (folder / name).read_text().splitlines():
                    word, _, number = line.partition(" ")
                    if word == "oom_kill":
                        return int(number)
        return 0

    def remove(self) -> None:
        """Removes the group, whose processes have ended; one that still has some goes with the daemon's folder."""
        for folder in self._distinct():
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _distinct(self) -> list[Path]:
        return list(dict.fromkeys(self._folders.values()))


class Groups:
    """The groups of a daemon's workers. ``missing`` says why there are none."""

    def __init__(self, memory_bytes: int, root: Path = ROOT, pid: int | None = None) -> None:
        self._bytes = memory_bytes
        self._root = root
        self._name = f"{_PREFIX}{pid or os.getpid()}"
        self._tops: dict[str, Path] = {}
        self._left: Path | None = None
        self.missing = "no bound of memory was asked for"
        if memory_bytes:
            self.missing = "the system lets this user make no control group with a bound of memory"
            with contextlib.suppress(OSError):
                self._open()

    def make(self, name: str) -> Cgroup | None:
        """A new group with its bounds; None where there are none."""
        if self.missing:
            return None
        group: dict[str, Path] = {}
        bounds = {"memory": str(self._bytes + SLACK_BYTES), "pids": str(PROCESSES)}
        try:
            for controller, top in self._tops.items():
                folder = group[controller] = top / name
                folder.mkdir(exist_ok=True)
                file = "memory.limit_in_bytes" if (folder / "memory.limit_in_bytes").exists() else f"{controller}.max"
                (folder / file).write_text(bounds[controller])
        except OSError:
            Cgroup(group).remove()
            return None
        return Cgroup(group)

    def close(self) -> None:
        """Removes the daemon's folder, whose workers have ended; the daemon goes back to its group."""
        if self._left is not None:
            self._return_to(self._left)
        for top in set(self._tops.values()):
            _clear(top)

    def _open(self) -> None:
        """Finds where groups can be made. Raises ``OSError``."""
        mounts = self._root / "sys/fs/cgroup"
        own = dict(_own_groups((self._root / "proc/self/cgroup").read_text()))
        if "" in own and self._open_v2(mounts / own[""]):
            self.missing = ""
            return
        if "memory" not in own:
            return
        for controller in ("memory", "pids"):
            folder = mounts / controller / own.get(controller, "")
            if os.access(folder, os.W_OK):
                self._sweep(folder)
                (folder / self._name).mkdir(exist_ok=True)
                self._tops[controller] = folder / self._name
        self.missing = "" if "memory" in self._tops else self.missing

    def _open_v2(self, folder: Path) -> bool:
        """Whether the group at ``folder`` hands its controllers on. A group with processes cannot, so that the daemon
        moves to one beneath it."""
        controllers = folder / "cgroup.controllers"
        known = controllers.read_text().split() if controllers.exists() else []
        if "memory" not in known or not os.access(folder, os.W_OK):
            return False
        self._sweep(folder)
        given = [name for name in ("memory", "pids") if name in known]
        top = folder / self._name
        (top / "daemon").mkdir(parents=True, exist_ok=True)
        (top / "daemon" / "cgroup.procs").write_text(str(os.getpid()))
        self._tops, self._left = dict.fromkeys(given, top), folder
        try:
            for group in (folder, top):
                (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in given))
        except OSError:  # it holds processes of others
            self.close()
            self._tops, self._left = {}, None
            return False
        return True

    def _return_to(self, folder: Path) -> None:
        given = " ".join(f"-{name}" for name in self._tops)
        for file, text in (("cgroup.subtree_control", given), ("cgroup.procs", str(os.getpid()))):
            with contextlib.suppress(OSError):
                (folder / file).write_text(text)

    def _sweep(self, folder: Path) -> None:
        """Removes what daemons left that are gone."""
        for left in folder.glob(f"{_PREFIX}*"):
            if not (self._root / "proc" / left.name.removeprefix(_PREFIX)).exists():
                _clear(left)


def _own_groups(text: str) -> list[tuple[str, str]]:
    """Controller, "" for version 2, and the path of our group beneath its mount, from proc/self/cgroup."""
    rows = [line.split(":", 2) for line in text.splitlines()]
    return [(name, path.strip("/")) for _, names, path in rows for name in names.split(",")]


def _clear(top: Path) -> None:
    for folder in (*(each for each in top.iterdir() if each.is_dir()), top) if top.exists() else ():
        with contextlib.suppress(OSError):
            folder.rmdir()
