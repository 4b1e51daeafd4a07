"""Amazon Braket's OpenQASM as graphs.

Its gates need no include, and its pragmas are followed: ``noise`` and ``unitary`` become operations, ``verbatim`` asks
for nothing that a simulator does otherwise, and what ``result`` asks for is noted in the graph's metadata. Qubits that
nothing acts on are left out, and a program without a measurement has all others measured at its end, as on Braket.

The metadata ``braket`` has ``qubits``, Braket's numbers of the graph's qubits in order; ``implicit``, whether the
measurements at the end are those that Braket adds; and ``results`` as Braket's result types have them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from qmk.frontends.braket.channels import NOISE, Channel, kraus
from qmk.frontends.braket.gates import CORE, GATES, prelude
from qmk.frontends.braket.pragmas import BadPragma, Factor, Pragma, read
from qmk.frontends.openqasm import flat
from qmk.frontends.openqasm.builder import handle_name
from qmk.frontends.openqasm.interpreter import Interpreter, interpret
from qmk.frontends.openqasm.library import direct
from qmk.frontends.openqasm.parser import Parser
from qmk.frontends.openqasm.sources import File, Refusal
from qmk.frontends.openqasm.tree import Program, Refused, Stmt
from qmk.frontends.openqasm.unitary import ROOT_QUBITS, Unitary, synthesise
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.frontend import Source

_U = direct("U", 1, "u", ("theta", "phi", "lam"))
"""Braket's U has no phase of its own, unlike that of OpenQASM 3."""

_TOLERANCE = 1e-7


def parse(source: Source) -> Graph:
    """The graph of a program. Raises INVALID_GRAPH with every finding."""
    graph = _read_flat(source) or interpret(source, 3, _Parser, _Interpreter)
    return _complete(graph)


# -- flat programs, by the native core -------------------------------------------------------------------------------

_VERSION = re.compile(rb"\s*OPENQASM\s+3(?:\.\d+)?\s*;")
_WORD = re.compile(rb"\b[a-z]\w*\b")
_INTERPRETED = re.compile(rb"pragma|/[/*]|\bU\b|\bgate\b|\bdef\b|\$|@")
"""What keeps a text from the native core: meanings of its own, and words that may not be what they seem."""


def _read_flat(source: Source) -> Graph | None:
    data = source.data
    version = _VERSION.match(data)
    if version is None or _INTERPRETED.search(data):
        return None
    used = sorted({word.decode() for word in set(_WORD.findall(data))} & GATES.keys())
    standard = b"" if b"stdgates.inc" in data else b'include "stdgates.inc";'
    needed = [name for name in used if CORE.get(name) != name or name not in _IN_STANDARD]
    head = data[: version.end()] + standard + prelude(needed).encode()
    return flat.read(msgspec.structs.replace(source, data=head + data[version.end() :]), 3)


