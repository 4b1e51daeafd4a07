"""What no tracked file may hold: names of one person's machine, unfinished work and merges, large binaries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE_PATHS = re.compile("/" + "(?:work|root|opt/wheels)" + r"/[a-z]|/home/[a-z]+/")
PACKAGE_HOSTS = re.compile(
    r"--(?:extra-)?index-url\b|--find-links\b(?!`| wheels)|https?://[\w.-]*(?:pypi|pythonhosted|npmjs|registry)[\w.-]*"
)
UNFINISHED = re.compile(
    r"\b(?:TO" + "DO|FIX" + "ME)\\b|NotImplemented" + "Error|pragma: no " + "cover|pytest.mark.sk" + "ip(?!if)"
)
CONFLICTS = re.compile("^(?:<{7} |>{7} )", re.MULTILINE)
LARGEST_BYTES = 1 << 20


def tracked() -> list[Path]:
    """Files of the repository; of an unpacked source archive, what stands in its folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    folders = ("src", "tests", "docs", "examples", "benchmarks", "tools", "schemas")
    return [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]


def text_of(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, PACKAGE_HOSTS], ids=["machine-paths", "package-hosts"])
def test_no_private_names(pattern: re.Pattern[str]) -> None:
    allowed = {"tests/meta/test_tracked_files.py", "Makefile"}
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if str(path.relative_to(ROOT)) not in allowed and (match := pattern.search(text_of(path)))
    ]
    assert not found


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path.suffix == ".py" and path.name != Path(__file__).name and (match := UNFINISHED.search(text_of(path)))
    ]
    assert not found


def test_no_merge_was_left_half_done() -> None:
    assert not [str(path.relative_to(ROOT)) for path in tracked() if CONFLICTS.search(text_of(path))]


def test_no_large_files() -> None:
    assert not [str(path.relative_to(ROOT)) for path in tracked() if path.stat().st_size > LARGEST_BYTES]


def test_notice_names_every_folder_of_third_party_data() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for readme in (ROOT / "tests" / "golden").glob("*/README.md"):
        text = readme.read_text()
        if "MIT" in text or "BSD" in text:
            assert f"tests/golden/{readme.parent.name}" in notice


def test_lock_file_pins_every_dependency_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", lock.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_lock_file_covers_the_project() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.match(r"[A-Za-z0-9._-]+", requirement).group().lower() for requirement in wanted}  # type: ignore[union-attr]
    assert names - {project["name"]} <= locked, "run: make lock"  # an extra may be made of others of ours
