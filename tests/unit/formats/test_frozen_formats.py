"""One frozen file for each version of each outside form must still load, to the very same program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmk.formats import binary, json_codec
from qmk.frontends import qvm_asm, qvm_binary, qvm_json
from qmk.qvm.graph import VERSIONS, digest
from qmk.sdk.frontend import Source

FOLDER = Path(__file__).parents[2] / "golden" / "formats"
DIGESTS = json.loads((FOLDER / "digests.json").read_text())
FRONTENDS = {".json": qvm_json, ".asm": qvm_asm, ".qvmb": qvm_binary}


def load(name):
    path = FOLDER / name
    return FRONTENDS[path.suffix].FRONTEND.parse(Source(path.read_bytes(), str(path)))


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_frozen_file_loads_to_the_same_program(name):
    assert digest(load(name)) == DIGESTS[name]


def test_every_version_of_every_form_has_its_file():
    wanted = {f"qvm-{version}.qvm.json" for version in VERSIONS}
    wanted |= {f"binary-{version}.qvmb" for version in range(1, binary.VERSION + 1)} | {"assembly-1.qvm.asm"}
    assert wanted == set(DIGESTS)


def test_the_three_forms_of_one_program_are_equal():
    assert load("assembly-1.qvm.asm") == load("qvm-1.0.qvm.json") == load("binary-1.qvmb")


def test_the_old_file_is_read_in_full():
    graph, warnings = json_codec.decode((FOLDER / "qvm-0.1.qvm.json").read_bytes())
    assert sorted({row.rule for row in warnings}) == ["QVM-J16"]
    assert graph.events == ("m0", "m1", "m2", "m3")
    assert graph.metadata == {
        "description": "Every form of QVM 0.1 in one program; frozen.",
        "metadata": {"author": "golden"},
    }
    by_id = {node.id: node for node in graph.nodes}
    assert by_id["open"].args == {"fidelity": 0.99, "type": "bell_pair"}
    assert by_id["rz"].metadata == {"color": "blue", "note": ["x", 1, None]}
    assert by_id["policy"].args == {"priority": 3, "deadline": 9}
