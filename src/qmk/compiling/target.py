"""Targets as goals: a name such as ``grid:10x10``, the path of a JSON file, or a ``Target``."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.base.errors import QmkError
from qmk.compiling.logical import GATES, is_logical, logical_goal
from qmk.models.devices import Target, target_named
from qmk.sdk.passes import Goal

ONE_WAY = ("cx", "cnot", "ecr")
"""Gates that differ by the order of their qubits."""


def goal_of(target: str | Target, gates: Sequence[str] = ()) -> Goal:
    """The goal with this target and these gates in place of its own. Raises INVALID_PARAMS for what is not a target,
    UNSUPPORTED for gates that differ by direction where a pair has only one."""
    import qmk_native

    if is_logical(target):
        if gates:
            text = f"gates: target '{target}' is its gates, {', '.join(GATES)}"
            raise QmkError("INVALID_PARAMS", text, field="gates", help="leave gates out")
        return logical_goal(str(target))
    found = target_named(target) if isinstance(target, str) else target
    if not isinstance(found, Target):  # pyright: ignore[reportUnnecessaryIsInstance]
        text = f"target is a {type(found).__name__}: give a name such as grid:5x5, or a Target"
        raise QmkError("INVALID_PARAMS", text, field="target")
    names = tuple(gates) or tuple(name for name in found.gates if name in qmk_native.SYNTHESIS_GATES)
    if not gates and not names:
        text = f"target '{found.name}' has no gates that circuits are written in: {', '.join(found.gates)}"
        raise QmkError("UNSUPPORTED", text, field="target", help=f"they are {', '.join(qmk_native.SYNTHESIS_GATES)}")
    plain = found.couplings is None and not found.broken
    pairs = None if plain else tuple(found.pairs())
    if found.directed and set(ONE_WAY).intersection(names) and "cz" not in names:
        one_way = [
            pair for pair in pairs or () if not (found.has_direction(*pair) and found.has_direction(*pair[::-1]))
        ]
        if one_way:
            a, b = one_way[0]
            text = f"target '{found.name}': sites {a} and {b} have their gate in one direction only"
            raise QmkError("UNSUPPORTED", text, field="target", help="name both directions, or compile for cz")
    return Goal(
        found.name,
        names,
        found.sites,
        pairs,
        None if plain else tuple(found.usable()),
        tuple(found.pair_errors()),
        tuple(found.readout_errors()),
    )
