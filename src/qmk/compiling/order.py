"""The order of passes: each runs when what it requires holds, and none breaks what the target needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from qmk.base.errors import QmkError
from qmk.sdk.passes import Goal, Pass, Step

Chosen = tuple[str, Step]


def steps(passes: Mapping[str, Pass], goal: Goal) -> list[Chosen]:
    """The passes that the goal's level and objective use, with their names."""
    return [
        (name, found.step)
        for name, found in sorted(passes.items())
        if found.step is not None
        and ("logical" if goal.logical else "device") in found.step.targets
        and found.step.level <= goal.level
        and (not found.step.objectives or goal.objective in found.step.objectives)
        and found.step.mapped in (None, goal.couplings is not None)
        and (not found.step.needs or find_spec(found.step.needs) is not None)
    ]


def facts_wanted(goal: Goal) -> frozenset[str]:
    """What must hold at the end."""
    return frozenset({"native"} if goal.couplings is None else {"native", "placed"})


def order(chosen: Iterable[Chosen], goal: Goal) -> list[Chosen]:
    """Every pass that is not ``whole`` once, in an order in which each finds what it requires and the last ones ensure
    what the goal needs. Among equals the cheap ones come first. Raises UNSUPPORTED where a
    fact that is needed cannot be had."""
    left = [(name, step) for name, step in chosen if not step.whole]
    facts: frozenset[str] = frozenset()
    made: list[Chosen] = []
    while left:
        ready = [(name, step) for name, step in left if step.requires <= facts]
        # one that breaks nothing that holds and that no later pass would break: what others ensure is kept
        fit = [pick for pick in ready if not _breaks(pick, facts) and not _broken(pick, left)] or ready
        if not fit:
            break
        picked = min(fit, key=lambda pick: (pick[1].cost_us, pick[0]))
        left.remove(picked)
        facts = (facts & picked[1].preserves) | picked[1].ensures
        made.append(picked)
    missing = facts_wanted(goal) - facts
    if missing:
        raise QmkError("UNSUPPORTED", f"no installed pass ensures '{sorted(missing)[0]}' for target '{goal.name}'")
    return made


def _breaks(pick: Chosen, facts: frozenset[str]) -> bool:
    return bool(facts - pick[1].preserves - pick[1].ensures)


def _broken(pick: Chosen, left: Iterable[Chosen]) -> bool:
    """Whether a pass that is still to come breaks what this one ensures, and does not need it."""
    name, step = pick
    return any(
        other != name and step.ensures - later.preserves - later.ensures - later.requires for other, later in left
    )
