"""Warnings travel in a graph's metadata under ``warnings``, so that whoever gets the graph, by whichever way, has them:
front-ends write them, and every face of QMK reads them here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from qmk.base.errors import Finding
from qmk.base.limits import LIMITS
from qmk.qvm.graph import Graph

KEY = "warnings"


def as_errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings as a strict caller takes them: each is an error."""
    return [msgspec.structs.replace(finding, severity="error") for finding in findings]


def add_warnings(metadata: dict[str, Any], findings: Iterable[Finding]) -> dict[str, Any]:
    """The metadata with these warnings too. What a program itself has under that key stays."""
    rows = [msgspec.to_builtins(finding) for finding in findings]
    if not rows:
        return metadata
    own = metadata.get(KEY, [])
    return {**metadata, KEY: [*(cast("list[Any]", own) if isinstance(own, list) else [own]), *rows]}


def warnings_of(graph: Graph) -> list[Finding]:
    """The warnings in the graph's metadata, each once. What a program itself has under that key, in another shape, is
    none."""
    own = graph.metadata.get(KEY)
    rows = cast("list[Any]", own)[: LIMITS.findings] if isinstance(own, (list, tuple)) else []
    return list(dict.fromkeys(found for row in rows if (found := _read(row)) is not None))


def without_warnings(graph: Graph) -> Graph:
    """The graph without the warnings of its reader, for whoever has reported them and writes it anew."""
    if KEY not in graph.metadata:
        return graph
    own = graph.metadata[KEY]
    kept = [row for row in cast("list[Any]", own) if _read(row) is None] if isinstance(own, list) else own
    metadata = {name: value for name, value in graph.metadata.items() if name != KEY}
    return msgspec.structs.replace(graph, metadata={**metadata, KEY: kept} if kept else metadata)


def _read(row: Any) -> Finding | None:
    try:
        found = msgspec.convert(row, Finding)
    except msgspec.ValidationError:
        return None
    return found if found.severity == "warning" else None
