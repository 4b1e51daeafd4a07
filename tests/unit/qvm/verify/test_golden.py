"""One golden invalid program per rule: it breaks that rule and no other, whichever way it is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, TABLE
from qmk.formats import json_codec
from qmk.qvm.graph import Graph, Node, Output
from qmk.qvm.verify import GROUPS, RULES, verify

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "tests" / "golden" / "verify"
FILES = sorted(FOLDER.glob("*.qvm.json"))


def graph_of(document: dict[str, Any]) -> Graph:
    """The document as a graph as it stands, without the reader's own checks."""
    resources = document["resources"]
    outputs = document.get("outputs")
    return Graph(
        version=document["version"],
        nodes=msgspec.convert(document["program"]["nodes"], tuple[Node, ...]),
        vqs=tuple(resources["vqs"]),
        chs=tuple(resources["chs"]),
        events=tuple(resources["events"]),
        caps=tuple(document["caps"]),
        families=tuple(document.get("families", ())),
        outputs=None if outputs is None else msgspec.convert(outputs, tuple[Output, ...]),
        shots=document.get("shots"),
        metadata=document.get("metadata", {}),
    )


def options(document: dict[str, Any]) -> dict[str, Any]:
    chosen = document.get("metadata", {}).get("verify", {})
    held = chosen.get("held_caps")
    return {"strict": chosen.get("strict", False), "held_caps": None if held is None else frozenset(held)}


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch):
    def shrink(document: dict[str, Any]) -> None:
        for name, value in document.get("metadata", {}).get("verify", {}).get("limits", {}).items():
            monkeypatch.setitem(TABLE, name, TABLE[name]._replace(value=value))
            monkeypatch.setattr(LIMITS, name, value)

    return shrink


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".qvm.json"))
def test_breaks_exactly_its_rule(path: Path, small_limits):
    document = json.loads(path.read_text())
    rule = path.name.removesuffix(".qvm.json")
    small_limits(document)
    report = verify(graph_of(document), **options(document))
    assert {finding.rule for finding in report.findings} == {rule}
    for finding in report.findings:
        assert finding.help
        assert finding.message
        assert finding.severity == ("error" if options(document)["strict"] else RULES[rule].severity)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".qvm.json"))
def test_is_refused_through_the_reader_too(path: Path, small_limits):
    """The JSON reader may refuse first (a version, a type), but nothing broken comes through both."""
    document = json.loads(path.read_text())
    rule = RULES[path.name.removesuffix(".qvm.json")]
    small_limits(document)
    found: set[str] = set()
    try:
        graph, _ = json_codec.decode(path.read_bytes())
        found = {finding.rule for finding in verify(graph, **options(document)).findings}
    except QmkError as error:
        found = {rule.id} if error.kind.name in ("INVALID_GRAPH", "QUOTA_EXCEEDED") else found
    assert rule.id in found


def test_every_rule_has_a_golden_program_and_a_doc_entry():
    assert {path.name.removesuffix(".qvm.json") for path in FILES} == set(RULES)
    page = (ROOT / "docs" / "reference" / "rules.md").read_text()
    for rule in RULES.values():
        assert f"### {rule.id}: {rule.title}" in page


def test_rules_are_declared_once_and_complete():
    rules = [rule for group in GROUPS.values() for rule in group]
    assert len({rule.id for rule in rules}) == len(rules) == len(RULES)
    letters = dict(zip(GROUPS, "SLETCFB", strict=True))
    for group, members in GROUPS.items():
        for rule in members:
            assert re.fullmatch(rf"QVM-{letters[group]}\d\d", rule.id)
            assert rule.title
            assert rule.help
            assert rule.doc.endswith((".", ")"))


def test_a_finding_of_a_node_names_the_node():
    document = json.loads((FOLDER / "QVM-L03.qvm.json").read_text())
    (finding,) = verify(graph_of(document)).findings
    assert finding.node == "h"
    assert "'q0'" in finding.message
