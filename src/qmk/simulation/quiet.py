"""The end of a run: faults cease, workers finish, clients come back and ask for what they were promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_negotiate_caps, q_wait
from qmk.base.units import SECOND_NS
from qmk.simulation.violation import Violation

if TYPE_CHECKING:
    from qmk.simulation.clients import Client
    from qmk.simulation.world import World

ASKED = 12
"""Jobs that each client asks for at the end, the newest."""

PATIENCE = 20
"""Scheduling epochs in which jobs may wait without any of them being launched."""


def come_to_rest(world: World) -> None:
    """Raises ``Violation`` when something stays undone."""
    world.disk.fault = ""
    world.say("faults cease")
    world.operator.reconcile(world)
    world.daemon.settle()
    world.deliver()
    _finish(world)
    world.deliver()
    for client in world.clients:
        _ask(world, client)
    world.advance(SECOND_NS)
    world.daemon.settle()
    world.deliver()
    world.check()
    world.say("shutdown")
    world.daemon.host.shut_down()
    world.daemon.settle()


def _finish(world: World) -> None:
    """Let every job run."""
    daemon, patience = world.daemon, PATIENCE
    while True:
        daemon.settle()
        waiting = [job for job in daemon.kernel.jobs.by_id.values() if not job.has_ended]
        if not waiting:
            return
        patience = PATIENCE if world.cluster.running else patience - 1
        if patience == 0:
            raise Violation("progress", f"{len(waiting)} jobs wait, such as {waiting[0].id}, and no worker has any")
        world.advance(world.setup.kernel.epoch_ms * 1_000_000)
        for work in list(world.cluster.running.values()):
            if work.key in world.cluster.running:
                daemon.launcher.finish_one(work)


def _ask(world: World, client: Client) -> None:
    """The client opens a session and waits for its jobs: each has ended, so each is answered at once."""
    world.call(client, "q_negotiate_caps", q_negotiate_caps.Request(token=client.token))
    world.daemon.settle()
    world.deliver()
    for job in client.jobs[-ASKED:]:
        if not client.sessions:
            return
        call = world.call(client, "q_wait", q_wait.Request(session_id=client.sessions[-1], job_id=job))
        world.daemon.settle()
        if call.result is None and call.error is None:
            raise Violation("progress", f"q_wait for {job}, which has ended, is not answered")
        world.deliver()
