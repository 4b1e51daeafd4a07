"""Random calls, made from the calls' declarations: every call is tried, each field filled by its name.

A new call needs nothing here if its fields have names that stand in ``FIELDS``; else add them there. ``WEIGHTS`` says
how often a call is tried, if not once.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.calls import CALLS
from qmk.abi.rights import CAP_DEBUG, JOB_RIGHTS, RIGHTS
from qmk.qvm.families import CAPABILITIES
from qmk.qvm.graph import Graph
from qmk.simulation.programs import CALIBRATION, CHANNEL, ENGINE, GOOD, TOO_NOISY, draw_program, joint_program

if TYPE_CHECKING:
    from qmk.simulation.clients import Client
    from qmk.simulation.world import World

Field = Callable[["World", "Client", Random], Any]

OMIT = object()
"""Means that a field is left out."""

WEIGHTS: dict[str, float] = {
    "q_submit": 14.0,
    "q_wait": 6.0,
    "q_status": 4.0,
    "q_events": 3.0,
    "q_result": 3.0,
    "q_cancel": 1.5,
    "q_delete": 0.3,
    "q_alloc": 2.0,
    "q_release": 2.0,
    "q_negotiate_caps": 1.5,
    "q_delegate": 2.0,
    "q_revoke": 0.4,
    "q_close_session": 0.5,
    "q_open_chan": 2.5,
    "q_close_chan": 0.3,
    "q_checkpoint": 2.0,
    "q_migrate": 1.0,
    "q_rollback": 1.5,
    "q_restore": 1.0,
}

EITHER: dict[str, tuple[tuple[str, str], ...]] = {
    "q_open_chan": (("channel", "peers"),),
    "q_delegate": (("to_session", "to_tenant"),),
}
"""Fields of which one is given."""

WITH_GRAPH = frozenset(("q_submit", "q_estimate"))
REPEATED = 0.6
"""The share of the calls with a seed that ask for one common program."""
JOINT = 0.12
"""The share of submitted programs that join another tenant's qubits."""


def _pick(things: list[str], rng: Random, otherwise: str) -> str:
    """Picks one of them, mostly a recent one."""
    if not things or rng.random() < 0.02:
        return otherwise
    return things[-1 - min(int(rng.expovariate(0.3)), len(things) - 1)]


def _session(world: World, client: Client, rng: Random) -> str:
    if rng.random() < 0.02:
        return _pick(rng.choice(world.clients).sessions, rng, "ses_none")
    return _pick(client.sessions, rng, "ses_none")


def _job(world: World, client: Client, rng: Random) -> str:
    if rng.random() < 0.3:
        known = world.daemon.kernel.jobs.by_id
        going = [job for job in client.jobs if job in known and not known[job].has_ended]
        return _pick(going, rng, "job_none")
    if rng.random() < 0.06:
        return _pick(rng.choice(world.clients).jobs, rng, "job_none")
    return _pick(client.jobs, rng, "job_none")


def _handles(world: World, client: Client, rng: Random) -> Any:
    held = client.handles if rng.random() < 0.95 else rng.choice(world.clients).handles
    some = rng.sample(held, min(len(held), rng.randint(1, 3)))
    return (some or OMIT) if rng.random() < 0.95 else [*some, *(some or ["lq_none"])]


def _policy(world: World, client: Client, rng: Random) -> Any:
    policy: dict[str, Any] = {"priority": rng.choice((0, 0, 0, 1, -1))}
    if rng.random() < 0.3:
        policy["seed"] = rng.randint(0, 2)
    if rng.random() < 0.15:
        policy["timeout_ms"] = rng.choice((1, 500, 20_000))
    if rng.random() < 0.1:
        policy["deadline_epochs"] = rng.choice((1, 3, 100))
    if rng.random() < 0.05:
        policy["engine"] = rng.choice((ENGINE, "none"))
    if rng.random() < 0.05:
        policy["debug"] = True
    if rng.random() < 0.05:
        policy["cache"] = False
    machine = _qec(world, client, rng)
    return policy if machine is OMIT else {**policy, "qec": machine}


