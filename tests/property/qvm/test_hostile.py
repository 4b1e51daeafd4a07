"""Whatever bytes or text come in, a reader answers with a graph or a QmkError, never with anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmk.base.errors import Finding, QmkError
from qmk.formats import binary, json_codec
from qmk.formats.asm import assemble
from qmk.formats.expression import ExpressionError, evaluate
from qmk.frontends import qvm_asm, qvm_binary, qvm_json
from qmk.qvm.graph import Graph, Node

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GRAPH = Graph(
    nodes=(
        Node("a", "core.alloc", {"n": 2}, ("q0", "q1")),
        Node("r", "core.rz", {"theta": 0.5}, ("q0",), metadata={"k": [1, {"x": None}]}),
        Node("m", "core.mz", {}, ("q0",), produces=("m0",)),
    ),
    vqs=("q0", "q1"),
    events=("m0",),
    metadata={"title": "x"},
)
BINARY = binary.encode(GRAPH)
JSON = json_codec.encode(GRAPH)

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)
keys = st.sampled_from(["id", "op", "args", "vqs", "guard", "caps", "metadata", "produces", "event", "type", "x"])
odd_nodes = st.dictionaries(keys, st.one_of(json_values, st.sampled_from(["core.rz", "a", ["q0"]])), max_size=6)
odd_documents = st.fixed_dictionaries(
    {"program": st.fixed_dictionaries({"nodes": st.lists(odd_nodes, max_size=3)})},
    optional=dict.fromkeys(("version", "resources", "caps", "outputs", "shots", "families"), json_values),
)


def reads(function, *args):
    """Runs a reader; anything but a result or a QmkError with proper findings is a failure."""
    failure = None
    try:
        return function(*args)
    except QmkError as error:
        failure = error
    assert failure.kind.name in ("INVALID_GRAPH", "QUOTA_EXCEEDED")
    assert all(isinstance(row, Finding) and row.message for row in failure.findings)
    assert failure.findings or failure.kind.name == "QUOTA_EXCEEDED"
    return None


@given(st.binary(max_size=64))
@QUICK
def test_any_bytes_as_json(data):
    reads(json_codec.decode, data)


@given(st.integers(0, len(JSON) - 1), st.binary(max_size=3))
@QUICK
def test_damaged_json(at, junk):
    reads(json_codec.decode, JSON[:at] + junk + JSON[at + 1 :])


@given(st.one_of(json_values, odd_documents))
@QUICK
def test_any_json_value_as_a_document(value):
    reads(json_codec.decode, json.dumps(value).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=80))
@QUICK
def test_any_body_as_binary(data):
    reads(binary.decode, data)
    reads(binary.decode, BINARY[:5] + data)


@given(st.lists(st.tuples(st.integers(5, len(BINARY) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@QUICK
def test_damaged_binary(changes):
    data = bytearray(BINARY)
    for at, value in changes:
        data[at] = value
    reads(binary.decode, bytes(data))


@given(st.integers(0, len(BINARY) - 1))
@QUICK
def test_cut_binary_is_refused(length):
    assert reads(binary.decode, BINARY[:length]) is None


@pytest.mark.parametrize(
    "head", [b"\xdc\x00\x13", b"\xdd\xff\xff\xff\xff", b"\x9f", b"\xc6\xff\xff\xff\xff", b"\x91" * 5000]
)
def test_a_length_that_is_not_there_costs_no_memory(head):
    with pytest.raises(QmkError):
        binary.decode(BINARY[:5] + head)


PIECES = (
    "a:|APPLY_H|q0|q{i}|,|->|if|m0==1|and|(|)|[|]|[CAP_A]|theta=|pi/2|{|}|\"|'|;|@|=|.set i = 1|.for i in 0..3|.endfor"
    '|.if i|.else|.endif|.macro M(a)|.endmacro|M(q0)|.include "x"|.version 1.0|.output c = m0|.metadata k = [a: 1]|0..'
    "|..|\n|\n|\n|\t|é|ALLOC_LQ|MEASURE_Z|COND_PAULI|mask=X|vq:|ev:m0|.param p|.shots 3|{{|[:]|-1|1e400"
)
pieces = st.sampled_from(PIECES.split("|"))
programs = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=25).map(" ".join))


@given(programs)
@QUICK
def test_any_text_as_assembly(text):
    reads(lambda: assemble(text, include=lambda name: "h_{i}: APPLY_H q{i}\n" + f'.include "{name}"'))


SYMBOLS = "1 2.5 9 a + - * / // % ** ( ) [ ] , == < and or not ! 'x' len pi << & ."
symbols = st.sampled_from(SYMBOLS.split(" "))


@given(st.one_of(st.text(max_size=20), st.lists(symbols, max_size=14).map(" ".join)))
@QUICK
def test_any_text_as_an_expression(text):
    failure = None
    try:
        value = evaluate(text, {"a": [1, "b"]})
    except ExpressionError as error:
        failure = error
    if failure is None:
        assert isinstance(value, (bool, int, float, str, list))  # pyright: ignore[reportPossiblyUnboundVariable]
    else:
        assert failure.message
        assert 1 <= failure.column <= len(text) + 1


@given(st.binary(max_size=200))
@QUICK
def test_recognising_never_fails(data):
    for front in (qvm_asm, qvm_binary, qvm_json):
        assert 0 <= front.FRONTEND.recognise(data) <= 100
