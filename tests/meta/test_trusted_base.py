"""The trusted base stays small, and can be read from the bottom up: no file of it needs one that needs it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"
ROOMS = ("base", "qvm", "abi", "kernel")
BOUNDS = {"kernel": 7_175, "base + qvm + abi + kernel": 13_513}
"""Most lines of code: neither blank nor comment, docstrings counted. They are meant to fall: lower them when the code
has become smaller. To raise one, write in docs/adr what the base must do that policy cannot."""


def files(room: str) -> list[Path]:
    return sorted((SRC / "qmk" / room).rglob("*.py"))


def lines_of_code(room: str) -> int:
    lines = (line.strip() for path in files(room) for line in path.read_text().splitlines())
    return sum(1 for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("rooms", BOUNDS)
def test_the_trusted_base_does_not_grow(rooms: str) -> None:
    count = sum(lines_of_code(room) for room in rooms.split(" + "))
    assert count <= BOUNDS[rooms], (
        f"{rooms}: {count} lines of code, {BOUNDS[rooms]} allowed; move what needs no trust to qmk.policy, or raise "
        "the bound here with an ADR that says why"
    )


def imports() -> dict[str, set[str]]:
    """What each module of the trusted base imports of it, for types alone too."""
    names = {
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
        for room in ROOMS
        for path in files(room)
    }
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        used: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                used |= (inside & names.keys()) or {node.module} & names.keys()
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names} & names.keys()
        found[name] = used - {name}
    return found


def test_no_module_needs_one_that_needs_it() -> None:
    """Modules are taken away as soon as all that they import is gone; what is left is in a circle, or above one."""
    left = imports()
    while ready := [name for name, used in left.items() if not used & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, f"import circle (imports for types count) among or below {sorted(left)}"
