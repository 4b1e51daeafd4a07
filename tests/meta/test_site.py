"""The documentation site has every page once in its navigation, and loads nothing from another host.

Tested without MkDocs: the navigation and what a page becomes are functions of ``tools/site_hooks.py``. ``make site``
builds the site itself, and fails at any warning.
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NO_PAGES = {"adr/0000-template.md"}


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "tools" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once(hooks: ModuleType) -> None:
    named = Counter(hooks.pages_of(hooks.navigation(DOCS)))
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} - NO_PAGES
    assert set(named) - pages == set(), "docs/index.md or docs/adr/README.md names pages that do not exist"
    assert pages - set(named) == set(), "name these pages in docs/index.md, a decision in docs/adr/README.md"
    assert [page for page, times in named.items() if times > 1] == [], "a page is named once in docs/index.md"


def test_sections_hold_pages_and_sections(hooks: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "adr").mkdir()
    (tmp_path / "adr" / "README.md").write_text("[t](0000-template.md) [0001](0001-a.md) [again](0001-a.md)\n")
    (tmp_path / "index.md").write_text(
        "# Title\n[no](x.md)\n## A\n- [`one`](a.md): and\n### B\n- [two](b/c.md#d)\n"
        "## C\n[D](adr/README.md) [e](../e.md)\n"
    )
    nav = hooks.navigation(tmp_path)
    assert nav == [
        {"Home": "index.md"},
        {"A": [{"one": "a.md"}, {"B": [{"two": "b/c.md"}]}]},
        {"C": ["adr/README.md", "adr/0001-a.md"]},
    ]
    assert hooks.pages_of(nav) == ["index.md", "a.md", "b/c.md", "adr/README.md", "adr/0001-a.md"]


def test_what_the_site_makes_of_a_page(hooks: ModuleType) -> None:
    def render(text: str) -> str:
        return hooks.render(text, "howto/page.md")

    assert render("see [it](../spec/qvm.md#x)") == "see [it](../spec/qvm.md#x)"
    assert render("[the benchmarks](../../benchmarks/README.md)") == "the benchmarks (`benchmarks/README.md`)"
    assert render("[`engine.py`](../../src/qmk/engine.py#L3)") == "`src/qmk/engine.py`"
    assert render("```python\n>>> 1\n1\n```") == "```pycon\n>>> 1\n1\n```"
    assert render("```json file=a.json\n{}\n```") == '```json title="a.json"\n{}\n```'
    inside = "````markdown\n[x](../../y.md)\n````"
    assert render(inside) == inside


def test_a_state_diagram_becomes_a_table(hooks: ModuleType) -> None:
    moves = hooks.render("```mermaid\nstateDiagram-v2\n    [*] --> A: in\n    A --> B: on\n    B --> [*]\n```", "p.md")
    assert moves.splitlines() == ["| from | to | when |", "|---|---|---|", "| | `A` | in |", "| `A` | `B` | on |"]


def test_nothing_comes_from_another_host() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert config["theme"]["font"] is False
    assert config["plugins"] == ["search"]
    assert not {"extra_javascript", "repo_url", "nav"} & set(config)
    texts = [(ROOT / "mkdocs.yml").read_text(), *(path.read_text() for path in DOCS.rglob("*.css"))]
    assert not [text for text in texts if "://" in text]
    loaded = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=|!\[[^\]]*\]\([a-z]+://")
    assert not [str(page) for page in DOCS.rglob("*.md") if loaded.search(page.read_text())]


def test_the_tools_are_locked_by_hash() -> None:
    wanted = re.findall(r"^([a-z0-9-]+)==", (ROOT / "tools" / "docs.in").read_text(), re.MULTILINE)
    entries = re.split(r"\n(?=\S)", (ROOT / "tools" / "docs.lock").read_text().strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert set(wanted) <= {entry.split("==")[0] for entry in entries}
