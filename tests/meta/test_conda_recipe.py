"""The conda recipe requires what the project requires."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "packaging" / "conda" / "meta.yaml").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def listed(kind: str) -> set[str]:
    """The requirements of one kind without selectors: "name bounds" becomes "namebounds"."""
    found = re.search(rf"^  {kind}:\n((?:    - .*\n)+)", RECIPE, re.MULTILINE)
    assert found is not None
    return {line.partition("#")[0].replace("-", "", 1).replace(" ", "") for line in found[1].splitlines()}


def test_it_has_the_licence_of_the_project() -> None:
    assert f"license: {PROJECT['license']}" in RECIPE


def test_it_requires_what_the_project_requires() -> None:
    wanted = {need.partition(";")[0].strip() for need in PROJECT["dependencies"]}
    assert listed("run") == {f"python{PROJECT['requires-python']}", *wanted}
    assert listed("host") == {f"python{PROJECT['requires-python']}", "pip", *PYPROJECT["build-system"]["requires"]}
