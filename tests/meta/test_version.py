"""The version is ``qmk.__version__``: what has to repeat it agrees, and the changelog has a section of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import qmk

ROOT = Path(__file__).resolve().parents[2]
CRATE = f'name = "qmk-native"\nversion = "{qmk.__version__}"'


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("native/Cargo.toml", CRATE),
        ("native/Cargo.lock", CRATE),
        ("native/fuzz/Cargo.lock", CRATE),
        ("packaging/conda/meta.yaml", f'version: "{qmk.__version__}"'),
    ],
)
def test_what_repeats_the_version_agrees(file: str, text: str) -> None:
    assert text in (ROOT / file).read_text()


@pytest.mark.parametrize("file", ["pyproject.toml", "native/pyproject.toml"])
def test_packages_take_it_from_there(file: str) -> None:
    assert "version" in tomllib.loads((ROOT / file).read_text())["project"]["dynamic"]


def test_the_changelog_has_sections_of_versions_the_newest_first() -> None:
    sections = re.findall(r"^## \[(.+)\](?: - (.+))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    assert sections[1][0] == qmk.__version__
    released = [(tuple(map(int, version.split("."))), date) for version, date in sections[1:]]
    assert released == sorted(released, reverse=True)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for _, date in released)
