"""Targets as goals: a name such as ``grid:10x10``, the path of a JSON file, or a ``Target``."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.base.errors import QmkError
from qmk.models.devices import Target, target_named
from qmk.models.devices.target import WRITTEN_AS
from qmk.sdk.passes import Goal

ONE_WAY = ("cx", "cnot", "ecr")
"""Gates that differ by the order of their qubits."""


def goal_of(target: str | Target, gates: Sequence[str] = ()) -> Goal:
    """The goal with this target and these gates in place of its own. Where a pair has its gate in one direction only,
    the goal is "cz", and says what replaces it. Raises INVALID_PARAMS for what is not a target, UNSUPPORTED where
    nothing can replace it."""
    import qmk_native

    found = target_named(target) if isinstance(target, str) else target
    if not isinstance(found, Target):  # pyright: ignore[reportUnnecessaryIsInstance]
        text = f"target is a {type(found).__name__}: give a name such as grid:5x5, or a Target"
        raise QmkError("INVALID_PARAMS", text, field="target")
    own = dict.fromkeys(WRITTEN_AS.get(name, name) for name in found.gates)
    if "u" in own:
        own.pop("rz", None)  # a change of phase, which a "u" does in passing
    names = tuple(gates) or tuple(name for name in own if name in qmk_native.SYNTHESIS_GATES)
    if not gates and not names:
        text = f"target '{found.name}' has no gates that circuits are written in: {', '.join(found.gates)}"
        raise QmkError("UNSUPPORTED", text, field="target", help=f"they are {', '.join(qmk_native.SYNTHESIS_GATES)}")
    plain = found.couplings is None and not found.broken
    pairs = None if plain else tuple(found.pairs())
    one_way, ways = "", tuple[tuple[int, int], ...]()
    gate = next((name for name in names if name in ONE_WAY), "")
    if found.directed and gate and "cz" not in names:
        one = [pair for pair in pairs or () if not (found.has_direction(*pair) and found.has_direction(*pair[::-1]))]
        if one and not ({"rz", "sx"} <= set(names) or "u" in names):
            a, b = one[0]
            text = f"target '{found.name}': sites {a} and {b} have their gate in one direction only"
            raise QmkError("UNSUPPORTED", text, field="target", help="name both directions, or gates rz and sx, or u")
        if one:
            one_way, ways = gate, tuple(pair for pair in found.couplings or () if found.has_direction(*pair))
            names = ("cz", *(name for name in names if name not in ONE_WAY))
    return Goal(
        found.name,
        names,
        found.sites,
        pairs,
        None if plain else tuple(found.usable()),
        tuple(found.pair_errors()),
        tuple(found.readout_errors()),
        one_way=one_way,
        ways=ways,
    )
