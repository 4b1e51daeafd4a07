"""The launcher of the cluster that the daemon's configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from qmk import __version__
from qmk.host import spawn
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import LOCAL, SLURM, read_cluster
from qmk.host.cluster.launcher import Bridge, ClusterPool
from qmk.host.process import ChildProcess

if TYPE_CHECKING:
    from qmk.host.config import HostConfig
    from qmk.host.launcher import Listener
    from qmk.host.pool import Pool

PROCESSES = 3
"""Workers that a slot keeps, of the engines last used; one of them runs."""


def open_pool(config: HostConfig, listener: Listener, key: bytes, here: Pool) -> ClusterPool | None:
    """The launcher; None where jobs run on this machine. ``key``, the daemon's own, sets its slots apart from those of
    others; ``here`` runs scripts. Raises as ``spawn.bridge``."""
    address = read_cluster(config.cluster)
    if address is None:
        return None
    name = hashlib.sha256(b"cluster " + key).hexdigest()[:16]
    bounds = config.bounds
    settings = ms.Settings(
        version=__version__,
        threads=bounds.threads,
        processes=PROCESSES,
        idle_s=bounds.idle_s,
        nice=bounds.nice,
        isolation=config.isolation,
        external=config.engines,
    )
    join = ms.Join(address, str(config.data_dir.absolute()), name, bounds.slots, settings, config.cluster_options)
    kind = SLURM if address == SLURM else LOCAL
    return ClusterPool(kind, join, config.memory_bytes, listener, open_bridge, here)


def open_bridge(on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]) -> Bridge:
    """Starts the bridge as a child process. Raises as ``spawn.bridge``."""
    child: ChildProcess

    def end(status: int) -> None:
        on_end("\n".join(filter(None, (spawn.end_text(status), child.last_words))) if status else "")

    child = ChildProcess(spawn.bridge(), ms.FromBridge, on_message, end)
    return cast("Bridge", child)
