"""Front-end ``dynamics``: models of open systems in time, as JSON (docs/spec/dynamics.md).

The document has the arguments of ``dynamics.evolve`` as they are. A text where a number stands is an expression of the
document's parameters; times may be a start, a stop and a count. All subsystems are measured at the end, or those that
are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from qmk.base.limits import LIMITS
from qmk.formats import expression, json_text
from qmk.formats.expression_syntax import ExpressionError
from qmk.formats.json_rules import Rule
from qmk.models.arguments import show
from qmk.models.dynamics import checks
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.frontend import Frontend, Inputs, Refused, Source, json_object, report_refused, strip_bom

NAME = "qmk.dynamics"
_ARGS = ("levels", "hamiltonian", "times", "collapse", "initial", "observables")
_KEYS = ("format", "version", "description", "parameters", *_ARGS, "measure")
_TEXTS = frozenset({"op", "description"})
"""Keys whose texts are not expressions."""

_ROWS = (
    Rule(
        "DYN-01",
        "not a dynamics model",
        f"The document is one JSON object with the keys {', '.join(_KEYS)}; levels, hamiltonian and times are needed.",
        "write the document as docs/spec/dynamics.md has it",
    ),
    Rule("DYN-02", "unknown version", "The format is qmk.dynamics, version 1.", "write version 1"),
    Rule(
        "DYN-03",
        "a number that has no value",
        "A text where a number stands is an expression of the parameters; a parameter has a number, in the document or "
        "from the caller, and a caller sets parameters that the document has.",
        "declare the parameter under parameters, or correct the expression",
    ),
    Rule(
        "DYN-04",
        "model does not fit",
        "Operators, envelopes and states exist on the subsystems that they name, and times rise.",
        "correct the part that is named",
    ),
)
DYN_RULES: dict[str, Rule] = {row.id: row for row in _ROWS}


def recognise(data: bytes) -> int:
    """A JSON object whose head names the format."""
    head = json_object(data)[:4096]
    return 100 if f'"{NAME}"'.encode() in head else 90 if b'"hamiltonian"' in head and b'"levels"' in head else 0


class _Reading:
    def __init__(self, source: Source) -> None:
        self.source = source
        found: Any = json_text.decode(strip_bom(source.data))
        if not isinstance(found, dict):
            self.refuse("01", "it is not a JSON object")
        self.document = cast("dict[str, Any]", found)
        if strange := next((key for key in self.document if key not in _KEYS), None):
            self.refuse("01", f"there is no key '{strange[:40]}'")
        if missing := next((key for key in _ARGS[:3] if key not in self.document), None):
            self.refuse("01", f"the key '{missing}' is missing")
        if self.document.get("format", NAME) != NAME or self.document.get("version", 1) != 1:
            self.refuse("02", f"it is of another format or version: {show(self.document.get('version'), 40)}")
        given: Any = self.document.get("parameters", {})
        if not isinstance(given, dict) or not all(map(_is_number, cast("dict[str, Any]", given).values())):
            self.refuse("03", "parameters are an object of numbers by name")
        self.parameters = cast("dict[str, float]", given)

    def refuse(self, rule: str, message: str, help: str = "") -> NoReturn:
        raise Refused(f"DYN-{rule}", message, help)

    def graph(self) -> Graph:
        names: dict[str, Any] = dict(self.parameters)
        for name, value in (self.source.params or {}).items():
            if name not in names or not _is_number(value):
                there = f"there are {', '.join(names)}" if names else "the document has none"
                self.refuse("03", f"the parameter '{str(name)[:40]}' is none, or has no number; {there}")
            names[name] = value
        args = {key: self._evaluate(self.document[key], names, key) for key in _ARGS if key in self.document}
        args["times"] = self._times(args["times"])
        why = checks.fault(args)
        if why:
            self.refuse("04", why)
        return self._with_reading(args)

    def _evaluate(self, value: Any, names: Mapping[str, Any], place: str) -> Any:
        """The value with numbers for its expressions."""
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return [self._evaluate(each, names, f"{place}[{at}]") for at, each in enumerate(items)]
        if isinstance(value, dict):
            parts = cast("dict[str, Any]", value)
            return {k: v if k in _TEXTS else self._evaluate(v, names, f"{place}.{k}") for k, v in parts.items()}
        if not isinstance(value, str):
            return value
        try:
            found = expression.evaluate(value, names)
        except ExpressionError as error:
            self.refuse("03", f"{place[:80]}: '{value[:60]}', column {error.column}: {error.message}")
        return found

    def _times(self, times: Any) -> Any:
        if not isinstance(times, dict):
            return times
        parts = cast("dict[str, Any]", times)
        start, stop, count = parts.get("start", 0.0), parts.get("stop"), parts.get("count")
        fits = set(parts) <= {"start", "stop", "count"} and _is_number(start) and _is_number(stop)
        if not fits or not isinstance(count, int) or not 2 <= count <= LIMITS.field_knots:
            self.refuse("04", f"times: a list, or start, stop and a count of 2 to {LIMITS.field_knots}")
        return [start + (stop - start) * (k / (count - 1)) for k in range(count)]

    def _with_reading(self, args: dict[str, Any]) -> Graph:
        held = checks.qubits_of(args["levels"])
        wanted = self.document.get("measure", list(range(len(held))))
        if not isinstance(wanted, list) or any(
            not isinstance(k, int) or not 0 <= k < len(held) for k in cast("list[Any]", wanted)
        ):
            self.refuse("04", f"measure: a list of subsystems, numbered 0 to {len(held) - 1}")
        vqs = tuple(f"s{k}_{at}" for k, qubits in enumerate(held) for at in range(len(qubits)))
        nodes = [Node("alloc", "core.alloc", vqs=vqs), Node("evolve", "dynamics.evolve", args, vqs)]
        outputs: list[Output] = []
        for k in dict.fromkeys(cast("list[int]", wanted)):
            events = tuple(f"level{k}_{at}" for at in range(len(held[k])))
            for qubit, event in zip(held[k], events, strict=True):
                nodes.append(Node(f"read_{event}", "core.mz", vqs=(vqs[qubit],), produces=(event,)))
            outputs.append(Output(f"s{k}", events, descending=True))
        left = [vqs[q] for k in range(len(held)) if k not in wanted for q in held[k]]
        nodes += [Node("free", "core.free", vqs=tuple(left))] if left else []
        events = tuple(event for node in nodes for event in node.produces)
        return Graph(nodes=tuple(nodes), vqs=vqs, events=events, outputs=tuple(outputs))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong, and where."""
    with report_refused(DYN_RULES, source):
        return _Reading(source).graph()


def inputs(source: Source) -> Inputs:
    """The document's parameters."""
    with report_refused(DYN_RULES, source):
        return Inputs(dict.fromkeys(_Reading(source).parameters, ()), only_angles=False)


FRONTEND = Frontend(
    "dynamics", "Models of open systems in time, QMK's own", (".dynamics.json",), recognise, parse, inputs=inputs
)
