"""Verdicts on public QVM 0.1 programs, and on invalid ones with the class of error to report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.formats import json_codec
from qmk.qvm.verify import verify

FOLDER = Path(__file__).parents[4] / "tests" / "golden" / "qvm01"
PEER = [json.loads(line) for line in (FOLDER / "peer-graphs.jsonl").read_text().splitlines()]
REJECT = json.loads((FOLDER / "reject.json").read_text())["cases"]

CLASSES = {
    "linearity_violation": ("QVM-L",),
    "firewall_violation": ("QVM-F",),
    "capability_missing": ("QVM-C",),
    "invalid_graph": ("QVM-S", "QVM-J"),
}
EXPECTED = {
    "INVALID_GRAPH/schema": ("QVM-S", "QVM-J"),
    "INVALID_GRAPH/undeclared": ("QVM-S06",),
    "INVALID_GRAPH/event": ("QVM-E",),
    "INVALID_GRAPH/linearity": ("QVM-L",),
    "INVALID_GRAPH/type": ("QVM-T",),
    "INVALID_GRAPH/profile": ("QVM-T07",),
    "INSUFFICIENT_CAPS": ("QVM-C",),
}


def judge(raw: Any, held: frozenset[str] | None = None) -> tuple[QmkError | None, list[str], list[str]]:
    """The error if any, the rules of its errors, and the verifier's warnings."""
    try:
        graph, _ = json_codec.decode(json.dumps(raw).encode())
    except QmkError as error:
        return error, [finding.rule for finding in error.findings if finding.severity == "error"], []
    report = verify(graph, held_caps=held)
    return report.error(), [f.rule for f in report.errors], [f.message for f in report.warnings]


@pytest.mark.parametrize("entry", PEER, ids=lambda entry: entry["id"])
def test_peer_graph(entry: dict[str, Any]):
    should = entry["should"]
    classes = {kind for kind, _ in should["errors"]}
    held = frozenset({"CAP_ALLOC"}) if "capability_missing" in classes else None
    error, rules, warnings = judge(entry["graph"], held)
    assert (error is None) == should["accept"]
    for kind in classes:
        assert any(rule.startswith(CLASSES[kind]) for rule in rules), (kind, rules)
    allowed = tuple(prefix for kind in classes for prefix in CLASSES[kind])
    beside = [rule for rule in rules if not rule.startswith(allowed)] if classes else rules
    # An undeclared and never allocated handle counts as one linearity violation there; here its declaration counts too.
    assert set(beside) <= {"QVM-S06", "QVM-S08"}
    if should["accept"]:
        leaks = any(text.startswith("never measured or freed") for text in should["warnings"])
        assert any(text.startswith("never measured or freed") for text in warnings) == leaks
    if "capability_missing" in classes:
        assert judge(entry["graph"])[0] is None


@pytest.mark.parametrize("case", REJECT, ids=lambda case: case["name"])
def test_reject(case: dict[str, Any]):
    error, rules, _ = judge(case["graph"])
    assert error is not None
    assert error.kind.name == case["expect"].partition("/")[0]
    assert any(rule.startswith(EXPECTED[case["expect"]]) for rule in rules)


def test_a_measured_qubit_stays_usable_where_the_peer_contradicts_itself():
    conflicts = [entry for entry in PEER if "conflict" in entry["should"]]
    assert len(conflicts) >= 4
    for entry in conflicts:
        assert judge(entry["graph"])[0] is None
