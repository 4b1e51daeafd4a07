"""Hooks of MkDocs: what the site makes of pages that are written to be read in the repository as well.

The navigation is ``docs/index.md``: its headings are the sections, its links the entries, in their order, and a page is
named once. The decisions follow from the links of their own index. A link to a file outside ``docs/`` becomes the name
of the file; a state diagram becomes a table of its moves, since the script that draws diagrams would come from another
host. Only the standard library is used, so that the suite tests this without MkDocs.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+\.md)(#[^)\s]*)?\)")
OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(?:#[^)\s]*)?\)")
FENCE = re.compile(
    r"^(?P<marks>`{3,})(?P<kind>[a-z0-9]+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=marks)$", re.DOTALL | re.MULTILINE
)
MOVE = re.compile(r"^\s*(\S+) --> (\S+?)(?:: (.*))?$", re.MULTILINE)
INDEX = "index.md"
INDEXES = ("adr/README.md",)
"""Pages whose links are the entries below them."""


def headings(text: str) -> list[tuple[int, str, str]]:
    """Level, title and text of each section of an index, in order."""
    parts = re.split(r"^(#{2,3}) (.+)$", text, flags=re.MULTILINE)
    return [(len(parts[i]), parts[i + 1].strip(), parts[i + 2]) for i in range(1, len(parts), 3)]


def entries(text: str, docs: Path) -> list[Any]:
    """The entries of the navigation that a piece of an index names: a title and a page each."""
    found: list[Any] = []
    for title, page, _ in LINK.findall(text):
        if page.startswith("../"):
            continue
        if page in INDEXES:
            folder = posixpath.dirname(page)
            below = [posixpath.join(folder, name) for _, name, _ in LINK.findall((docs / page).read_text())]
            found += [page, *(name for name in dict.fromkeys(below) if not name.endswith("0000-template.md"))]
        else:
            found.append({title.replace("`", ""): page})
    return found


def navigation(docs: Path) -> list[Any]:
    """The navigation of the site, as MkDocs takes it, from ``index.md`` in ``docs``."""
    nav: list[Any] = [{"Home": INDEX}]
    for level, title, text in headings((docs / INDEX).read_text()):
        if level == 2:
            nav.append({title: entries(text, docs)})
        else:
            next(iter(nav[-1].values())).append({title: entries(text, docs)})
    return nav


def pages_of(nav: list[Any]) -> list[str]:
    """Every page that a navigation names, in order, as often as it is named."""
    found: list[str] = []
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else (entry,):
            found += pages_of(value) if isinstance(value, list) else [value]
    return found


def table_of_moves(diagram: str) -> str:
    """A state diagram of Mermaid as a table of its moves."""
    rows = [f"| `{a}` | `{b}` | {why} |" for a, b, why in MOVE.findall(diagram) if "[*]" not in (a, b)]
    starts = [f"| | `{b}` | {why} |" for a, b, why in MOVE.findall(diagram) if a == "[*]"]
    return "\n".join(["| from | to | when |", "|---|---|---|", *starts, *rows])


def render(text: str, page: str) -> str:
    """The Markdown of a page as the site takes it; ``page`` is its path below ``docs``."""

    def name_file(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match[2]))
        if path.startswith("docs/"):
            return match[0]
        return f"`{path}`" if match[1].strip("`") in path else f"{match[1]} (`{path}`)"

    def plain_fence(match: re.Match[str]) -> str:
        if match["kind"] == "mermaid":
            return table_of_moves(match["body"])
        kind = "pycon" if match["kind"] == "python" and ">>> " in match["body"] else match["kind"]
        file = re.search(r"file=(\S+)", match["info"])
        title = f' title="{file[1]}"' if file else ""
        return f"{match['marks']}{kind}{title}\n{match['body']}{match['marks']}"

    parts: list[str] = []
    end = 0
    for match in FENCE.finditer(text):
        parts += [OUTSIDE.sub(name_file, text[end : match.start()]), plain_fence(match)]
        end = match.end()
    return offer_notebook("".join([*parts, OUTSIDE.sub(name_file, text[end:])]), page)


def offer_notebook(text: str, page: str) -> str:
    """A tutorial with the link to its notebook, which ``tools/notebooks.py`` writes beside it, below its title."""
    if posixpath.dirname(page) != "tutorials":
        return text
    name = posixpath.basename(page).replace(".md", ".ipynb")
    return re.sub(
        r"\A(# .+\n)",
        rf'\1\n<a href="{name}" download>Download as a notebook</a> for Jupyter, with its outputs.\n',
        text,
    )


def on_config(config: Any) -> Any:
    """Give MkDocs the navigation."""
    config.nav = navigation(Path(config.docs_dir))
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Give MkDocs the page as the site takes it."""
    return render(markdown, page.file.src_uri)
