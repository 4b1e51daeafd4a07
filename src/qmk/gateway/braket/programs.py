"""Braket's OpenQASM programs ready to run: the graph, what results are asked for, and which qubit each bit is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np

from qmk.base.errors import Finding, QmkError, invalid_graph
from qmk.gateway.braket import values
from qmk.gateway.braket.rotations import rotate
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Values
from qmk.request.program import to_graph

FORMAT = "braket"


class Prepared(msgspec.Struct, frozen=True):
    """``n``: the graph's qubits. ``results``: what is asked for, on places of these. ``measured``: the qubit of each
    bit of a result, in order: by Braket's number where the program measures, else, as in Braket's simulators, by its
    place among the qubits that are used."""

    graph: Graph
    results: values.Results
    n: int
    measured: list[int]

    def request(self) -> values.Asked:
        """What a job without shots has to give."""
        return values.Asked(self.results, self.n, values.is_mixed(self.graph))

    def slopes(self) -> bool:
        """Whether a gradient is asked for."""
        return any(result["type"] == "adjoint_gradient" for result in self.results)

    def values(self, found: Values) -> list[Any]:
        """The results from what a job without shots gave, in Braket's shapes. Raises UNSUPPORTED where they are not
        exact."""
        if not found.exact:
            what = "the values of this program cannot be computed exactly"
            raise QmkError("UNSUPPORTED", what, field="shots", help="give shots")
        return self.request().values(found.points[0], values.phase_of(self.graph))


def as_json(value: Any) -> Any:
    """A value of a result as a task's JSON has it: complex numbers as [real, imaginary]."""
    if isinstance(value, dict):
        return {name: as_json(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, np.ndarray):
        return as_json(cast("Any", value).tolist())
    if isinstance(value, list):
        return [as_json(each) for each in cast("list[Any]", value)]
    return [value.real, value.imag] if isinstance(value, complex) else value


def prepare(source: str, inputs: Mapping[str, Any] | None, shots: int) -> Prepared:
    """Reads a program. Raises INVALID_GRAPH with findings, ValueError for results that do not fit the shots."""
    try:
        graph = to_graph(source.encode(), FORMAT, inputs)
    except QmkError as refused:
        if not refused.findings:
            raise
        raise invalid_graph(list(map(_in_words_of_braket, refused.findings))) from None
    notes: dict[str, Any] = graph.metadata["braket"]
    results: values.Results = notes["results"]
    if results and not notes["implicit"]:
        raise ValueError("a program has either measurements or result types, not both")
    if results or not shots:
        values.require(results, shots, len(graph.vqs))
    if shots and results:
        graph = rotate(graph, results)
    n = len(graph.vqs)
    return Prepared(
        graph, results, n, _measured_qubits(graph, list(range(n)) if notes["implicit"] else notes["qubits"])
    )


def _in_words_of_braket(found: Finding) -> Finding:
    """Braket gives the values of a program's parameters as ``inputs``."""
    if not found.help.startswith("params="):
        return found
    return msgspec.structs.replace(found, help=found.help.replace("params=", "inputs=", 1))


def _measured_qubits(graph: Graph, qubits: list[int]) -> list[int]:
    """The qubit of each bit that was written, as ``results.bits_of`` orders them; of one that is computed from others
    the place."""
    places = dict(zip(graph.vqs, qubits, strict=True))
    read = {event: places[node.vqs[0]] for node in graph.nodes if node.op == "core.mz" for event in node.produces}
    outputs = graph.outputs or ()
    found: list[int] = []
    for output in outputs[::-1] if all(output.descending for output in outputs) else outputs:
        events = output.bits[::-1] if output.descending else output.bits
        found += [read.get(event, place) for place, event in enumerate(events) if event is not None]
    return found
