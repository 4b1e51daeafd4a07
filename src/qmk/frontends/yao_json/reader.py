"""A document to a graph: blocks without measurements are unitaries, all else is walked in order."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from qmk.base.errors import invalid_graph
from qmk.base.limits import LIMITS
from qmk.formats.expression import ExpressionError, evaluate
from qmk.frontends.openqasm.builder import Builder
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.unitary import (
    ROOT_QUBITS,
    TURN,
    Prim,
    Unitary,
    control,
    inverse,
    matrix_of,
    move_operands,
    prim,
    synthesise,
)
from qmk.frontends.yao_json.blocks import (
    ANGLE_BOUND,
    AXES,
    GATES,
    TOLERANCE,
    Block,
    distance_from_identity,
    from_matrix,
    join,
    list_of,
    multiply,
    open_block,
    parts_of,
    paulis_of,
    plain_gate,
    positions,
    require_size,
    require_unitary,
)
from qmk.frontends.yao_json.instructions import Instructions, to_chain
from qmk.frontends.yao_json.rules import YAO_RULES
from qmk.models.arguments import show
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Output
from qmk.qvm.op import Matrix
from qmk.sdk.frontend import Inputs, ParamValue, Refused, Source, strip_bom


class Register(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int
    descending: bool = True


class Document(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: int
    n: int
    block: Block
    parameters: list[str] = []
    registers: list[Register] | None = None
    metadata: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(Document)
_DECODER_OF_YAO = msgspec.json.Decoder(Instructions)


def inputs(source: Source) -> Inputs:
    """The parameters that a document declares."""
    try:
        names = _document(source).parameters
    except Refused as refused:
        raise invalid_graph([refused.finding(YAO_RULES, source.name)]) from refused
    return Inputs(dict.fromkeys(names, ()), only_angles=False)


def read(source: Source) -> Graph:
    """Raises INVALID_GRAPH with what is wrong, and where in the blocks it stands."""
    try:
        document = _document(source)
        return _Walk(document, _values(document, source.params or {})).graph()
    except Refused as error:
        refused = error
    except Refusal as error:  # of the builder: a limit
        refused = Refused("YAO-08", error.message, error.help)
    except RecursionError:
        refused = Refused("YAO-08", "the blocks nest too deep")
    raise invalid_graph([refused.finding(YAO_RULES, source.name)])


def _document(source: Source) -> Document:
    data = strip_bom(source.data)
    try:
        if b'"instructions"' in data and b'"nqubits"' in data:
            read = _DECODER_OF_YAO.decode(data)
            document = Document("yao-json", 1, read.nqubits, to_chain(read))
        else:
            document = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("YAO-01", f"not a document of blocks: {error}") from error
    if (document.format, document.version) != ("yao-json", 1):
        raise Refused("YAO-01", f"the format is {document.format[:40]!r}, version {document.version}")
    if not 1 <= document.n <= LIMITS.qubits:
        raise Refused("YAO-08", f"n is {document.n}, not a number of qubits up to {LIMITS.qubits}")
    return document


def _values(document: Document, params: Mapping[str, ParamValue]) -> dict[str, float]:
    for name in params:
        if name not in document.parameters:
            have = ", ".join(document.parameters) or "none"
            raise Refused("YAO-06", f"there is no parameter '{name[:80]}'; declared: {have[:200]}")
    found: dict[str, float] = {}
    for name in document.parameters:
        value = params.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
            what = "has no value" if value is None else f"is {show(value, 40)}, not a finite number"
            raise Refused("YAO-06", f"parameter '{name[:80]}' {what}", f"give it: params={{'{name[:40]}': 0.5}}")
        found[name] = float(value)
    return found


class _Walk:
    def __init__(self, document: Document, values: Mapping[str, float]) -> None:
        self.document, self.values = document, values
        self.builder = Builder()
        self.handles = self.builder.allocate("q", document.n)
        self.all = tuple(range(document.n))
        self.phase = 0.0
        self.own: list[Output] = []
        self.bits: dict[tuple[str, int], str] = {}

    def graph(self) -> Graph:
        self.run(self.document.block, self.all, "block")
        if math.remainder(self.phase, TURN):
            self.builder.add("core.gphase", (), {"gamma": self.phase})
        outputs = (
            self.own[::-1] if self.document.registers is None else list(map(self._output, self.document.registers))
        )
        return self.builder.finish(outputs, {**self.document.metadata, "source": "yao-json"})

    def _output(self, register: Register) -> Output:
        if not 0 <= register.size <= LIMITS.events:
            raise Refused("YAO-07", f"register '{register.name[:40]}' has {register.size} bits")
        bits = [self.bits.get((register.name, k)) for k in range(register.size)]
        return Output(register.name, tuple(bits[::-1] if register.descending else bits), register.descending)

    # -- what is done in order -----------------------------------------------------------------------------------------

    def run(self, block: object, qubits: tuple[int, ...], place: str) -> None:
        """Adds a block on these qubits, the first of which is its position 1."""
        kind, fields = open_block(block, place)
        if kind == "measure":
            self.measure(fields, qubits, place)
        elif kind == "chain":
            self.chain(list_of(fields, "blocks", place), qubits, place)
        elif kind == "cache":
            self.run(fields["of"], qubits, f"{place}.of")
        elif kind == "put":
            at = positions(fields["at"], len(qubits), f"{place}.at")
            self.run(fields["of"], tuple([qubits[k] for k in at]), f"{place}.of")
        elif kind in ("kron", "repeat"):
            for at, part, where in parts_of(kind, fields, len(qubits), place):
                self.run(part, tuple([qubits[k] for k in at]), where)
        else:
            made = self.unitary(block, len(qubits), place)
            self.phase += made.phase
            handles = self.handles if qubits is self.all else tuple([self.handles[k] for k in qubits])
            for item in made.prims:
                if item.base == "gphase" and not item.controls:
                    self.phase += item.args["gamma"]
                self.builder.add_primitive(item, handles)

    def chain(self, parts: list[Any], qubits: tuple[int, ...], place: str) -> None:
        n, add = len(qubits), self.builder.add
        handles = ["", *[self.handles[k] for k in qubits]]
        for at, part in enumerate(parts):
            found = plain_gate(part, n)
            if found is None:
                self.run(part, qubits, f"{place}.blocks[{at}]")
            else:
                op, args, own = found
                add(op, tuple([handles[k] for k in own]), args)

    def measure(self, fields: Block, qubits: tuple[int, ...], place: str) -> None:
        at = positions(fields["at"], len(qubits), f"{place}.at") if "at" in fields else range(len(qubits))
        handles = [self.handles[qubits[k]] for k in at]
        bits: list[Any] | None = fields.get("bits")
        reset = fields.get("reset")
        if reset is not None and (isinstance(reset, bool) or not isinstance(reset, int) or reset < 0):
            raise Refused("YAO-01", f"{place}.reset: {show(reset, 40)} is not a number of bits")
        if bits is None:
            self.own.append(self.measure_into_own(handles, fields, place))
        else:
            self.measure_into(bits, handles, place, unread=reset is None)
        if reset is None:
            return
        for k, handle in enumerate(handles):
            self.builder.add("core.reset", (handle,))
            if reset >> k & 1:
                self.builder.add("core.x", (handle,))

    def measure_into_own(self, handles: list[str], fields: Block, place: str) -> Output:
        name = fields.get("name", f"m{len(self.own) + 1}")
        if not isinstance(name, str):
            raise Refused("YAO-01", f"{place}.name: {show(name, 40)} is not a name")
        if self.document.registers is not None:
            raise Refused("YAO-07", f"{place}: it names no bits, but the document declares registers")
        events = [
            self.builder.event_of(self.builder.measure(handle, f"{name}_{k}")) for k, handle in enumerate(handles)
        ]
        return Output(name, tuple(events[::-1]), descending=True)

    def measure_into(self, bits: object, handles: list[str], place: str, unread: bool) -> None:
        if not isinstance(bits, list) or len(cast("list[Any]", bits)) != len(handles):
            raise Refused("YAO-07", f"{place}.bits: not a list of {len(handles)} bits")
        sizes = {register.name: register.size for register in self.document.registers or ()}
        for bit, handle in zip(cast("list[Any]", bits), handles, strict=True):
            if bit is None:
                if unread:
                    self.builder.measure(handle, "unread")
                continue
            match bit:
                case [str(name), int(index)] if 0 <= index < sizes.get(name, 0) and (name, index) not in self.bits:
                    event = self.builder.event_of(self.builder.measure(handle, f"{name}_{index}"))
                    assert event is not None
                    self.bits[name, index] = event
                case _:
                    raise Refused("YAO-07", f"{place}.bits: {show(bit, 60)} is not a bit that is free")

    # -- what is one unitary -------------------------------------------------------------------------------------------

    def unitary(self, block: object, n: int, place: str) -> Unitary:
        """A block of ``n`` qubits as one gate; its qubit 0 is position 1."""
        kind, fields = open_block(block, place)
        make: Callable[[Block, int, str], Unitary] = getattr(self, f"_{kind}")
        return make(fields, n, place)

    def _measure(self, fields: Block, n: int, place: str) -> Unitary:
        raise Refused("YAO-05", f"{place}: a measurement in a gate, which is to be controlled or undone")

    def _gate(self, fields: Block, n: int, place: str) -> Unitary:
        name = fields["gate"]
        short = GATES.get(name) if isinstance(name, str) else None
        if short is None:
            raise Refused("YAO-02", f"{place}: {show(name, 40)} is not a gate of {', '.join(GATES)}")
        require_size(n, 2 if short == "swap" else 1, place)
        return Unitary((prim(short, tuple(range(n)), {}),))

    def _rot(self, fields: Block, n: int, place: str) -> Unitary:
        angle = self.angle(fields["angle"], f"{place}.angle")
        of = f"{place}.of"
        letters = paulis_of(fields["of"], n, of)
        if len(letters) == 1 and letters in AXES:
            return Unitary((Prim(AXES[letters], (0,), {"theta": angle}),))
        if letters:
            lower = OPS["core.paulirot"].lower
            assert lower is not None
            steps = lower({"theta": angle, "paulis": letters}, n)
            return Unitary(tuple(prim(row.op.removeprefix("core."), row.operands, row.args) for row in steps))
        matrix = self.matrix(fields["of"], n, of)
        if distance_from_identity(multiply(matrix, matrix)) > TOLERANCE:
            raise Refused("YAO-05", f"{of}: this generator of a rotation is not its own inverse")
        cosine, sine = math.cos(angle / 2), -1j * math.sin(angle / 2)
        rows = [[cosine * (j == k) + sine * x for k, x in enumerate(row)] for j, row in enumerate(matrix)]
        return synthesise(tuple(map(tuple, rows)))

    def _shift(self, fields: Block, n: int, place: str) -> Unitary:
        require_size(n, 1, place)
        return Unitary((Prim("p", (0,), {"lam": self.angle(fields["angle"], f"{place}.angle")}),))

    def _phase(self, fields: Block, n: int, place: str) -> Unitary:
        return Unitary((), self.angle(fields["angle"], f"{place}.angle"))

    def _matblock(self, fields: Block, n: int, place: str) -> Unitary:
        size = 1 << n
        rows = fields["matrix"]
        if n > ROOT_QUBITS:
            raise Refused("YAO-05", f"{place}: a matrix of {n} qubits; at most {ROOT_QUBITS} are read")
        try:
            matrix = tuple(tuple(complex(float(real), float(imag)) for real, imag in row) for row in rows)
        except (TypeError, ValueError):
            raise Refused("YAO-01", f"{place}.matrix: not rows of [real, imaginary]") from None
        if len(matrix) != size or any(len(row) != size for row in matrix):
            raise Refused("YAO-03", f"{place}.matrix: not a matrix of {n} qubits, {size} by {size}")
        require_unitary(matrix, f"{place}.matrix")
        return from_matrix(matrix, n)

    def _put(self, fields: Block, n: int, place: str) -> Unitary:
        at = positions(fields["at"], n, f"{place}.at")
        return move_operands(self.unitary(fields["of"], len(at), f"{place}.of"), at)

    def _control(self, fields: Block, n: int, place: str) -> Unitary:
        controls = positions(fields["controls"], n, f"{place}.controls")
        at = positions(fields["at"], n, f"{place}.at")
        if set(at) & set(controls):
            raise Refused("YAO-03", f"{place}: a position is a control and a target")
        config: Any = fields.get("config", [1] * len(controls))
        if not isinstance(config, list) or len(cast("list[Any]", config)) != len(controls) or set(config) - {0, 1}:  # pyright: ignore[reportUnknownArgumentType]
            raise Refused("YAO-03", f"{place}.config: not a 0 or 1 for each of {len(controls)} controls")
        inside = self.unitary(fields["of"], len(at), f"{place}.of")
        return move_operands(control(inside, "".join(str(int(x)) for x in cast("list[int]", config))), (*controls, *at))

    def _chain(self, fields: Block, n: int, place: str) -> Unitary:
        return join(
            [self.unitary(part, n, f"{place}.blocks[{k}]") for k, part in enumerate(list_of(fields, "blocks", place))]
        )

    def _kron(self, fields: Block, n: int, place: str) -> Unitary:
        return self._spread("kron", fields, n, place)

    def _repeat(self, fields: Block, n: int, place: str) -> Unitary:
        return self._spread("repeat", fields, n, place)

    def _spread(self, kind: str, fields: Block, n: int, place: str) -> Unitary:
        parts = parts_of(kind, fields, n, place)
        return join([move_operands(self.unitary(part, len(at), where), at) for at, part, where in parts])

    def _cache(self, fields: Block, n: int, place: str) -> Unitary:
        return self.unitary(fields["of"], n, f"{place}.of")

    def _dagger(self, fields: Block, n: int, place: str) -> Unitary:
        return inverse(self.unitary(fields["of"], n, f"{place}.of"))

    def _scale(self, fields: Block, n: int, place: str) -> Unitary:
        try:
            factor = complex(*map(float, fields["factor"]))
        except (TypeError, ValueError):
            raise Refused("YAO-01", f"{place}.factor: not [real, imaginary]") from None
        if not abs(abs(factor) - 1) < TOLERANCE:
            raise Refused("YAO-05", f"{place}.factor: its absolute value is {abs(factor):.6g}, not 1")
        made = self.unitary(fields["of"], n, f"{place}.of")
        return Unitary(made.prims, made.phase + cmath.phase(factor))

    def angle(self, given: object, place: str) -> float:
        value = given
        if isinstance(given, str):
            try:
                value = evaluate(given, self.values)
            except ExpressionError as error:
                raise Refused("YAO-04", f"{place}: {error}") from None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < ANGLE_BOUND:
            raise Refused("YAO-04", f"{place}: {show(given, 40)} is not an angle")
        return float(value)

    def matrix(self, block: object, n: int, place: str) -> Matrix:
        if n > ROOT_QUBITS:
            raise Refused("YAO-05", f"{place}: a generator of {n} qubits that is not a product of X, Y and Z")
        return matrix_of(self.unitary(block, n, place), n)
