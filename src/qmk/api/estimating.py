"""``qmk.estimate``: the physical resources of a program, or of its logical counts, on an error-corrected machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from qmk.api.source import verify
from qmk.base.errors import QmkError
from qmk.models.estimate import counting, counts
from qmk.models.estimate.counts import LogicalCounts
from qmk.models.estimate.estimate import Calibrated, Estimate
from qmk.models.estimate.estimate import estimate as estimate_counts
from qmk.request.program import ProgramLike, to_graph

__all__ = ["Calibrated", "Estimate", "LogicalCounts", "estimate", "logical_counts"]


def logical_counts(
    program: ProgramLike | Mapping[str, Any] | LogicalCounts,
    *,
    format: str | None = None,
    values: Mapping[Any, Any] | None = None,
) -> LogicalCounts:
    """What ``program`` asks of a machine. A mapping is taken as counts under Azure's names. ``format`` and ``values``
    are those of ``qmk.run`` (there ``params``).

    Raises INVALID_PARAMS, INVALID_GRAPH with findings, UNSUPPORTED for a gate that has no cost of its own.
    """
    if isinstance(program, (Mapping, LogicalCounts)):
        return counts.parse(program)
    return counting.count(verify(to_graph(program, format, values)))


@overload
def estimate(
    program: ProgramLike | Mapping[str, Any] | LogicalCounts,
    params: Mapping[str, Any] | None = None,
    *,
    format: str | None = None,
    values: Mapping[Any, Any] | None = None,
) -> Estimate: ...


@overload
def estimate(
    program: ProgramLike | Mapping[str, Any] | LogicalCounts,
    params: Sequence[Mapping[str, Any]],
    *,
    format: str | None = None,
    values: Mapping[Any, Any] | None = None,
) -> list[Estimate | QmkError]: ...


def estimate(
    program: ProgramLike | Mapping[str, Any] | LogicalCounts,
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    format: str | None = None,
    values: Mapping[Any, Any] | None = None,
) -> Estimate | list[Estimate | QmkError]:
    """Estimate ``program`` (anything that ``qmk.run`` takes, or a mapping of logical counts) under ``params`` in the
    form of Azure's estimator; a list of them is a batch, whose items are estimates or their errors.

    Raises ``QmkError`` as ``logical_counts`` does, and INVALID_PARAMS with the path of a wrong field or of what cannot
    be met.
    """
    return estimate_counts(logical_counts(program, format=format, values=values), params)
