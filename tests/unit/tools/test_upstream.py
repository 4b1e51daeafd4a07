"""``tools/upstream.py`` makes checkouts of the pinned commits, and touches no folder of another origin."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("upstream_tool", ROOT / "tools/upstream.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commit(repository: Path, text: str) -> str:
    repository.mkdir(exist_ok=True)
    (repository / "file").write_text(text)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "file"], [*who, "commit", "-q", "-m", text]):
        subprocess.run(["git", *words], cwd=repository, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_checkouts_are_made_moved_and_left_alone(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin, made = tmp_path / "origin", tmp_path / "made"
    first = commit(origin, "one")
    tool.SUITES = {"theirs": SimpleNamespace(repository=str(origin), commit=first, checkout="")}
    assert tool.main([str(made)]) == 0
    assert (made / "theirs/file").read_text() == "one"
    assert tool.main([str(made)]) == 0
    assert "already there" in capsys.readouterr().out
    tool.SUITES["theirs"].commit = commit(origin, "two")
    assert tool.main([str(made)]) == 0
    assert (made / "theirs/file").read_text() == "two"
    (made / "theirs/file").write_text("changed")
    assert tool.main([str(made)]) == 1
    assert "move it away" in capsys.readouterr().err
    assert (made / "theirs/file").read_text() == "changed"


def test_a_commit_that_is_not_there_is_said_and_can_be_asked_for_again(tool: Any, tmp_path: Path) -> None:
    first = commit(tmp_path / "origin", "one")
    tool.SUITES = {"theirs": SimpleNamespace(repository=str(tmp_path / "origin"), commit="0" * 40, checkout="")}
    assert tool.main([str(tmp_path / "made")]) == 1
    tool.SUITES["theirs"].commit = first
    assert tool.main([str(tmp_path / "made")]) == 0


def test_every_pinned_commit_is_a_whole_one(tool: Any) -> None:
    assert all(len(suite.commit) == 40 for suite in tool.SUITES.values())
