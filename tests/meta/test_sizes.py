"""Files and functions stay small enough to be read in one go; the exceptions are listed with their reasons."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("src/qmk/**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("tools/*.py")])
HARD_LIMIT_LINES = 600
SOFT_LIMIT_LINES = 400
FUNCTION_LINES = 60

LONG_FILES: dict[str, str] = {}

LONG_FUNCTIONS: dict[str, str] = {}


@cache
def text_of(path: Path) -> str:
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def faults(path: Path) -> Iterator[str]:
    """What is wrong with a file: its length, that of a function, no docstring."""
    text, name = text_of(path), name_of(path)
    lines = text.count("\n")
    if lines > HARD_LIMIT_LINES:
        yield f"{name}: {lines} lines; split it"
    elif lines > SOFT_LIMIT_LINES and name not in LONG_FILES:
        yield f"{name}: {lines} lines; split it, or list it in LONG_FILES with the reason"
    # scripts are programs of users, shown as they are
    if text.strip() and path.parent.name != "scripts" and not ast.get_docstring(tree_of(path)):
        yield f"{name}: say in a docstring what the file holds"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES and f"{name}:{node.name}" not in LONG_FUNCTIONS:
                yield f"{name}:{node.name} has {lines} lines; split it"


def test_files_are_short_start_with_a_docstring_and_their_functions_fit_a_screen() -> None:
    assert len(SOURCES) > 1000
    found = [fault for path in SOURCES for fault in faults(path)]
    assert not found, "\n".join(found)


def test_every_exception_still_exists_and_is_needed() -> None:
    for name, reason in LONG_FILES.items():
        assert reason
        assert (ROOT / name).read_text().count("\n") > SOFT_LIMIT_LINES, f"{name} no longer needs its exception"
    functions = {
        f"{name_of(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in {ROOT / key.partition(":")[0] for key in LONG_FUNCTIONS}
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for key, reason in LONG_FUNCTIONS.items():
        assert reason
        assert functions.get(key, 0) > FUNCTION_LINES, f"{key} no longer needs its exception"


def test_names_say_what_a_file_holds() -> None:
    vague = ("utils", "util", "helpers", "helper", "manager", "misc", "common", "enhanced", "v2")
    for path in SOURCES:
        assert not set(path.stem.split("_")) & set(vague), f"{name_of(path)}: name the thing, not its kind"
