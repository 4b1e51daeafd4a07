"""What a message tells to install is a distribution that the project names, never a module: under that name an index
may have nothing, or what somebody else put there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qmk.sdk import discovery, interpreters
from qmk.sdk.frameworks import LOCKS, pins

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions() -> set[str]:
    needs = [*PROJECT["dependencies"], *(need for extra in PROJECT["optional-dependencies"].values() for need in extra)]
    needs += [pin for lock in LOCKS.glob("*.txt") for pin in pins(lock)]
    return {canonical(re.split(r"[^A-Za-z0-9._-]", need)[0]) for need in needs} | {PROJECT["name"]}


def told(text: str) -> list[str]:
    """The names after each ``pip install`` of a text."""
    found = re.findall(r"pip install (?:-U )?('[^']+'|[^,;:\n]+)", text)
    return [canonical(name.partition("[")[0].strip("',.\"")) for part in found for name in part.strip("'").split()]


class Empty:
    """An environment of an engine's own in which nothing is installed."""

    trouble, version = "", (3, 13)

    def has(self, module: str) -> bool:
        return False


@pytest.mark.parametrize("name", sorted(discovery.engines()))
def test_hints_of_engines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = discovery.engines()[name]
    monkeypatch.setattr(discovery, "_present", lambda module: False)
    monkeypatch.setattr(interpreters, "look", lambda path: Empty())
    apart = Path("/opt/apart/bin/python")
    hints = [discovery.here(declaration).hint]
    if name not in ("native", "rydberg"):
        hints.append(discovery._there(declaration, apart).hint)
    names: list[str] = [each for hint in hints for each in told(hint)]
    assert names
    assert set(names) <= distributions()


def test_an_engine_without_a_library_of_its_own() -> None:
    nobody: Any = SimpleNamespace(library="")
    assert discovery._to_install(nobody, ("secret_module", "numpy")) == f"{PROJECT['name']} numpy"


def test_every_other_message() -> None:
    texts = [path.read_text() for path in (ROOT / "src").rglob("*.py")]
    names = {name for text in texts for name in told(text) if "{" not in name}
    assert names <= distributions() | {"pysqlite3"}, "pysqlite3 is SQLite newer than Python's own"
