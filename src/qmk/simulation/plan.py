"""What a seed stands for: how the system is set up, and which actions are tried in which order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from qmk.kernel.config import KernelConfig, TenantConfig

SHORTEST, LONGEST = 60, 1200
"""Actions of one seed."""

QUOTAS = ("queued_jobs", "running_jobs", "held_qubits", "channels")
"""Quotas that set-ups and operators choose."""


class Action(NamedTuple):
    """``pick`` seeds every choice that the action makes."""

    name: str
    pick: int


class Setup(NamedTuple):
    """``power``: durability ``power``, batches written by a thread and lost unless synchronised. ``faults``: how often,
    relative to the usual, something goes wrong. ``outlives``: launches go on without the daemon, as on a cluster."""

    kernel: KernelConfig
    tenants: tuple[TenantConfig, ...]
    clients: int
    power: bool
    outlives: bool
    faults: float


def draw_setup(seed: int) -> Setup:
    """The set-up of a seed: small bounds, so that they are met."""
    rng = Random(f"setup {seed}")
    tenants = tuple(
        TenantConfig(
            name=f"tenant{number}",
            weight=float(1 << number),
            quotas={
                "queued_jobs": rng.choice((3, 6, 20)),
                "running_jobs": rng.choice((1, 2, 5)),
                "held_qubits": rng.choice((4, 10)),
                "channels": rng.choice((2, 20)),
            },
        )
        for number in range(rng.choice((1, 2, 3)))
    )
    config = KernelConfig(
        workers=rng.choice((1, 2, 4)),
        memory_bytes=rng.choice((0, 1500)),
        token_key=b"simulated token key".ljust(32),
        local_allowed=False,
        session_idle_s=rng.choice((30, 3600)),
        sessions=rng.choice((4, 50)),
        open_waits=rng.choice((2, 50)),
        kept_jobs=rng.choice((4, 1000)),
        job_attempts=rng.choice((1, 2, 3)),
        audited=True,
        epoch_ms=rng.choice((20, 100)),
        regions=rng.choice(((), (("left", 6), ("right", 4)))),
    )
    return Setup(
        kernel=config,
        tenants=tenants,
        clients=rng.choice((1, 2, 4, 6)),
        power=rng.random() < 0.5,
        outlives=rng.random() < 0.3,
        faults=rng.choice((0.0, 1.0, 1.0, 4.0)),
    )


def draw_actions(seed: int, weights: dict[str, float]) -> list[Action]:
    """The actions of a seed, by the weights of their names."""
    rng = Random(f"actions {seed}")
    count = rng.randint(SHORTEST, LONGEST)
    names = rng.choices(list(weights), list(weights.values()), k=count)
    return [Action(name, rng.getrandbits(32)) for name in names]


def chosen(actions: Sequence[Action], keep: Sequence[int] | None) -> list[Action]:
    return list(actions) if keep is None else [actions[index] for index in keep]
