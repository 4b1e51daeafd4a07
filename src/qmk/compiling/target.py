"""Targets as goals: a name such as ``grid:10x10``, the path of a JSON file, or a ``Target``."""

from __future__ import annotations

from collections.abc import Sequence

from qmk.base.errors import QmkError
from qmk.compiling.logical import GATES, is_logical, logical_goal
from qmk.models.devices import Target, target_named
from qmk.models.devices.target import WRITTEN_AS
from qmk.sdk.passes import Goal

ONE_WAY = ("cx", "cnot", "ecr")
"""Gates that differ by the order of their qubits."""


def goal_of(target: str | Target, gates: Sequence[str] = ()) -> Goal:
    """The goal with this target and these gates in place of its own. Raises INVALID_PARAMS for what is not a target,
    UNSUPPORTED for one without gates that circuits are written in."""
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
    own = dict.fromkeys(WRITTEN_AS.get(name, name) for name in found.gates)
    if "u" in own:
        own.pop("rz", None)  # a change of phase, which a "u" does in passing
    names = tuple(gates) or tuple(name for name in own if name in qmk_native.SYNTHESIS_GATES)
    if not gates and not names:
        text = f"target '{found.name}' has no gates that circuits are written in: {', '.join(found.gates)}"
        raise QmkError("UNSUPPORTED", text, field="target", help=f"they are {', '.join(qmk_native.SYNTHESIS_GATES)}")
    plain = found.couplings is None and not found.broken
    pairs = None if plain else tuple(found.pairs())
    return Goal(
        found.name,
        names,
        found.sites,
        pairs,
        None if plain else tuple(found.usable()),
        tuple(found.pair_errors()),
        tuple(found.readout_errors()),
        one_way=_one_way(found) if set(ONE_WAY).intersection(names) else (),
    )


def _one_way(target: Target) -> tuple[tuple[int, int], ...]:
    """Pairs whose gate has the first site as its first operand, and not the second."""
    both = (order for a, b in target.pairs() for order in ((a, b), (b, a))) if target.directed else ()
    return tuple((a, b) for a, b in both if target.has_direction(a, b) and not target.has_direction(b, a))
