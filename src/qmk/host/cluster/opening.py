"""The launcher of the cluster that the daemon's configuration names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from qmk import __version__
from qmk.host import spawn
from qmk.host.cluster import messages as ms
from qmk.host.cluster.address import kind_of, read_cluster
from qmk.host.cluster.launcher import Bridge, ClusterPool
from qmk.host.cluster.resources import Resources, read_slots
from qmk.host.process import ChildProcess

if TYPE_CHECKING:
    from qmk.host.config import HostConfig
    from qmk.host.launcher import Listener
    from qmk.host.pool import Pool
    from qmk.host.routing import Routing
    from qmk.kernel.effects import Launch
    from qmk.kernel.objects.job import Job

PROCESSES = 3
"""Workers that a slot keeps, of the engines last used; one of them runs."""


def open_pool(
    config: HostConfig, listener: Listener, key: bytes, here: Pool, needs: Callable[[Launch], Resources]
) -> ClusterPool | None:
    """The launcher; None where jobs run on this machine. ``key``, the daemon's own, sets its slots apart from those of
    others; ``here`` runs scripts; ``needs`` says what the slot of a launch must have. Raises as ``spawn.bridge``."""
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
    join = ms.Join(
        address,
        str(config.data_dir.absolute()),
        name,
        bounds.slots,
        settings,
        read_slots(config.slots, bounds.slots),
        config.slot_idle_s,
        config.cluster_options,
    )
    return ClusterPool(kind_of(address), join, config.memory_bytes, listener, open_bridge, here, needs)


def needs_of(routing: Routing, jobs: Mapping[str, Job], launch: Launch) -> Resources:
    """What the slot of a launch must have: what its job asks for, and what its engine needs."""
    job = jobs.get(launch.job)
    asked: Resources = job.submitted.policy.get("resources", {}) if job is not None else {}
    return routing.needs(launch.engine, asked)


def open_bridge(on_message: Callable[[ms.FromBridge], None], on_end: Callable[[str], None]) -> Bridge:
    """Starts the bridge as a child process. Raises as ``spawn.bridge``."""
    child: ChildProcess

    def end(status: int) -> None:
        on_end("\n".join(filter(None, (spawn.end_text(status), child.last_words))) if status else "")

    child = ChildProcess(spawn.bridge(), ms.FromBridge, on_message, end)
    return cast("Bridge", child)