def _qec(world: World, client: Client, rng: Random) -> Any:
    """Draws from a generator of its own, so that the other draws stay as they were before there were machines."""
    dice = Random(f"machine {world.now_ns} {client.number} {len(client.jobs)}")
    if dice.random() < 0.8:
        return OMIT
    machine = f"surface(d={dice.choice((3, 5))})"
    noise = "p=1e-3" if dice.random() < 0.9 else TOO_NOISY
    if noise != TOO_NOISY and dice.random() < 0.85:
        began = world.now_ns / 1e9 - dice.choice((0, 1, 4))
        return {"machine": machine, "noise": CALIBRATION, "began": began, "target": 1e-3}
    return {"machine": machine, "noise": noise}


def _token(world: World, client: Client, rng: Random) -> str:
    return client.token if rng.random() < 0.95 else rng.choice(("", "forged"))


def _request(world: World, client: Client, rng: Random) -> Any:
    names = [*CAPABILITIES, CAP_DEBUG, "CAP_NONE"]
    return rng.choice((OMIT, OMIT, names, names[:-1], rng.sample(names, rng.randint(1, len(names)))))


def _peers(world: World, client: Client, rng: Random) -> list[str]:
    own, other = client.tenant.name, rng.choice(world.setup.tenants).name
    return [own, other] if rng.random() < 0.8 else [other, own]


def _channel(world: World, client: Client, rng: Random) -> str:
    known = [id for id, tenants in world.channels.items() if client.tenant.name in tenants or rng.random() < 0.05]
    return _pick(known, rng, "chan_none")


def _expiry(world: World, client: Client, rng: Random) -> Any:
    return OMIT if rng.random() < 0.6 else world.now_ns / 1e9 + rng.choice((0.5, 10.0, 100.0))


def _capability(world: World, client: Client, rng: Random) -> str:
    offered = world.offers if rng.random() < 0.3 else []
    return _pick(offered or client.capabilities, rng, "cap_none")


def _to_session(world: World, client: Client, rng: Random) -> str:
    return _pick(rng.choice(world.clients).roots, rng, "")


FIELDS: dict[str, Field] = {
    "name": lambda world, client, rng: ("", "n")[len(client.sessions) % 2],
    "tags": lambda world, client, rng: ((), ("a",), ("a", "b"))[len(world.channels) % 3],
    "add": lambda world, client, rng: ((), ("a",), ("c",))[len(client.jobs) % 3],
    "remove": lambda world, client, rng: ((), ("a",), ("b",))[len(client.sessions) % 3],
    "session_id": _session,
    "job_id": _job,
    "handles": _handles,
    "capability": _capability,
    "rights": lambda world, client, rng: rng.sample(rng.choice((JOB_RIGHTS, [*RIGHTS])), rng.choice((1, 1, 2, 3))),
    "to_session": _to_session,
    "to_tenant": lambda world, client, rng: rng.choice(("", "", rng.choice(world.setup.tenants).name)),
    "jobs": lambda world, client, rng: client.jobs[-3:] if client.jobs and rng.random() < 0.5 else OMIT,
    "expiry_epoch": lambda world, client, rng: OMIT if rng.random() < 0.8 else world.daemon.kernel.epoch() + 20,
    "uses": lambda world, client, rng: rng.choice((OMIT, OMIT, 1, 2)),
    "policy": _policy,
    "token": _token,
    "requested": _request,
    "shots": lambda world, client, rng: rng.choice((1, 10, 100)) if rng.random() < 0.95 else 10**9,
    "idempotency_key": lambda world, client, rng: f"key{rng.randint(0, 30)}" if rng.random() < 0.5 else "",
    "keep_events": lambda world, client, rng: rng.random() < 0.7,
    "state": lambda world, client, rng: rng.choice((OMIT, OMIT, "QUEUED", "RUNNING", "COMPLETED", "nonsense")),
    "limit": lambda world, client, rng: rng.choice((1, 2, 10, OMIT)),
    "cursor": lambda world, client, rng: "" if rng.random() < 0.7 else rng.choice(("nonsense", "0-x", "f" * 20)),
    "timeout_ms": lambda world, client, rng: rng.choice((0, 100, 5_000, OMIT)),
    "after": lambda world, client, rng: rng.randint(0, 6),
    "from_shot": lambda world, client, rng: rng.choice((0, 0, 0, 5, 1000)),
    "partial": lambda world, client, rng: len(client.jobs) % 2 == 0,  # without dice, as names and tags
    "reason": lambda world, client, rng: rng.choice(("", "enough")),
    "n": lambda world, client, rng: rng.randint(1, 4),
    "graph": lambda world, client, rng: OMIT,
    "program": lambda world, client, rng: OMIT,
    "outputs": lambda world, client, rng: OMIT,
    "profile": lambda world, client, rng: rng.choice((OMIT, "logical:surface(d=7)", "nonsense")),
    "qec": _qec,
    "checkpoint_id": lambda world, client, rng: _pick(client.checkpoints, rng, "chk_none"),
    "region": lambda world, client, rng: rng.choice([*world.setup.kernel.region_qubits, "nowhere"]),
    "epoch": lambda world, client, rng: rng.choice((0, 0, 1, 1, 2, 9)),
    "peers": _peers,
    "channel": _channel,
    "fidelity": lambda world, client, rng: rng.choice((0.8, 0.9, 0.9, OMIT)),
    "entanglements_max": lambda world, client, rng: rng.choice((50, 500, 500, OMIT)),
    "expiry": _expiry,
}
"""How a field of any request is filled, by its name. A field that is not here is filled by its type."""

