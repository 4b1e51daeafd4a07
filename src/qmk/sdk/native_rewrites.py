"""What the native core's rewrites made of a circuit, for people: which fired, ops and width before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import qmk_native

_AFTER = frozenset(("ops_before", "ops_after", "width_before", "width_after", "parts"))
FIRED = (
    *("constants", "cancelled", "joined", "resynthesized", "relabelled", "controls_made_classical", "dead", "phases"),
)
"""names of rewrites in the core's report, each with how often it fired"""


def report(circuit: qmk_native.Circuit, shots: int, keep_cbits: bool = True) -> dict[str, Any]:
    """``fired`` (only those that did), ``order`` ("input" or the heuristic taken), ``ops_before``, ``ops_after``,
    ``width_before``, ``width_after``, ``parts``. It rewrites the circuit once more, which gives the same."""
    import qmk_native

    found = qmk_native.rewrite(circuit, shots=shots, keep_cbits=keep_cbits, explain=True)[1]
    fired = {name: found[name] for name in FIRED if found.get(name)}
    return {"fired": fired, "order": found["order"], **{name: found[name] for name in found if name in _AFTER}}
