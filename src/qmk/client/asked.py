"""What a caller asks of a run beside the program: noise, and a bound on the standard error in place of shots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.client.program import ProgramLike, to_graph
from qmk.qvm.graph import Graph

if TYPE_CHECKING:
    from qmk.models.noise import NoiseLike


class Asked(NamedTuple):
    """The graph with its noise, the shots, and what the result's provenance says about either."""

    graph: Graph
    shots: int | None
    notes: dict[str, str]


def asked(
    program: ProgramLike,
    format: str | None,
    params: Mapping[str, Any] | None,
    *,
    shots: int | None = None,
    noise: NoiseLike | None = None,
    error: float | None = None,
) -> Asked:
    """Raises INVALID_PARAMS for both shots and error, or a model that is none; else what ``to_graph`` raises."""
    graph = to_graph(program, format, params)
    notes: dict[str, str] = {}
    if noise is not None:
        from qmk.models.noise import apply, resolve

        model = resolve(noise)
        graph = apply(model, graph)
        notes["noise"] = model.label
    if error is not None:
        shots, notes["shots"] = settled(shots, error)
    return Asked(graph, shots, notes)


def notes(wishes: Mapping[str, Any]) -> dict[str, str]:
    """The notes of a run that was submitted with these keyword arguments."""
    noise, error = wishes.get("noise"), wishes.get("error")
    if noise is None and error is None:
        return {}
    return asked(Graph(), None, None, shots=wishes.get("shots"), noise=noise, error=error).notes


def settled(shots: int | None, error: float) -> tuple[int, str]:
    """Shots for a standard error, and why so many."""
    if shots is not None:
        raise QmkError(
            "INVALID_PARAMS", "both a number of shots and a standard error", field="error", help="give one of them"
        )
    found = shots_for(error)
    return found, f"{found} shots: the standard error of every probability is at most {error:g}, by 1/(4 error^2)"


def shots_for(error: float) -> int:
    """The fewest shots after which no estimated probability has a standard error above ``error``.

    The estimate of a probability p from N independent shots, or trajectories, has the standard error
    sqrt(p (1 - p) / N), which is at most 1 / (2 sqrt N) whatever p is. Raises INVALID_PARAMS when ``error`` is not
    between 0 and 1, QUOTA_EXCEEDED when it takes more shots than a job may have.
    """
    if not 0 < error < 1:
        raise QmkError("INVALID_PARAMS", f"a standard error of {error}", field="error", help="give such as 0.01")
    found = max(1, math.ceil(1 / (4 * error * error) * (1 - 1e-12)))
    check("shots", found, f"a standard error of {error:g}")
    return found
