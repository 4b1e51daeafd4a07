"""Qubits on the sites of a target, and exchanged where two that a gate joins are apart (``native/src/place``)."""

from __future__ import annotations

from qmk.compiling.placement import place
from qmk.passes.native_passes import step_pass
from qmk.sdk.passes import Goal, Step


def _line(sites: int) -> Goal:
    """As long as the program is wide; one site has nothing to be coupled to."""
    return Goal("line", ("u", "cz"), sites, tuple((at, at + 1) for at in range(sites - 1)) or None)


PASS = step_pass(
    "placement",
    "place qubits on coupled sites; by itself, on a line",
    Step(
        place,
        ensures=frozenset({"placed"}),
        preserves=frozenset({"narrow", "numbered"}),
        mapped=True,
        level=0,
        cost_us=100.0,
    ),
    lambda made: {"last": list(made.last)},
    _line,
)
