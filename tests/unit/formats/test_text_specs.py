"""The pages on assembly, binary and JSON: their examples run, their tables are fresh."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.formats import binary
from qmk.formats.asm import assemble, disassemble
from qmk.formats.asm.tree import BLOCKS, DECLARATIONS

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "spec"
ASSEMBLY = (PAGES / "assembly.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```asm(?: error (\S+))?\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("rule", "text"), BLOCK.findall(ASSEMBLY))
def test_assembly_example(rule, text):
    if rule:
        with pytest.raises(QmkError) as caught:
            assemble(text)
        assert [row.rule for row in caught.value.findings] == [rule]
        return
    graph = assemble(text)
    assert graph.nodes
    assert assemble(disassemble(graph)) == graph


@pytest.mark.parametrize("name", ["assembly.md", "binary.md", "json.md"])
def test_python_examples(name):
    result = doctest.testfile(str(PAGES / name), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 3


def test_generated_tables_are_fresh():
    spec = importlib.util.spec_from_file_location("generate_text_specs", ROOT / "tools" / "generate_text_specs.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.main(check=True) == 0


def test_every_directive_is_on_the_page():
    for word in (*DECLARATIONS, *(word for word in BLOCKS if word not in ("else", "endif"))):
        assert f".{word}" in ASSEMBLY, word


def test_the_layout_names_every_item():
    page = (PAGES / "binary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z, ]+) \| (?!fault|type|gives)", page, re.MULTILINE)
    listed = [name for row in rows for name in row.split(", ") if name not in ("rule", "item")]
    assert listed == list(binary._Body.__struct_fields__)
    assert f"array of {len(listed)} items" in page
