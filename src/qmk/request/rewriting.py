"""``qmk.rewrite`` applies passes to a program and gives the result, to look at or to save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.request import arguments
from qmk.request.program import ProgramLike, to_graph


class Rewriting(NamedTuple):
    """``reports``: each pass by its name, with what it says that it did."""

    graph: Graph
    reports: list[tuple[str, dict[str, Any]]]


def rewrite(
    program: ProgramLike,
    passes: Sequence[str] = ("full",),
    *,
    format: str | None = None,
    params: Mapping[Any, Any] | None = None,
) -> Rewriting:
    """``program`` after ``passes`` in this order. Every register prints the same
    bits with the same joint probabilities; events that no register shows may be gone.

    Raises ``QmkError``: INVALID_GRAPH with findings, UNSUPPORTED for a pass that is not there, and naming the node for
    what a pass would lose, such as a fence or the pairs of a channel.
    """
    from qmk.sdk import discovery

    graph = to_graph(program, format, params)
    error = verify(graph).error()
    if error is not None:
        raise error
    known = discovery.passes()
    reports: list[tuple[str, dict[str, Any]]] = []
    for name in arguments.texts("passes", passes):
        if name not in known:
            raise QmkError("UNSUPPORTED", discovery.why_missing("passes", name), field="passes")
        done = known[name].run(graph)
        graph = done.graph
        reports.append((name, done.report))
    return Rewriting(graph, reports)