_BY_TYPE: dict[type, Callable[[Random], Any]] = {
    int: lambda rng: rng.randint(0, 5),
    float: lambda rng: rng.random(),
    bool: lambda rng: rng.random() < 0.5,
    str: lambda rng: rng.choice(("", "x")),
}


CHANCES = {call.name: WEIGHTS.get(call.name, 0.7) for call in CALLS}
"""Every call, and how often it is tried."""


def draw_call(world: World, client: Client, rng: Random) -> tuple[str, Any, Graph | None] | None:
    """A call, its request and its graph; None when chance made a request that is not one."""
    name = rng.choices(list(CHANCES), list(CHANCES.values()))[0]
    if not client.sessions and rng.random() < 0.9:
        name = "q_negotiate_caps"
    request = draw_request(world, client, name, rng)
    if request is None:
        return None
    graph = draw_program(rng) if name in WITH_GRAPH else None
    if name == "q_submit" and request.policy.seed is not None and rng.random() < REPEATED:
        seed = rng.choice((0, 0, 0, 1))
        policy = msgspec.structs.replace(request.policy, seed=seed, timeout_ms=None, debug=False, engine=None)
        request, graph = msgspec.structs.replace(request, shots=1, keep_events=True, policy=policy), GOOD[0]
    elif name == "q_submit" and rng.random() < JOINT:
        channel = _channel(world, client, rng)
        peer = next((row for row in world.channels.get(channel, ()) if row != client.tenant.name), client.tenant.name)
        graph = joint_program(peer)
        policy = msgspec.structs.replace(request.policy, channels={CHANNEL: channel})
        request = msgspec.structs.replace(request, policy=policy)
    return name, request, graph


def draw_request(world: World, client: Client, name: str, rng: Random) -> Any:
    kind: Any = next(call.request for call in CALLS if call.name == name)
    values: dict[str, Any] = {}
    for field in sorted(msgspec.structs.fields(kind), key=lambda field: field.name != "session_id"):
        value = _value(world, client, field, rng)
        if value is not OMIT:
            values[field.name] = value
    for one, other in EITHER.get(name, ()):
        values.pop(one if rng.random() < 0.5 else other, None)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        return None


def _value(world: World, client: Client, field: msgspec.structs.FieldInfo, rng: Random) -> Any:
    if field.name in FIELDS:
        return FIELDS[field.name](world, client, rng)
    if not field.required and rng.random() < 0.7:
        return OMIT
    made = next((_BY_TYPE[kind] for kind in _BY_TYPE if kind.__name__ in str(field.type)), None)
    return OMIT if made is None else made(rng)
