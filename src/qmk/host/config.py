"""What the daemon is started with: places, bounds, durability. Everything has a default that works."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.host import machine
from qmk.host.pool import Bounds
from qmk.host.spawn import External
from qmk.host.store import Durability
from qmk.host.translation import TextBounds
from qmk.kernel.objects.quota import check_limits
from qmk.sdk.places import socket_path, state_dir

SOCKET_PATH_BYTES = 107
"""What the system allows in the name of a Unix socket."""

WORKERS_MAX = 8
SPARE_PROCESSES = 4
JOURNAL_NAME = "journal.sqlite"
LOCK_NAME = "lock"


def _workers() -> int:
    return max(1, min(machine.cpus(), WORKERS_MAX))


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """Configuration of the daemon.

    ``workers``: jobs run at once. ``threads``: numerical threads of each. ``memory_bytes``: what running jobs may be
    predicted to need together. ``durability``: ``process`` keeps every accepted job through any end of the daemon,
    ``power`` also through a power failure, at the price of one disk write a batch. ``prestart``: engines with a warm
    worker from the start. ``engines``: engines that are not installed, by name. ``frame_s``: how long one frame may
    take to arrive. ``quotas``: limits of the local tenant, by name of the quota.
    """

    socket: Path = field(default_factory=socket_path)
    data_dir: Path = field(default_factory=state_dir)
    durability: Durability = "process"
    workers: int = field(default_factory=_workers)
    threads: int = 0
    memory_bytes: int = field(default_factory=machine.memory_bytes)
    idle_s: float = 900.0
    prestart: tuple[str, ...] = ("stabilizer",)
    engines: dict[str, External] = field(default_factory=dict)
    connections: int = 4096
    frame_s: float = 60.0
    text: TextBounds = field(default_factory=TextBounds)
    shutdown_s: float = 2.0
    quotas: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.durability not in ("process", "power"):
            raise QmkError("INVALID_PARAMS", f"durability is 'process' or 'power', not '{self.durability}'")
        check_limits(self.quotas)
        if self.workers < 1:
            raise QmkError("INVALID_PARAMS", f"workers must be at least 1, not {self.workers}")
        length = len(os.fsencode(self.socket))
        if length > SOCKET_PATH_BYTES:
            raise QmkError(
                "INVALID_PARAMS",
                f"the socket path {self.socket} has {length} bytes; the system allows {SOCKET_PATH_BYTES}",
                help="choose a shorter one with --socket or QMK_SOCKET",
            )

    @property
    def bounds(self) -> Bounds:
        """The pool's bounds; threads by default share the processors without more threads than processors."""
        return Bounds(
            slots=self.workers,
            processes=self.workers + SPARE_PROCESSES,
            threads=self.threads or max(1, machine.cpus() // self.workers),
            memory_bytes=self.memory_bytes,
            idle_s=self.idle_s,
        )

    @property
    def journal_path(self) -> Path:
        return self.data_dir / JOURNAL_NAME

    @property
    def lock_path(self) -> Path:
        return self.data_dir / LOCK_NAME