_IN_STANDARD = frozenset(["x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "swap", "cy", "cz", "cswap"])

# -- pragmas ---------------------------------------------------------------------------------------------------------


class _Followed(Stmt):
    pragma: Pragma


class _Parser(Parser):
    def pragma(self, pos: int) -> Stmt:
        text = self.line_end()
        try:
            found = read(text)
        except BadPragma as bad:
            return Refused(pos, "braket", f"the pragma '{text[:60]}': {bad.message}", bad.help)
        if found is None:
            return Refused(pos, "pragma", f"the pragma '{text[:60]}' is not known and was not followed")
        return _Followed(pos, found)


class _Interpreter(Interpreter):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gates = {**self.gates, **GATES, "U": _U}
        self.results: list[tuple[int, Pragma]] = []
        self.families = {"core"}

    def run(self, program: Program) -> Graph:
        graph = super().run(program)
        found: list[dict[str, Any]] = []
        for pos, pragma in self.results:
            try:
                found.append(self._result(pragma, pos))
            except Refusal as refusal:
                self.sources.report(refusal)
        self.sources.raise_errors()
        numbers = {handle: number for number, handle in self.hardware.items()}
        qubits = [numbers.get(handle, at) for at, handle in enumerate(self.builder.vqs)]
        metadata = {**graph.metadata, "braket": {"qubits": qubits, "results": found}}
        return msgspec.structs.replace(graph, families=tuple(sorted(self.families)), metadata=metadata)

    def execute(self, statement: Stmt) -> None:
        if not isinstance(statement, _Followed):
            super().execute(statement)
            return
        self.step(statement.pos)
        pragma, pos = statement.pragma, statement.pos
        if self.gate_body is not None and pragma.kind != "verbatim":
            raise Refusal("scope", pos, f"a {pragma.kind} pragma stands in a gate", "move it behind the gate's calls")
        if pragma.kind == "unitary":
            self._unitary(pragma, pos)
        elif pragma.kind == "noise":
            self._noise(pragma, pos)
        elif pragma.kind == "result":
            self.results.append((pos, pragma))

    def apply(self, unitary: Unitary, handles: tuple[Any, ...], keep_phase: bool = True) -> None:
        """Writes a gate with its global phase: Braket's state vectors have it."""
        super().apply(unitary, handles, keep_phase)

    def _handles(self, operands: tuple[str, ...], pos: int) -> list[str]:
        """The qubits of operands as they are written, in order; all of them where none are."""
        if not operands:
            return list(self.builder.vqs)
        found: list[str] = []
        for text in operands:
            node = _Parser(self.sources, File("", text, pos, None), Program()).operand()
            found += self.qubits(node).data
        return found

    def _unitary(self, pragma: Pragma, pos: int) -> None:
        handles, (matrix,) = self._handles(pragma.operands, pos), pragma.matrices
        self._require_size(matrix, len(handles), pos)
        if len(handles) > ROOT_QUBITS:
            what = f"a unitary on {len(handles)} qubits is given; at most {ROOT_QUBITS} are followed"
            raise Refusal("braket", pos, what, "write it as gates, or as unitaries on fewer qubits")
        self.require_distinct(handles, pos)
        size = len(matrix)
        for a in range(size):
            for b in range(size):
                product = sum(matrix[a][k] * matrix[b][k].conjugate() for k in range(size))
                if abs(product - (a == b)) > _TOLERANCE:
                    raise Refusal("braket", pos, f"the matrix is not unitary: rows {a} and {b}", "check its entries")
        self.apply(synthesise(tuple(map(tuple, matrix))), tuple(handles))

    def require_distinct(self, handles: list[str], pos: int) -> None:
        if len(set(handles)) < len(handles):
            raise Refusal("same-qubit", pos, "the pragma names a qubit twice", "name each qubit once")

    def _require_size(self, matrix: Any, qubits: int, pos: int) -> None:
        rows = [len(row) for row in matrix]
        if rows != [1 << qubits] * len(rows) or len(rows) != 1 << qubits:
            what = f"a matrix of {len(rows)} rows does not fit {qubits} qubit(s)"
            raise Refusal("braket", pos, what, "give 2^n rows of 2^n numbers for n qubits")

    def _noise(self, pragma: Pragma, pos: int) -> None:
        handles = self._handles(pragma.operands, pos)
        self.require_distinct(handles, pos)
        if pragma.name == "kraus":
            for matrix in pragma.matrices:
                self._require_size(matrix, len(handles), pos)
            if len(handles) > 2:
                what = f"a channel on {len(handles)} qubits is given; at most 2 are followed"
                raise Refusal("braket", pos, what, "write it as channels on one and two qubits")
            self._add(kraus(pragma.matrices), tuple(handles))
            return
        if pragma.name not in NOISE:
            raise Refusal("braket", pos, f"there is no channel '{pragma.name[:40]}'", f"there are {', '.join(NOISE)}")
        count, qubits, make = NOISE[pragma.name]
        if len(pragma.numbers) != count or len(handles) % qubits or (qubits > 1 and len(handles) != qubits):
            what = f"{pragma.name} takes {count} number(s) and {qubits} qubit(s)"
            raise Refusal("braket", pos, f"{what}; {len(pragma.numbers)} and {len(handles)} are given")
        if (
            not all(0 <= number <= 1 for number in pragma.numbers)
            or sum(pragma.numbers[: count if count == 3 else 1]) > 1
        ):
            raise Refusal("braket", pos, f"{pragma.name}: its probabilities must lie from 0 to 1, and so their sum")
        for at in range(0, len(handles), qubits):
            self._add(make(*pragma.numbers), tuple(handles[at : at + qubits]))

    def _add(self, channel: Channel, handles: tuple[str, ...]) -> None:
        self.builder.add(channel[0], handles, channel[1])
        self.families.add("noise")

    # -- results -----------------------------------------------------------------------------------------------------

    def _result(self, pragma: Pragma, pos: int) -> dict[str, Any]:
        name = pragma.name.replace("_", "") if pragma.name in ("state_vector", "density_matrix") else pragma.name
        found: dict[str, Any] = {"type": name}
        if pragma.words and pragma.name == "amplitude":
            found["states"] = list(pragma.words)
        elif pragma.terms:
            terms = [(weight, *self._observable(factors, pos)) for weight, factors in pragma.terms]
            found["terms"] = [[weight, observable, targets] for weight, observable, targets in terms]
            found["parameters"] = list(pragma.words)
        elif pragma.factors:
            found["observable"], targets = self._observable(pragma.factors, pos)
            if targets:
                found["targets"] = targets
        elif pragma.operands:
            found["targets"] = self._targets(pragma.operands, pos)
        return found

    def _targets(self, operands: tuple[str, ...], pos: int) -> list[int]:
        """Places in the graph's qubits."""
        places = {handle: at for at, handle in enumerate(tuple(self.builder.vqs))}
        handles = self._handles(operands, pos)
        self.require_distinct(handles, pos)
        if any(handle not in places for handle in handles):
            raise Refusal("braket", pos, "the result names a qubit that nothing acts on", "name qubits of the program")
        return [places[handle] for handle in handles]

    def _observable(self, factors: tuple[Factor, ...], pos: int) -> tuple[list[Any], list[int]]:
        observable: list[Any] = []
        targets: list[int] = []
        for factor in factors:
            own = self._targets(factor.operands, pos) if factor.operands else []
            if factor.matrix is not None:
                self._require_size(factor.matrix, len(own), pos)
                observable.append([[[x.real, x.imag] for x in row] for row in factor.matrix])
            else:
                if len(own) != 1 and len(factors) > 1:
                    raise Refusal("braket", pos, f"'{factor.name}' of a product acts on one qubit", "name one qubit")
                observable.append(factor.name)
                own = own if len(own) == 1 else []  # on a register: on each of its qubits alike
            targets += own
        return observable, targets


# -- what Braket adds and leaves out ---------------------------------------------------------------------------------


def _complete(graph: Graph) -> Graph:
    """The graph without qubits that nothing acts on, its qubits measured at the end if none is."""
    noted: dict[str, Any] | None = graph.metadata.get("braket")
    notes: dict[str, Any] = dict(noted or {"qubits": list(range(len(graph.vqs))), "results": []})
    used = {handle for node in graph.nodes if node.op not in _LIFE for handle in node.vqs}
    asked = {at for result in notes["results"] for at in _places(result)}
    kept = [at for at, handle in enumerate(graph.vqs) if handle in used or at in asked]
    if not kept:
        kept = list(range(len(graph.vqs)))
    kept.sort(key=lambda at: notes["qubits"][at])
    new = {at: place for place, at in enumerate(kept)}
    handles = tuple(graph.vqs[at] for at in kept)
    notes["qubits"] = [notes["qubits"][at] for at in kept]
    notes["results"] = [_move(result, new) for result in notes["results"]]
    notes["implicit"] = implicit = not graph.events
    body = [node for node in graph.nodes if node.op not in _LIFE]
    nodes = [Node("", "core.alloc", {"n": len(handles)}, handles, caps=("CAP_ALLOC",)), *body] if handles else body
    events, outputs = graph.events, _slots(graph)
    if implicit:
        events = tuple(f"measured_{place}" for place in range(len(handles)))
        nodes += [
            Node("", "core.mz", vqs=(handle,), produces=(event,)) for handle, event in zip(handles, events, strict=True)
        ]
        outputs = (Output("measured", events[::-1], descending=True),)
    if handles:
        nodes.append(Node("", "core.free", vqs=handles))
    named = tuple(msgspec.structs.replace(node, id=f"n{at}") for at, node in enumerate(nodes))
    source = {"format": "braket", "version": graph.metadata.get("source", {}).get("version", "")}
    metadata = {**graph.metadata, "source": source, "braket": notes}
    return msgspec.structs.replace(graph, nodes=named, vqs=handles, events=events, outputs=outputs, metadata=metadata)


def _slots(graph: Graph) -> tuple[Output, ...]:
    """The registers as Braket reports them: the bits that a measurement has written, and those of measurements
    without a register in one of its own."""
    read = [event for node in graph.nodes if node.op == "core.mz" for event in node.produces]
    labels = {_VERSIONED.sub("", event) for event in read}
    found: list[Output] = []
    named: set[str] = set()
    for output in graph.outputs or ():
        base, last = handle_name(output.name), len(output.bits) - 1
        own = [base, *(f"{base}_{at}" for at in range(last + 1))]
        named.update(own)
        bits = tuple(
            event
            for at, event in enumerate(output.bits)
            if f"{base}_{last - at}" in labels or (last == 0 and base in labels)
        )
        if bits:
            found.append(Output(output.name, bits, descending=output.descending))
    free = [event for event in read if _VERSIONED.sub("", event) not in named]
    if free:
        found.insert(0, Output("measured", tuple(free[::-1]), descending=True))
    return tuple(found)


_VERSIONED = re.compile(r"__\d+$")
_LIFE = frozenset(("core.alloc", "core.free"))


def _places(result: dict[str, Any]) -> list[int]:
    terms: list[Any] = result.get("terms", [])
    return [*result.get("targets", []), *(at for _, _, targets in terms for at in targets)]


def _move(result: dict[str, Any], new: dict[int, int]) -> dict[str, Any]:
    moved = dict(result)
    if "targets" in result:
        moved["targets"] = [new[at] for at in result["targets"]]
    if "terms" in result:
        moved["terms"] = [
            [weight, factors, [new[at] for at in targets]] for weight, factors, targets in result["terms"]
        ]
    return moved
