"""Every example in README and docs runs and prints what the page says; what one is says ``tools/page_blocks.py``.

``$DATABASE_URL`` in a command is a PostgreSQL schema of the page's own. A picture that a page makes and shows is kept
in ``docs/images``; with ``QMK_KEEP_PICTURES=1`` those that a run makes take their place.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from page_blocks import BLOCK, RUN, Page, blocks, commands, matches

from tests.cloud.fixtures import azure, ionq, iqm  # noqa: F401
from tests.e2e.commands import Commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")


def check_pictures(page: Path, here: Page) -> None:
    """A tutorial makes every picture that it shows, other pages some of theirs."""
    makes_all = page.parent.name == "tutorials" or page.name == "start.md"
    for name in re.findall(r"!\[[^\]]+\]\((?:\.\./)?images/([\w-]+\.svg)\)", page.read_text()):
        if not makes_all and not (here.folder / name).exists():
            continue
        assert "<svg" in (here.folder / name).read_text()
        if os.environ.get("QMK_KEEP_PICTURES"):
            shutil.copy(here.folder / name, ROOT / "docs" / "images" / name)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_run(
    forked: Commands, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    runnable = [block for block in blocks(page) if block.file or block.kind in RUN]
    if not runnable:
        return
    here = Page(tmp_path, forked.program())
    if any("$DATABASE_URL" in block.body for block in runnable):
        here.environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    for provider in ("azure", "ionq", "iqm") if page.name == "cloud.md" else ():
        request.getfixturevalue(provider)  # a recorded server on this machine
    monkeypatch.chdir(tmp_path)
    for name in ("QMK_SOCKET", "QMK_STATE_DIR", "QMK_CONFIG_DIR"):
        monkeypatch.setenv(name, here.environment[name])
    try:
        for block in runnable:
            try:
                here.run(block)
            except Exception as error:
                raise AssertionError(f"{page.relative_to(ROOT)}, block at line {block.line}: {error}") from error
        check_pictures(page, here)
    finally:
        here.close()


def test_links_lead_somewhere() -> None:
    wrong = [
        f"{page.relative_to(ROOT)} links to {target}, which does not exist"
        for page in PAGES
        for target in LINK.findall(BLOCK.sub("", page.read_text()))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert not wrong, "\n".join(wrong)


ANCHOR = re.compile(r"\[[^\]]+\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$|<a id=\"([^\"]+)\"|\{#([\w-]+)\}", re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page: of each heading its words, as GitHub and the site number those that come again."""
    found: Counter[str] = Counter()
    for heading, name, short in HEADING.findall(BLOCK.sub("", page.read_text())):
        words = re.sub(r"[^\w\s-]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).strip()
        found[name or short or re.sub(r"[-\s]+", "-", words)] += 1
    return {f"{word}{mark}{i}" if i else word for word, n in found.items() for i in range(n) for mark in "-_"}


def test_anchors_exist() -> None:
    wrong = [
        f"{page.relative_to(ROOT)} links to {target}#{anchor}, no heading there"
        for page in PAGES
        for target, anchor in ANCHOR.findall(BLOCK.sub("", page.read_text()))
        if "://" not in target
        and (there := (page.parent / target) if target else page).suffix == ".md"
        and anchor not in anchors(there.resolve())
    ]
    assert not wrong, "\n".join(wrong)


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set[Path](), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        todo += [page.parent / target for target in LINK.findall(page.read_text()) if "://" not in target]
    missing = [str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md") if page.resolve() not in reached]
    assert not missing


def test_the_matcher_is_strict() -> None:
    assert matches("a ... c", "a b\nb c\n")
    assert not matches("a c", "a b c")
    assert not matches("a ...", "b")
    assert commands("$ x\n1\n2\n$ y\n") == [("x", "1\n2"), ("y", "")]
