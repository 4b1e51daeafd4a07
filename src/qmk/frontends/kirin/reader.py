"""A document to a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from qmk.frontends.kirin import classical, control, quantum
from qmk.frontends.kirin.rules import KIRIN_RULES
from qmk.frontends.kirin.run import Run, arguments
from qmk.frontends.kirin.units import Document
from qmk.frontends.kirin.values import Measured, Parity, Truth, show
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.sources import report_limits
from qmk.qvm.graph import Graph, Output
from qmk.sdk.frontend import Refused, Source, report_refused

HANDLERS = {**classical.HANDLERS, **quantum.HANDLERS}
CALLING = {(control.FUNC, name) for name in ("Function", "Invoke", "Call", "Lambda", "GetField")}
BODIES = {(control.SCF, "For"), (control.SCF, "IfElse")}
LISTED = {(control.ILIST, name) for name in ("Map", "ForEach", "Foldl", "Foldr", "Scan")}
STATEMENTS = frozenset(HANDLERS) | CALLING | BODIES | LISTED | control.ENDS
"""Every statement that is read, as (module, class)."""


def parse(source: Source) -> Graph:
    """The graph of a kernel with its arguments given as ``source.params``. Raises INVALID_GRAPH with one finding."""
    with report_refused(KIRIN_RULES, source):
        run = None
        try:
            with report_limits("KIRIN-08"):
                document = Document.read(source.data, STATEMENTS)
                run = Run(document, bool(document.names & quantum.LOSSY))
                method = document.method(document.body)
                given = arguments(method, source.params or {})
                result = control.Control(run, HANDLERS).call(method, given)
                run.where = "in the result"
                return finish(run, method.name, result)
        except Refused as refused:
            if run and run.where:
                refused.message += f" ({run.where})"
            raise


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in cast("list[Any]", value):
            yield from leaves(part)
    else:
        yield value


def finish(run: Run, name: str, result: Any) -> Graph:
    """Registers: ``result``, what the kernel returns, the first measurement leftmost, or all measurements where it
    returns nothing; ``lost``, for each measurement in it whether the atom was lost; ``detectors``, ``observables``."""
    found = run.measured if result is None else list(leaves(result))
    for one in found:
        if not isinstance(one, (Measured, Truth, Parity, bool)):
            raise Refused("KIRIN-07", f"the kernel returns {show(one)}")
    registers: list[tuple[str, list[lg.Bit]]] = []
    bits = [lg.constant(one) if isinstance(one, bool) else cast("Measured", one).bit for one in found]
    registers.append(("result", bits))
    lost = [one.lost for one in found if isinstance(one, Measured)]
    if run.lossy and lost:
        registers.append(("lost", lost))
    if run.detectors:
        registers.append(("detectors", [made.bit for made, _ in run.detectors]))
    if run.observables:
        registers.append(("observables", [made.bit for made in run.observables]))
    outputs = [Output(key, tuple(run.builder.event_of(bit) for bit in row)) for key, row in registers if row]
    metadata: dict[str, Any] = {"source": "kirin", "kernel": name}
    if any(at for _, at in run.detectors):
        metadata["detectors"] = [at for _, at in run.detectors]
    made = run.builder.finish(outputs, metadata)
    families = dict.fromkeys(node.op.partition(".")[0] for node in made.nodes)
    return msgspec.structs.replace(made, families=tuple(sorted(families)))
