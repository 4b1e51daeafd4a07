"""A cache of the programs that the native core prepared last in this process, so that a repeated program is only run.

The key is the program itself, its text or its packed graph: nothing is computed to look a plan up, and nothing that two
programs could share by chance.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.rpc.kept import Kept

if TYPE_CHECKING:
    import qmk_native

    from qmk.api.source import Source
    from qmk.base.errors import Finding
    from qmk.ir.prediction import Prediction
    from qmk.worker.native import Prepared

PROGRAMS = 128
KEPT_BYTES = 4 << 20
"""Bounds of what is kept: programs, and the bytes of their texts together (a circuit takes some ten times as much)."""


class Known(NamedTuple):
    """A prepared program. ``prediction`` is None where the core does not run it by itself; ``fenced``: it has fences;
    ``notes`` are those of its lowering, ``warnings`` those about its graph."""

    prepared: Prepared
    prediction: Prediction | None
    fenced: bool
    notes: dict[str, Any]
    warnings: list[Finding]


Key = tuple[bytes, str, str, bool]
"""Text or packed graph; the text's format where the caller names it, or that it is a graph; method; whether it is
rewritten."""

GRAPH = "graph"

_KEPT: Kept[Key, Known] = Kept()


def native(source: Source, method: str) -> Known | None:
    """Prepares the program for the native core. None if the core has no circuit for it, or the method does not take
    it."""
    from qmk.ir.program import Unsupported

    try:
        return _of_text(source, method) or _of_noisy(source, method) or _of_graph(source, method)
    except Unsupported:
        return None


def has_read(text: bytes, format: str | None) -> bool:
    """Whether a program of this text, in this format if the caller names one, is kept."""
    return any((text, format or "", "auto", rewrites) in _KEPT for rewrites in (True, False))


def _of_text(source: Source, method: str) -> Known | None:
    if source.text is None:
        return None
    options = source.options
    key = (source.text, options.format or "", method, options.rewrites)
    keeps = options.cache and options.params is None
    if keeps and (known := _KEPT.get(key)) is not None:
        return known
    circuit = source.circuit
    if circuit is None:
        return None
    return _keep(key, _prepare(circuit, method, options.rewrites, False, {}, []), keeps)


def _of_noisy(source: Source, method: str) -> Known | None:
    """A circuit with noise of gates, which is not kept: a batch has many."""
    found = source.noisy_circuit
    return None if found is None else _prepare(found[0], method, source.options.rewrites, False, found[1], [])


def _of_graph(source: Source, method: str) -> Known | None:
    from qmk.worker.native import circuit_of_graph

    rewrites, cache = source.options.rewrites, source.options.cache and not source.options.strict
    key = (source.packed_graph, GRAPH, method, rewrites)
    if cache and (known := _KEPT.get(key)) is not None:
        source.warn(known.warnings)
        return known
    try:
        circuit, notes = circuit_of_graph(source.graph, source.packed_graph)
    except QmkError as refused:
        if refused.kind.name != "UNSUPPORTED":
            raise
        return None
    fenced = any(node.op == "core.fence" for node in source.graph.nodes)
    return _keep(key, _prepare(circuit, method, rewrites, fenced, notes, source.warnings), cache)


def _prepare(
    circuit: qmk_native.Circuit,
    method: str,
    rewrites: bool,
    fenced: bool,
    notes: dict[str, Any],
    warnings: list[Finding],
) -> Known:
    from qmk.ir.prediction import predictions
    from qmk.worker.native import Prepared

    prediction = predictions(circuit).get("auto") if method == "auto" else None
    return Known(Prepared(circuit, method, rewrites=rewrites), prediction, fenced, notes, warnings)


def _keep(key: Key, known: Known, wanted: bool) -> Known:
    if wanted and len(key[0]) <= KEPT_BYTES // 4:
        return _KEPT.put(key, known, len(key[0]), KEPT_BYTES, PROGRAMS)
    return known


def forget() -> None:
    """Empties the cache."""
    _KEPT.clear()


_MEMORY = [0.0, 0]
"""When this machine's memory was last looked up, and what it was."""


def memory_bytes() -> int:
    """The bytes that one state may take, as it was within the last second: looking costs as much as a small program."""
    from qmk.host import machine

    now = time.monotonic()
    if now - _MEMORY[0] > 1.0:
        _MEMORY[:] = now, machine.memory_bytes()
    return int(_MEMORY[1])
