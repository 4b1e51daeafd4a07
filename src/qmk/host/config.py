"""The configuration that the daemon is started with: places, bounds, durability. Everything has a default that
works."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from qmk.abi.quotas import check_limits
from qmk.base.decoding import Decoding
from qmk.base.errors import QmkError
from qmk.base.isolation import AUTO, parse
from qmk.base.limits import LIMITS
from qmk.host import machine
from qmk.host.cluster.address import check_cluster
from qmk.host.cluster.resources import MEMORY, most_memory, read_slots, usual
from qmk.host.isolation.policy import Isolation, isolation_of
from qmk.host.object_blobs import check_url
from qmk.host.spawn import External
from qmk.host.sql.sqlite import Durability
from qmk.host.store import JOURNAL_NAME, LOCK_NAME, PATIENCE_S, is_database_url
from qmk.host.tasks import Bounds
from qmk.host.translation_tasks import TextBounds
from qmk.kernel.config import KernelConfig, TenantConfig
from qmk.kernel.objects.account import UNBOUNDED
from qmk.rpc.places import SOCKET_PATH_BYTES, operator_path, socket_path, state_dir

WORKERS_MAX = 8
SPARE_PROCESSES = 4
CACHE_BYTES = 256 << 20
WORKER_NICE = 5


def _workers() -> int:
    return max(1, min(machine.cpus(), WORKERS_MAX))


@dataclass(frozen=True)
class Retention:
    """``results_s``: how long an ended job is kept, with its result and checkpoints; ``checkpoints_s``: how long its
    checkpoints are, from its end; 0: as long as there is room. ``jobs``, ``checkpoints`` and ``checkpoint_bytes`` bound
    what one tenant keeps of ended jobs, ``job_bytes`` the graphs and results that all keep; the oldest give way."""

    results_s: int = 30 * 86_400
    checkpoints_s: int = 7 * 86_400
    jobs: int = LIMITS.kept_jobs
    job_bytes: int = LIMITS.kept_bytes
    checkpoints: int = LIMITS.checkpoints
    checkpoint_bytes: int = LIMITS.kept_bytes

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 0:
                raise QmkError("INVALID_PARAMS", f"retention '{name}' must be at least 0, not {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """Configuration of the daemon.

    ``workers``: jobs run at once. ``threads``: numerical threads of each. ``memory_bytes``: what running jobs may be
    predicted to need together, and with a cluster what one job may in a slot of which nothing else is said.
    ``durability``: ``process`` keeps every accepted job through any end of the daemon,
    ``power`` also through a power failure, at the price of one disk write a batch. ``database``: the URL of a
    PostgreSQL database for the journal; empty: a file in ``data_dir``; its server, when lost, is waited for
    ``database_patience_s``. ``prestart``: engines with a warm worker from the start. ``job_attempts``: workers that
    may crash under one job. ``worker_nice``: how far the processor time of workers gives way to the daemon's and that
    of others, 0 to 19. ``engines``: engines that are not installed, by
    name. ``frame_s``: how long one frame may take to arrive. ``socket_mode``: who may connect; ``require_token``:
    callers without a token are refused, as they always are when others than the owner may connect. ``quotas``: limits
    of the local tenant, by name of the quota. ``keep``: how long what ended is kept, and how much of it.
    ``cache_bytes``: results of one tenant that answer a repeated job with a seed, 0 for none. ``hedging``: a second
    engine may run on an idle worker where the prediction is in doubt. ``decoding``: what decodes while machines of
    logical qubits run; without it nothing bounds the load of a decoder. ``isolation``: the weakest level that any job
    runs at; ``auto``: ``DEFAULT_LEVEL``, or what a tenant or a job asks for. ``standby``: where another daemon uses the
    data folder or the database, its end is waited for. ``blobs``: the URL of an object store for saved states and large
    programs and results, which daemons of one database on several hosts share; empty: files in ``data_dir``.
    ``cluster``: where jobs run instead of on this machine, see ``host.cluster.opening``; ``slots`` describes what the
    first of its slots have, as ``--slot`` is written; one that is idle for ``slot_idle_s`` is given up (0: none is);
    ``cluster_options``: those of ``host.cluster.address.OPTIONS``.
    ``devices``: those that sandboxes pass on to an engine's workers, by engine, see
    ``host.isolation.drivers.passthrough``.
    """

    socket: Path = field(default_factory=socket_path)
    data_dir: Path = field(default_factory=state_dir)
    durability: Durability = "process"
    database: str = ""
    database_patience_s: float = PATIENCE_S
    workers: int = field(default_factory=_workers)
    threads: int = 0
    memory_bytes: int = field(default_factory=machine.memory_bytes)
    idle_s: float = 900.0
    worker_nice: int = WORKER_NICE
    prestart: tuple[str, ...] = ("native",)
    job_attempts: int = LIMITS.job_attempts
    engines: dict[str, External] = field(default_factory=dict[str, External])
    connections: int = 4096
    frame_s: float = 60.0
    text: TextBounds = field(default_factory=TextBounds)
    shutdown_s: float = 2.0
    require_token: bool = False
    socket_mode: int = 0o600
    quotas: dict[str, int] = field(default_factory=dict[str, int])
    keep: Retention = field(default_factory=Retention)
    cache_bytes: int = CACHE_BYTES
    hedging: bool = True
    decoding: Decoding | None = None
    isolation: str = AUTO
    standby: bool = False
    blobs: str = ""
    cluster: str = ""
    slots: tuple[str, ...] = ()
    devices: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    slot_idle_s: float = 0.0
    cluster_options: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if not 0 <= self.cache_bytes <= LIMITS.cache_bytes:
            raise QmkError("INVALID_PARAMS", f"cache_bytes is 0 to {LIMITS.cache_bytes}, not {self.cache_bytes}")
        if self.durability not in ("process", "power"):
            raise QmkError("INVALID_PARAMS", f"durability is 'process' or 'power', not '{self.durability}'")
        if self.database and not is_database_url(self.database):
            raise QmkError("INVALID_PARAMS", "the database is named by a URL such as postgresql://user@host/name")
        if self.blobs:
            check_url(self.blobs)
            if not self.database:
                fix = "name a database too, or leave it out: a journal in a file has its blobs beside it"
                raise QmkError("INVALID_PARAMS", "an object store for blobs goes with a database", help=fix)
        if self.socket_mode & ~0o777 or self.socket_mode & 0o600 != 0o600:
            raise QmkError(
                "INVALID_PARAMS",
                f"socket mode {self.socket_mode:o} does not let the owner in",
                help="such as 660 or 666",
            )
        check_limits(self.quotas)
        parse(self.isolation)
        check_cluster(self.cluster, self.cluster_options, self.slots, self.workers)
        if not 0 <= self.worker_nice <= 19:
            raise QmkError("INVALID_PARAMS", f"worker_nice is 0 to 19, not {self.worker_nice}")
        if self.workers < 1:
            raise QmkError("INVALID_PARAMS", f"workers must be at least 1, not {self.workers}")
        _ = self.resources
        length = len(os.fsencode(self.socket))
        if length > SOCKET_PATH_BYTES:
            raise QmkError(
                "INVALID_PARAMS",
                f"the socket path {self.socket} has {length} bytes; the system allows {SOCKET_PATH_BYTES}",
                help="choose a shorter one with --socket or QMK_SOCKET",
            )

    def kernel(self, token_key: bytes) -> KernelConfig:
        """The kernel's part of the configuration. Every replay of the journal has the same bounds."""
        return KernelConfig(
            workers=self.workers,
            memory_bytes=self.job_memory_bytes,
            together_bytes=self.together_bytes,
            job_attempts=self.job_attempts,
            audited=True,
            token_key=token_key,
            local=TenantConfig(quotas=self.quotas),
            local_allowed=self.local_allowed,
            keep_results_s=self.keep.results_s,
            keep_checkpoints_s=self.keep.checkpoints_s,
            kept_jobs=self.keep.jobs,
            kept_bytes=self.keep.job_bytes,
            kept_checkpoints=self.keep.checkpoints,
            kept_checkpoint_bytes=self.keep.checkpoint_bytes,
            cache_bytes=self.cache_bytes,
            hedging=self.hedging,
        )

    @property
    def policy(self) -> Isolation:
        """What decides on the levels of jobs. Raises UNSUPPORTED for a device that cannot be passed on."""
        if not self.devices:
            return isolation_of(self.isolation)
        from qmk.host.isolation.drivers import firecracker, passthrough
        from qmk.host.isolation.drivers.microvm.machine import MODE

        monitor = firecracker.NAME if os.environ.get(MODE) == firecracker.NAME else ""
        passthrough.require(self.devices, monitor=monitor)
        return isolation_of(self.isolation, self.devices)

    @property
    def bounds(self) -> Bounds:
        """The pool's bounds; threads by default share the processors without more threads than processors."""
        return Bounds(
            slots=self.workers,
            processes=self.workers + SPARE_PROCESSES,
            threads=self.threads or max(1, machine.cpus() // self.workers),
            memory_bytes=self.memory_bytes,
            idle_s=self.idle_s,
            nice=self.worker_nice,
        )

    @property
    def resources(self) -> list[dict[str, float]]:
        """What each place that runs a job has, by name of the resource: its threads, and the memory that one job may
        need, unless ``slots`` says otherwise."""
        others = usual(self.bounds.threads, self.memory_bytes)
        return [others | said for said in read_slots(self.slots, self.workers)]

    @property
    def job_memory_bytes(self) -> int:
        """Bytes that one job may need: what the largest slot has, 0 without bound."""
        most = most_memory(self.resources, {})
        return most if most < UNBOUNDED else 0

    @property
    def together_bytes(self) -> int:
        """Bytes that running jobs may need together: what all slots of a cluster have, 0 without bound."""
        if not self.cluster or not self.job_memory_bytes:
            return self.job_memory_bytes
        return int(sum(slot[MEMORY] for slot in self.resources))

    @property
    def local_allowed(self) -> bool:
        """Whether a caller without a token is the local tenant: only if nobody but the owner can connect."""
        return not self.require_token and not self.socket_mode & 0o077

    @property
    def operator_path(self) -> Path:
        return operator_path(self.data_dir)

    @property
    def journal_path(self) -> Path:
        return self.data_dir / JOURNAL_NAME

    @property
    def lock_path(self) -> Path:
        return self.data_dir / LOCK_NAME
