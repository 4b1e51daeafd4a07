"""Noise of waiting, moving and losing atoms as nodes; rates are per second, times in us."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from qmk.models.atoms.machine import DeviceErrors, Idle
from qmk.qvm.graph import Node

SECONDS = 1e-6
"""Seconds in a microsecond."""


def idle_errors(idle: Idle, wait_us: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """(op, arguments) of what happens to an atom in ``wait_us``.

    Events at rate r are a Poisson process: an odd number of Z flips in time t has probability (1 - exp(-2 r t)) / 2, at
    least one decay or loss 1 - exp(-r t). A turn about Z by a uniform angle in [-k, k] is a Z with (1 - sin(k)/k) / 2.
    """
    seconds = wait_us * SECONDS
    flip = -math.expm1(-2 * idle.dephasing * seconds) / 2
    turn = (1 - math.sin(idle.kick) / idle.kick) / 2 if idle.kick else 0.0
    pz = flip * (1 - turn) + turn * (1 - flip)
    if pz > 0:
        yield "noise.pauli", {"pz": pz}
    for op, name, rate in (("noise.amplitude_damping", "gamma", idle.decay), ("noise.loss", "p", idle.loss)):
        chance = -math.expm1(-rate * seconds)
        if chance > 0:
            yield op, {name: chance}


class Noise:
    """Noise nodes of a device, with ids that are free."""

    def __init__(self, mishaps: DeviceErrors, ids: set[str]) -> None:
        self.mishaps = mishaps
        self.ids = ids
        self._numbers = itertools.count()
        kinds = {"move": mishaps.move, "stay": mishaps.stay, "unpaired": mishaps.unpaired}
        self._errors = {
            kind: [(error.OP, args) for error in errors if any((args := error.args()).values())]
            for kind, errors in kinds.items()
        }

    def _node(self, op: str, args: dict[str, Any], atom: str) -> Node:
        name = next(name for k in self._numbers if (name := f"mishap{k}") not in self.ids)
        return Node(name, op, args, (atom,))

    def idle_nodes(self, atom: str, wait_us: float) -> list[Node]:
        return [self._node(op, args, atom) for op, args in idle_errors(self.mishaps.idle, wait_us)]

    def errors(self, kind: Literal["move", "stay", "unpaired"], atom: str) -> list[Node]:
        """Errors of this kind on one atom by itself."""
        return [self._node(op, args, atom) for op, args in self._errors[kind]]

    def loss_nodes(self, chance: float, atoms: Iterable[str]) -> list[Node]:
        """Each atom by itself."""
        return [self._node("noise.loss", {"p": chance}, atom) for atom in atoms] if chance else []
