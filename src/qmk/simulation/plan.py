"""What a seed stands for: how the system is set up, and which actions are tried in which order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from msgspec import structs

from qmk.kernel.config import KernelConfig, TenantConfig

SHORTEST, LONGEST = 60, 1200
"""Actions of one seed."""

QUOTAS = ("queued_jobs", "running_jobs", "held_qubits", "channels")
"""Quotas that set-ups and operators choose."""


TOKEN_KEY = b"simulated token key".ljust(32)
SATURATED = 11
"""One seed in so many is about fairness."""
NARROW = 8
"""One seed in so many, the last of each, is about rights."""


class Action(NamedTuple):
    """``pick`` seeds every choice that the action makes."""

    name: str
    pick: int


class Setup(NamedTuple):
    """``power``: durability ``power``, batches written by a thread and lost unless synchronised. ``faults``: how often,
    relative to the usual, something goes wrong. ``outlives``: launches go on without the daemon, as on a cluster.
    ``saturated``: every tenant always has equal jobs waiting. ``narrow``: tokens withhold rights and expire, and
    clients lend each other capabilities that are used up."""

    kernel: KernelConfig
    tenants: tuple[TenantConfig, ...]
    clients: int
    power: bool
    outlives: bool
    faults: float
    saturated: bool = False
    narrow: bool = False


def saturated_setup(rng: Random) -> Setup:
    """Three tenants whose queues never run empty, and nothing but weights between their equal jobs."""
    tenants = tuple(TenantConfig(name=f"tenant{number}", weight=float(1 << number)) for number in range(3))
    config = KernelConfig(
        workers=rng.choice((1, 2, 3)), token_key=TOKEN_KEY, local_allowed=False, audited=True, job_attempts=3
    )
    return Setup(config, tenants, 3, rng.random() < 0.5, rng.random() < 0.5, rng.choice((0.0, 1.0)), saturated=True)


def draw_setup(seed: int) -> Setup:
    """The set-up of a seed: small bounds, so that they are met."""
    rng = Random(f"setup {seed}")
    if seed % SATURATED == 0:
        return saturated_setup(rng)
    tenants = tuple(
        TenantConfig(
            name=f"tenant{number}",
            weight=float(1 << number),
            quotas={
                "queued_jobs": rng.choice((3, 6, 20)),
                "running_jobs": rng.choice((1, 2, 5)),
                "held_qubits": rng.choice((4, 10)),
                "channels": rng.choice((2, 20)),
                "logical_qubits": rng.choice((12, 1000)),
                "shots_period": rng.choice((800, 10**9)),
                "gates": rng.choice((2000, 10**9)),
                "engine_seconds": rng.choice((20, 10**6)),
                "bytes_stored": rng.choice((20_000, 10**9)),
                "calls_per_minute": rng.choice((200, 10**6)),
                "sessions": rng.choice((3, 50)),
            },
        )
        for number in range(rng.choice((1, 2, 3)))
    )
    engines = Random(f"engines {seed}")
    config = KernelConfig(
        cache_entries=engines.choice((2, 100)),
        cache_bytes=engines.choice((0, 60_000, 10**7)),
        hedging=engines.random() < 0.5,
        workers=rng.choice((1, 2, 4)),
        memory_bytes=rng.choice((0, 1500)),
        token_key=TOKEN_KEY,
        local_allowed=False,
        session_idle_s=rng.choice((30, 3600)),
        sessions=rng.choice((4, 50)),
        open_waits=rng.choice((2, 50)),
        kept_jobs=rng.choice((4, 1000)),
        quota_period_s=rng.choice((10, 3600)),
        kept_bytes=rng.choice((30_000, 10**9)),
        job_attempts=rng.choice((1, 2, 3)),
        audited=True,
        epoch_ms=rng.choice((20, 100)),
        regions=rng.choice(((), (("left", 6), ("right", 4)))),
    )
    return Setup(
        kernel=draw_retention(seed, config),
        tenants=tenants,
        clients=rng.choice((1, 2, 4, 6)),
        power=rng.random() < 0.5,
        outlives=rng.random() < 0.3,
        faults=rng.choice((0.0, 1.0, 1.0, 4.0)),
        narrow=seed % NARROW == NARROW - 1,
    )


def draw_retention(seed: int, config: KernelConfig) -> KernelConfig:
    """The settings with how long what ended is kept, and in what form."""
    rng, archives = Random(f"retention {seed}"), Random(f"archives {seed}")
    return structs.replace(
        config,
        keep_results_s=rng.choice((0, 3, 60)),
        keep_checkpoints_s=rng.choice((0, 1, 60)),
        kept_checkpoints=rng.choice((2, 1000)),
        job_records=rng.choice((3, 10, 256)),
        jobs_in_play=archives.choice((0, 3, 256)),
        jobs_archived=archives.choice((1, 2, 5)),
    )


def draw_actions(seed: int, weights: dict[str, float]) -> list[Action]:
    """The actions of a seed, by the weights of their names."""
    rng = Random(f"actions {seed}")
    count = rng.randint(SHORTEST, LONGEST)
    names = rng.choices(list(weights), list(weights.values()), k=count)
    return [Action(name, rng.getrandbits(32)) for name in names]


def choose_actions(actions: Sequence[Action], keep: Sequence[int] | None) -> list[Action]:
    return list(actions) if keep is None else [actions[index] for index in keep]
