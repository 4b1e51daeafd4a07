"""QVM-T: operands and arguments fit what the op declares. Operands are checked here, arguments in ``arguments.py``."""

from __future__ import annotations

from qmk.qvm import profile
from qmk.qvm.graph import Node
from qmk.qvm.op import Arity, Op
from qmk.qvm.verify.rule import Rule
from qmk.qvm.verify.state import State, quote

COUNT = Rule(
    "QVM-T01",
    "wrong number of operands",
    "A node lists as many qubits, channels, inputs and events as its op takes.",
    "list as many operands as the op takes",
)
KIND = Rule(
    "QVM-T02",
    "operand of the wrong kind",
    "`vqs` holds qubits, `chs` channels, `inputs` and `produces` events, each declared as such.",
    "put the handle into the slot of its kind",
)
MISSING = Rule(
    "QVM-T03",
    "missing argument",
    "Every required argument of the op is given.",
    "add the argument",
)
UNKNOWN = Rule(
    "QVM-T04",
    "unknown argument",
    "A node has no arguments besides those of its op.",
    "remove the argument, or correct its name",
)
TYPE = Rule(
    "QVM-T05",
    "argument of the wrong type",
    "An argument's value has the type that the op declares: angles and floats are numbers, an int is a whole number.",
    "write a value of the declared type",
)
RANGE = Rule(
    "QVM-T06",
    "argument out of range",
    "A number is finite and within the declared bounds, a text one of the declared choices.",
    "write a value within the bounds",
)
PROFILE = Rule(
    "QVM-T07",
    "malformed profile",
    "A profile is `logical:<code>(d=<odd number>, ...)` with a known code.",
    f"write a profile such as '{profile.EXAMPLE}'",
)
PAULI = Rule(
    "QVM-T08",
    "Pauli product does not fit",
    "A Pauli product has one of I X Y Z per qubit; a product that is measured is not the identity.",
    "write one letter of I, X, Y, Z for each qubit, in operand order",
)
MODIFIER = Rule(
    "QVM-T09",
    "modified gate does not fit",
    "core.mod names a gate of fixed size, `state` has one bit per control, and the qubits are the controls and then "
    "the gate's own.",
    "name a gate such as 'rz', and list controls first, then the gate's qubits",
)
ALLOC_COUNT = Rule(
    "QVM-T10",
    "n differs from the qubits listed",
    "`n` of an ALLOC, where given, is the number of qubits listed.",
    "correct n, or leave it out",
)
TWO_BITS = Rule(
    "QVM-T11",
    "two-bit event where one bit is read",
    "A Bell measurement written into one event holds 2*phase + parity. Guards may compare with it; ops that read bits "
    "may not.",
    "let the Bell measurement produce two events",
)

CHANNEL = Rule(
    "QVM-T12",
    "arguments do not make a channel",
    "The probabilities of an error channel add up to at most 1, T2 is at most twice T1, and Kraus operators fit the "
    "qubits and preserve the trace within 1e-9.",
    "correct the numbers so that they describe a physical process",
)

EVOLUTION = Rule(
    "QVM-T13",
    "arguments do not make an evolution",
    "Each atom of an evolution has a place of its own, fields have times from 0 to its end that never fall, a pattern "
    "a number for each qubit; subsystems are held by all qubits, named by number, and their times rise.",
    "correct the positions, fields or subsystems",
)

PLACES = Rule(
    "QVM-T14",
    "places do not fit",
    "Every atom that is placed or moved has a place of its own, a list of two or three numbers in um.",
    "list one place for each qubit, all different",
)

LIGHT = Rule(
    "QVM-T15",
    "arguments do not make an op of light",
    "An interferometer has a unitary matrix of its modes; a measurement of a number writes an event for each bit.",
    "correct the matrix, or list an event for each bit",
)

CARRIER = Rule(
    "QVM-T16",
    "mode and qubit confused",
    'Ops of family `photonic` act on modes, which an ALLOC with `carrier` "mode" makes; others, barrier and fence '
    "aside, on qubits.",
    "allocate the handle as what the op acts on",
)

SCRIPT = Rule(
    "QVM-T17",
    "arguments do not make a script",
    "The text of a script and its input are lists of texts within the limits `script_bytes` and `script_input_bytes`, "
    "and its bounds are within those of `script_...`.",
    "give less, and only the bounds fuel, memory_bytes, runs and shots",
)

RULES = (
    COUNT,
    KIND,
    MISSING,
    UNKNOWN,
    TYPE,
    RANGE,
    PROFILE,
    PAULI,
    MODIFIER,
    ALLOC_COUNT,
    TWO_BITS,
    CHANNEL,
    EVOLUTION,
    PLACES,
    LIGHT,
    CARRIER,
    SCRIPT,
)


def check_operands(state: State, node: Node, op: Op) -> bool:
    """Checks counts and kinds. Says whether the number of qubits is right, so that arguments can be compared with
    it."""
    if state.wide:
        for event in node.inputs:
            if event in state.wide:
                state.add(TWO_BITS, f"{op.name} reads one bit of {quote(event)}, which holds two", node)
    shape = (node.op, len(node.vqs), len(node.chs), len(node.inputs), len(node.produces))
    if shape in state.sound_shapes:
        return True
    before = state.findings_count
    sized = op.vqs.accepts(len(node.vqs))
    if not sized:
        _count(state, node, op, "qubit", op.vqs, len(node.vqs))
    if not op.chs.accepts(len(node.chs)):
        _count(state, node, op, "channel", op.chs, len(node.chs))
    if not op.inputs.accepts(len(node.inputs)):
        _count(state, node, op, "input event", op.inputs, len(node.inputs))
    if not op.produces.accepts(len(node.produces)):
        _count(state, node, op, "produced event", op.produces, len(node.produces))
    if state.findings_count == before:
        state.sound_shapes.add(shape)
    return sized


def _count(state: State, node: Node, op: Op, what: str, arity: Arity, asked: int) -> None:
    listed = "1 is listed" if asked == 1 else f"{asked or 'none'} are listed"
    state.add(COUNT, f"{op.name} takes {arity.of(what)}, but {listed}", node)


def check_kinds(state: State, node: Node) -> None:
    """Finds handles that are declared as another kind than the slot they stand in."""
    for slot, handles, kind in (
        ("vqs", node.vqs, "qubit"),
        ("chs", node.chs, "channel"),
        ("inputs", node.inputs, "event"),
        ("produces", node.produces, "event"),
    ):
        for name in handles:
            kinds = _kinds(state, name)
            if kinds and kind not in kinds:
                article = "an" if kind == "event" else "a"
                message = f"{quote(name)} is declared as {' and '.join(kinds)}, but {slot} wants {article} {kind}"
                state.add(KIND, message, node)


def _kinds(state: State, name: str) -> list[str]:
    return [
        kind
        for kind, declared in (("qubit", state.qubits), ("channel", state.channels), ("event", state.events))
        if name in declared
    ]
