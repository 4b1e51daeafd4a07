"""Any normal graph survives every outside form, and its digest does not depend on the form."""

from __future__ import annotations

import functools
import json

import msgspec
import pytest
import rfc8785
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qmk.formats import binary, json_codec
from qmk.formats.asm import assemble, disassemble
from qmk.formats.json_shape import KEYS_10
from qmk.formats.legacy import OPS_01
from qmk.formats.normal import normal_args
from qmk.qvm.families import OPS, SPELLINGS
from qmk.qvm.graph import Graph, Guard, Node, Output, canonical_bytes, collect, digest

QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
words = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,3}", fullmatch=True),
    st.sampled_from(["q0", "q1", "m0", "m1", "if", "and", "all", "vq", "none", "descending", "inputs"]),
    texts,
)
handles = st.lists(words, max_size=3).map(tuple)
integers = st.integers(-(2**63), 2**64 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.none(), st.booleans(), integers, floats, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
maps = st.dictionaries(words, values, max_size=2)


# Strategies are made once and kept: making them anew for every node took longer than all that is tested.
@functools.cache
def guards(old):
    bits = st.integers(0, 1) if old else integers
    equal = st.builds(Guard, st.just("eq"), words, bits)
    anywhere = st.recursive(
        equal,
        lambda inner: st.builds(
            lambda kind, parts: Guard(kind, conditions=tuple(parts)),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )
    return st.one_of(st.none(), anywhere)


ops = {
    old: st.one_of(st.sampled_from(sorted(known)), texts.filter(lambda t: t not in SPELLINGS))
    for old, known in ((True, OPS_01), (False, OPS))
}
places = st.lists(st.one_of(st.none(), words), max_size=3).map(tuple)
outputs = st.one_of(st.none(), st.lists(st.builds(Output, words, places, st.booleans()), max_size=2).map(tuple))
families = st.lists(st.sampled_from(["core@1", "channel@1", "odd"]), max_size=2).map(tuple)
shots = st.one_of(st.none(), st.integers(1, 10**8))
node_names = st.lists(words, max_size=5, unique=True)


@functools.cache
def _params(op_name):
    """Arguments by the op's own declaration, now and then of a wrong type or an unknown name."""
    op = OPS.get(op_name)
    kinds = {
        "angle": floats, "float": floats, "int": integers, "bits": st.text("01", max_size=4), "text": texts,
        "profile": st.just("logical:surface(d=3)"), "pauli": st.text("IXYZ", min_size=1, max_size=3),
        "gate": st.sampled_from(["rz", "x", "u"]), "map": maps,
        "kraus": st.just([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]]),
        "matrix": st.just([[[0.6, 0.0], [0.0, 0.8]], [[0.0, 0.8], [0.6, 0.0]]]),
        "points": st.lists(st.lists(floats, min_size=2, max_size=3), max_size=2),
        "drives": st.just([{"amplitude": {"times": [0.0, 1e-07], "values": [-0.5, 2.0]}, "pattern": [1.0, 0.25]}]),
        "data": st.just([{"of": [{"op": "a", "on": 0}], "time": {"times": [0.0, 1e-07], "values": [-0.5, 2.0]}}]),
    }  # fmt: skip
    fixed = {} if op is None else {p.name: st.one_of(kinds[p.kind], st.none(), values) for p in op.params}
    return st.tuples(st.fixed_dictionaries({}, optional=fixed), maps).map(lambda pair: {**pair[1], **pair[0]})


@st.composite
def nodes(draw, name, old):
    op = draw(ops[old])
    problems = []
    args = normal_args(op, draw(_params(op if op in OPS else "")), problems)
    assume(not problems)
    vqs = draw(handles)
    return Node(
        name,
        op,
        args,
        vqs[:1] if old and op == "core.condpauli" else vqs,
        *(draw(handles) for _ in range(4)),
        draw(guards(old)),  # pyright: ignore[reportCallIssue]
        draw(maps),  # pyright: ignore[reportCallIssue]
    )


@st.composite
def graphs(draw, versions=("0.1", "1.0")):
    version = draw(st.sampled_from(versions))
    old = version == "0.1"
    names = draw(node_names)
    rows = tuple(draw(nodes(name, old)) for name in names)
    found = collect(rows)
    inferred = draw(st.booleans())
    declared = found if inferred else (draw(handles), draw(handles), tuple(dict.fromkeys((*draw(handles), *found[2]))))
    return Graph(
        version=version,
        nodes=rows,
        vqs=declared[0],
        chs=declared[1],
        events=declared[2],
        caps=draw(handles),
        families=() if old else draw(families),
        outputs=None if old else draw(outputs),
        shots=None if old else draw(shots),
        metadata={key: value for key, value in draw(maps).items() if key not in KEYS_10},
        inferred=inferred,
    )


@given(graphs())
@QUICK
def test_every_form_gives_back_an_equal_graph(graph):
    """One graph in every form: to draw it takes longer than all of them."""
    data = json_codec.encode(graph, graph.version)
    assert json_codec.decode(data)[0] == graph, "JSON"
    indented = json_codec.encode(graph, graph.version, indent=2)
    assert json_codec.decode(indented)[0] == graph, "indented JSON"
    assert assemble(disassemble(graph)) == graph, "assembly"
    packed = binary.encode(graph)
    assert binary.decode(packed) == graph, "binary"
    assert binary.encode(binary.decode(packed)) == packed, "equal bytes"
    nodes = tuple(msgspec.structs.replace(n, guard=None) for n in graph.nodes)
    canonical = canonical_bytes(msgspec.structs.replace(graph, nodes=nodes))
    assert canonical == rfc8785.dumps(json.loads(canonical)), "canonical bytes are those of RFC 8785"


@given(graphs(versions=("0.1",)))
@QUICK
def test_the_digest_is_that_of_the_program_not_of_its_spelling(graph):
    spellings = [
        json_codec.decode(json_codec.encode(graph, "0.1"))[0],
        json_codec.decode(json_codec.encode(graph, "1.0"))[0],
        assemble(disassemble(graph)),
        binary.decode(binary.encode(graph)),
    ]
    assert {digest(one) for one in spellings} == {digest(graph)}


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_op_survives_every_form(name):
    op = OPS[name]
    vqs = tuple(f"q{i}" for i in range(max(op.vqs.low, 1 if op.vqs.high is None else op.vqs.low)))
    node = Node(
        "a", name, {}, vqs, ("c",)[: op.chs.low], ("e0", "e1")[: op.inputs.low], ("m0", "m1")[: op.produces.low]
    )
    graph = Graph(nodes=(node,), vqs=vqs, chs=node.chs, events=node.produces)
    assert json_codec.decode(json_codec.encode(graph))[0] == graph
    assert binary.decode(binary.encode(graph)) == graph
    text = disassemble(graph)
    assert assemble(text) == graph
    assert ":" not in text.split("a: ", 1)[1], "no prefix is needed where the signature settles the kinds"
