"""How likely the whole program may fail, split over its three causes: logical errors, T states, rotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from qmk.models.estimate.counts import LogicalCounts
from qmk.models.estimate.wrong import number, refuse_unknown, wrong

DEFAULT = 1e-3
LEAST = 1e-100
"""The least error budget: far below what any code reaches, far above where floats end."""
_PARTS = ("logical", "tStates", "rotations")


class Budget(NamedTuple):
    logical: float
    t_states: float
    rotations: float
    total: float


def parse(given: Any, counts: LogicalCounts) -> Budget:
    """A number is split evenly over the causes that the program has; an object gives each part."""
    if isinstance(given, Mapping):
        return _parts(cast("Mapping[str, Any]", given), counts)
    total = number(given, "errorBudget")
    if not LEAST <= total < 1.0:
        raise _invalid("errorBudget", total)
    if counts.rotation_count:
        return Budget(total / 3.0, total / 3.0, total / 3.0, total)
    if counts.has_t_states:
        return Budget(total / 2.0, total / 2.0, 0.0, total)
    return Budget(total, 0.0, 0.0, total)


def _parts(given: Mapping[str, Any], counts: LogicalCounts) -> Budget:
    refuse_unknown(given, _PARTS, "errorBudget")
    missing = [name for name in _PARTS if name not in given]
    if missing:
        raise wrong("errorBudget", f"missing {', '.join(missing)}", "give all three parts, 0 where there is no cause")
    logical, t_states, rotations = (number(given[name], f"errorBudget/{name}") for name in _PARTS)
    total = logical + t_states + rotations
    if total >= 1.0:
        raise _invalid("errorBudget", total)
    needs = (True, counts.has_t_states, counts.rotation_count > 0)
    for name, value, needed in zip(_PARTS, (logical, t_states, rotations), needs, strict=True):
        if value < 0.0 or (needed and value < LEAST):
            raise _invalid(f"errorBudget/{name}", value)
    return Budget(logical, t_states, rotations, total)


def _invalid(field: str, value: float) -> Exception:
    help = f"give a chance of at least {LEAST:g} and below 1"
    return wrong(field, f"{value} is not an error budget of this program", help, reason="InvalidErrorBudget")
