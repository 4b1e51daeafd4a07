"""The native core's sources say what they are for and stay short; its stub names what the module has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import qmk_native

NATIVE = Path(__file__).resolve().parents[2] / "native"
SOURCES = sorted(NATIVE.glob("src/**/*.rs"))
HARD_LIMIT_LINES = 600


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(NATIVE)))
def test_a_file_begins_with_what_it_is_for_and_is_short(path):
    text = path.read_text()
    assert text.startswith("//! ")
    assert text.count("\n") <= HARD_LIMIT_LINES


def test_the_stub_names_what_the_module_has():
    body = ast.parse((NATIVE / "qmk_native.pyi").read_text()).body
    names = {node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    names |= {n.target.id for n in body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    public = {name for name in dir(qmk_native) if not name.startswith("_") and name != "qmk_native"}
    assert names - {"__version__"} == public


def test_every_function_and_class_of_the_stub_is_described():
    for node in ast.parse((NATIVE / "qmk_native.pyi").read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            assert ast.get_docstring(node), node.name
