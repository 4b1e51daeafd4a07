"""The recipes of CONTRIBUTING.md are true: in a copy of the tree, their blocks are applied and their tests pass.

A block with ``recipe=PATH`` in its info string is a new file; one of kind ``diff`` adds its ``+`` lines to a file in
which the other lines stand together once. All recipes are applied to one copy, then the generated files are written.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"^### (?P<name>[^\n]+)\n(?P<text>.*?)(?=^##)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(?P<kind>\w+) recipe=(?P<path>\S+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
RECIPES = {
    found["name"]: {block["path"]: block for block in BLOCK.finditer(found["text"])}
    for found in SECTION.finditer((ROOT / "CONTRIBUTING.md").read_text())
    if BLOCK.search(found["text"])
}
MOST_FILES = {"An engine": 2, "A front-end": 3, "A pass": 2, "A gate": 1, "A noise channel": 2, "A command": 2}
"""of each recipe, beside generated ones"""

GUARDS = ("tests/meta/test_completeness.py", "tests/meta/test_generated.py", "tests/unit/sdk/test_discovery.py")
"""what notices a thing that is registered in one place only"""


def test_a_recipe_touches_few_files() -> None:
    assert {name: len(blocks) for name, blocks in RECIPES.items()} == MOST_FILES


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which every recipe was followed."""
    folder = tmp_path_factory.mktemp("tree")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for blocks in RECIPES.values():
        for path, block in blocks.items():
            follow(folder / path, block["kind"], block["body"])
    run(folder, "tools/generate.py")
    return folder


def follow(path: Path, kind: str, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind != "diff":
        assert not path.exists(), f"{path} is there already: a recipe makes a new file"
        path.write_text(body)
        return
    lines = body.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if not line.startswith("+"))
    text = path.read_text()
    assert text.count(before) == 1, f"the recipe's context must stand once in {path}:\n{before}"
    path.write_text(text.replace(before, "".join(line[1:] for line in lines)))


def run(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RECIPES)
def test_the_tests_of_a_recipe_pass(tree: Path, name: str) -> None:
    tests = [path for path in RECIPES[name] if path.startswith("tests/")]
    if name == "A pass":
        tests.append("tests/conformance/test_passes.py::test_shipped[barriers]")
    if name == "A gate":
        tests += ["tests/unit/qvm/test_declarations.py", "tests/unit/frontends/test_qasm3_emit.py"]
        tests += ["tests/conformance/test_engines.py", "-k", "rxy and not native"]
    run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


@pytest.mark.timeout(600)
def test_nothing_else_has_to_be_told(tree: Path) -> None:
    run(tree, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *GUARDS)
    new = [path for blocks in RECIPES.values() for path in blocks if path.endswith(".py")]
    ruff = Path(sys.executable).parent / "ruff"
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *arguments, *new], cwd=tree, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
