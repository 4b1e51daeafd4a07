"""The JSON Schemas: committed files are fresh, valid documents validate, wrong shapes do not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from qmk.formats import json_codec
from qmk.qvm.families import OPS
from qmk.qvm.graph import VERSIONS, Graph, Node, Output
from tools import qvm_schema as schema

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "qvm01"
PEERS = [json.loads(line) for line in (GOLDEN / "peer-graphs.jsonl").read_text().splitlines()]
PHYSICS = json.loads((GOLDEN / "physics.json").read_text())["cases"]
REJECT = json.loads((GOLDEN / "reject.json").read_text())["cases"]
VALID = {version: jsonschema.Draft202012Validator(schema.schema(version)) for version in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_committed_file_equals_a_fresh_generation(version):
    assert (ROOT / "schemas" / schema.file_name(version)).read_text() == schema.text(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_a_schema(version):
    jsonschema.Draft202012Validator.check_schema(schema.schema(version))


@pytest.mark.parametrize("case", [c for c in PEERS if c["should"]["accept"]], ids=lambda case: case["id"])
def test_accepted_peer_graphs_validate_in_both_versions(case):
    VALID["0.1"].validate(case["graph"])
    graph, _ = json_codec.decode(json.dumps(case["graph"]).encode())
    VALID["1.0"].validate(json.loads(json_codec.encode(graph)))
    VALID["0.1"].validate(json.loads(json_codec.encode(graph, "0.1")))


@pytest.mark.parametrize("case", PHYSICS, ids=lambda case: case["name"])
def test_physics_programs_validate(case):
    VALID["0.1"].validate(case["graph"])


@pytest.mark.parametrize("case", REJECT, ids=lambda case: case["name"])
def test_wrong_shapes_do_not_validate(case):
    """Faults of one node by itself are the schema's; those between nodes are the verifier's."""
    shape = case["expect"].split("/")[-1] in ("schema", "type", "profile")
    assert VALID["0.1"].is_valid(case["graph"]) == (not shape)


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_op_has_a_valid_and_an_invalid_node(name):
    op = OPS[name]
    sample = {
        "angle": 0.5,
        "float": 0.5,
        "int": 1,
        "bits": "0",
        "profile": "logical:surface(d=3)",
        "pauli": "X",
        "gate": "x",
        "points": [[0.0, 1.0]],
        "drives": [{"detuning": {"times": [0.0, 0.5], "values": [1.0, 2.0]}, "pattern": [1.0]}],
        "matrix": [[[1.0, 0.0]]],
        "kraus": [[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]]],
    }
    data = {"levels": [2], "hamiltonian": [{"factor": [1.0, 0.0]}], "times": [0.0, 1.0], "text": ["result = 1"]}
    args = {p.name: p.choices[0] if p.choices else sample.get(p.kind, "t") for p in op.params if p.required}
    args |= {p.name: data[p.name] for p in op.params if p.required and p.kind == "data"}
    handles = ("a", "b", "c")
    vqs = handles[: op.vqs.low]
    node = Node(
        "n", name, args, vqs, handles[: op.chs.low], handles[: op.inputs.low], produces=handles[: op.produces.low]
    )
    document = json.loads(json_codec.encode(Graph(nodes=(node,), outputs=(Output("c", ("a", None)),), shots=1)))
    VALID["1.0"].validate(document)
    for change in (
        {"args": {**args, "nonsense": 1}},
        {"op": name + "_"},
        {"produces": [f"e{k}" for k in range((op.produces.high or 3) + 1)]},
        {"extra": 1},
    ):
        broken = json.loads(json.dumps(document))
        broken["program"]["nodes"][0].update(change)
        assert not VALID["1.0"].is_valid(broken), change


def test_expressions_may_stand_for_numbers():
    node = {"id": "a", "op": "APPLY_RX", "vqs": ["q"], "args": {"theta": "3*pi/4"}}
    VALID["0.1"].validate({"program": {"nodes": [node]}})
    VALID["1.0"].validate({"version": "1.0", "program": {"nodes": [node]}})
