"""The programs of the engine kit that use channels. Their exact distributions come from ``exact.simulator``."""

from __future__ import annotations

from typing import Any

from qmk.sdk.kit.builder import Builder, when
from qmk.sdk.kit.programs import Case

NEEDS = frozenset(("mid_circuit", "reset", "pauli"))
NOISY = NEEDS | {"noise"}


def _through(name: str, needs: frozenset[str], semantic: str = "teleport", **args: Any) -> Case:
    b = Builder(3).op("u", 0, theta=1.1, phi=0.7, lam=0.0).op("u", 1, theta=2.0, phi=0.3, lam=0.0)
    b.op("cnot", 0, 2).channel(0, 1, **args).use(semantic).close()
    for qubit, basis in enumerate(("mx", "my", "mx")):
        b.measure(qubit, basis=basis)
    return Case(name, b.graph(), needs)


def _relay() -> Case:
    b = Builder(4).op("h", 0).op("cnot", 0, 3)
    b.channel(0, 1, raw=0.8).use().close().channel(1, 2, raw=0.6).use().close()
    b.measure(2, basis="mx")
    b.measure(3, basis="mx")
    b.measure(0)
    return Case("channels one after another", b.graph(), NOISY, clifford=True)


def _beside_guards() -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 2).channel(0, 1, raw=0.6).use()
    event = b.measure(1)
    b.op("h", 2, guard=when(event))
    b.measure(2, guard=when(event, 0))
    b.measure(2, basis="mx")
    return Case("a noisy channel beside full feed-forward", b.graph(), NOISY | {"full"}, clifford=True)


def _between_fences(full: bool) -> Case:
    b = Builder(3).op("h", 0).op("cnot", 0, 2).op("fence")
    b.channel(0, 1, raw=0.6).use().op("fence").op("s", 1)
    event = b.measure(1, basis="my")
    b.op("fence").op("h" if full else "x", 2, guard=when(event)).use("swap").close()
    b.measure(2, basis="mx")
    b.measure(1)
    kind = "full" if full else "Pauli"
    return Case(f"channel uses between fences, {kind} feed-forward", b.graph(), NOISY | {kind.lower()}, clifford=True)


def channel_cases() -> list[Case]:
    """Programs without fences."""
    return [
        _through("teleport through a perfect channel", NEEDS, raw=1.0),
        _through("teleport through a noisy channel", NOISY, raw=0.7),
        _through("swap through a purified channel", NOISY, "swap", raw=0.7, fidelity=0.75),
        _relay(),
        _beside_guards(),
    ]


def fenced_channel_cases() -> list[Case]:
    """Programs that use channels between fences."""
    return [_between_fences(full=True), _between_fences(full=False)]
