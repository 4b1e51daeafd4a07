"""The actions of a run: each is one row of ``ACTIONS``, with how often it is tried.

An action that finds nothing to act on does nothing, so that any part of a run is a run.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from qmk.abi.calls import q_negotiate_caps, q_submit
from qmk.base.units import MS_NS
from qmk.simulation.operations import draw_call
from qmk.simulation.programs import GOOD
from qmk.simulation.violation import Crash

if TYPE_CHECKING:
    from qmk.simulation.plan import Setup
    from qmk.simulation.world import World

WAITING = 8
"""How many jobs a tenant keeps waiting in saturated set-ups."""


class Row(NamedTuple):
    """``fault`` actions are tried as often as the seed's set-up has faults."""

    weight: float
    act: Callable[[World, Random], None]
    fault: bool = False


def call(world: World, rng: Random) -> None:
    """A client makes a random call."""
    client = rng.choice(world.clients)
    if not client.token and rng.random() < 0.8:
        world.operator.equip(world)
        return
    drawn = draw_call(world, client, rng)
    if drawn is not None:
        world.call(client, *drawn)


def retry(world: World, rng: Random) -> None:
    """A client that never heard of its submit sends it again, with the key it had."""
    clients = [client for client in world.clients if client.unsure and client.sessions]
    if clients:
        client = rng.choice(clients)
        lost = client.unsure.pop(rng.randrange(len(client.unsure)))
        request = msgspec.structs.replace(lost.request, session_id=client.sessions[-1])
        world.call(client, lost.method, request, lost.graph)


def work(world: World, rng: Random) -> None:
    """Lets a worker take its next step."""
    done = world.daemon.launcher.step(rng, 0.0 if world.setup.saturated else world.setup.faults)
    if done:
        world.say("worker", done)


def haunt(world: World, rng: Random) -> None:
    """Delivers a message of a worker that is gone, or one message twice."""
    said = world.daemon.launcher.haunt(rng)
    if said:
        world.say("late worker", said)


def tick(world: World, rng: Random) -> None:
    """Lets time pass. Where fairness is measured, it is never so long that one lost launch counts as many."""
    world.advance(rng.choice((1, 20, 100) if world.setup.saturated else (1, 20, 100, 1000, 5000)) * MS_NS)


def write(world: World, rng: Random) -> None:
    """Lets the writing thread make progress."""
    if world.daemon.writing:
        world.daemon.write()


def drop(world: World, rng: Random) -> None:
    """Cuts a connection."""
    clients = [client for client in world.clients if client.conn is not None]
    if clients:
        client = rng.choice(clients)
        assert client.conn is not None
        world.say("connection cut", f"of client {client.number}")
        for lost in world.network.drop(client.conn):
            client.loses(lost)
        world.daemon.host.connection_closed(client.conn)
        client.disconnect(daemon_gone=False)


def operate(world: World, rng: Random) -> None:
    """Lets the operator make a call."""
    world.operator.act(world, rng)


def lend(world: World, rng: Random) -> None:
    """A client lends another a right over one of its jobs, or uses what it was lent, or takes it back."""
    world.loans.act(world, rng)


def jump(world: World, rng: Random) -> None:
    """Sets the clock."""
    by_ns = rng.choice((-3_600_000, -5_000, -50, 50, 5_000, 3_600_000)) * MS_NS
    world.now_ns += by_ns
    world.steps_ns += by_ns
    world.say("clock set")


def idle(world: World, rng: Random) -> None:
    """Lets so much time pass that sessions expire."""
    world.advance(rng.choice((20_000, 60_000)) * MS_NS)


def crash(world: World, rng: Random) -> None:
    """Kills the daemon, or cuts the power."""
    raise Crash(power=world.setup.power and rng.random() < 0.5)


def torn(world: World, rng: Random) -> None:
    """The next batch is the daemon's last: it ends just before or just after it is written."""
    world.disk.fault = rng.choice(("before", "after"))


def full(world: World, rng: Random) -> None:
    """The next batch finds the disk full."""
    world.disk.fault = "full"


def restart(world: World, rng: Random) -> None:
    """An operator stops the daemon and starts it again."""
    world.stop()
    world.start()


def fill(world: World, rng: Random) -> None:
    """Every client sees to it that its tenant has jobs waiting."""
    for client in world.clients:
        if not client.sessions:
            world.call(client, "q_negotiate_caps", q_negotiate_caps.Request(token=client.token))
            continue
        waiting, _ = world.daemon.kernel.jobs.queue.scheduler.figures(client.tenant.name)
        for _ in range(WAITING - waiting):
            request = q_submit.Request(session_id=client.sessions[-1], shots=10)
            world.call(client, "q_submit", request, GOOD[0])


ACTIONS: dict[str, Row] = {
    "call": Row(50, call),
    "fill": Row(0, fill),
    "lend": Row(0, lend),
    "work": Row(22, work),
    "tick": Row(9, tick),
    "write": Row(8, write),
    "retry": Row(3, retry),
    "operate": Row(1.2, operate),
    "haunt": Row(3, haunt, fault=True),
    "drop": Row(1.5, drop, fault=True),
    "jump": Row(0.7, jump, fault=True),
    "idle": Row(0.4, idle),
    "crash": Row(0.7, crash, fault=True),
    "torn": Row(0.4, torn, fault=True),
    "full": Row(0.15, full, fault=True),
    "restart": Row(0.4, restart),
}


NARROW: dict[str, float] = {"lend": 25, "operate": 3}
"""How often what is about rights is tried, where tokens are narrow."""

SATURATED: dict[str, float] = {
    "fill": 20,
    "work": 60,
    "tick": 8,
    "write": 15,
    "crash": 0.1,
    "torn": 0.1,
    "restart": 0.1,
}


def weights(setup: Setup) -> dict[str, float]:
    """How often each action is tried."""
    table = SATURATED if setup.saturated else {name: row.weight for name, row in ACTIONS.items()}
    table |= NARROW if setup.narrow else {}
    return {name: weight * (setup.faults if ACTIONS[name].fault else 1.0) for name, weight in table.items()}
