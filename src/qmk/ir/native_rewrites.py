"""What the native core's rewrites made of a circuit, for people: which fired, ops and width before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import qmk_native

_SIZES = ("ops_before", "ops_after", "width_before", "width_after")
FIRED = (
    *("constants", "cancelled", "joined", "resynthesized", "relabelled", "controls_made_classical", "dead", "phases"),
)
"""Names of rewrites in the core's report, each with how often it fired."""


def report(plan: qmk_native.Plan) -> dict[str, Any]:
    """``fired`` (only those that did), ``order`` ("input" or the heuristic taken), ``ops_before``, ``ops_after``,
    ``width_before``, ``width_after``; empty where the circuit runs as it came."""
    found = plan.rewrites
    if found is None:
        return {}
    fired = {name: found[name] for name in FIRED if found[name]}
    return {"fired": fired, "order": found["order"], **{name: found[name] for name in _SIZES}}
