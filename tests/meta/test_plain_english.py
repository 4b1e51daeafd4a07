"""Names and docstrings are plain English.

A function is a verb, a predicate or a noun, never a bare participle: ``settled(x)`` does not say what happens. The
field's term wins over a picture. A docstring begins with a whole sentence, also one of a constant.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src/qmk"
HOWTO = Path(__file__).parents[2] / "docs/howto"

IRREGULAR = frozenset({
    "told", "asked", "found", "made", "taken", "given", "drawn", "thrown", "shown", "written", "kept", "lost", "sent",
    "held", "built", "struck", "known", "seen", "late", "done", "gone", "heard", "laid", "paid", "spent", "met",
    "chosen", "hidden", "grown", "shaken", "begun", "caught", "bought", "led", "fed", "elsewhere", "beside", "alone",
    "apart", "without",
})  # fmt: skip
"""Participles that do not end in -ed, and words that say where or how but not what happens."""

VERBS = frozenset({"need", "feed", "seed", "speed", "embed", "exceed", "proceed"})
"""Verbs and nouns that end in -ed."""

OF_FUTURES = {"client/job.py": frozenset({"done", "cancelled"})}
"""Methods of handles, which have the names that ``concurrent.futures`` gives them."""

PICTURES = re.compile(
    r"(?i)office|etiquette|tending|mishap|workshop|elsewhere|patience|(?<![a-z])(?:dice|toss|doors?)(?![a-z])"
)
"""Words of ours where the field has its own: requests, housekeeping, loss events, factory, rng, protocol adapter."""

IS_NO = re.compile(
    r"(?<![Tt]here )\b(?:is|was|are|were) no (?!longer|more|further|less|later|better|larger|smaller|other)"
)
"""A denial as nobody says it: a value "is not a number"."""


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every docstring with its line, also those of constants and fields."""
    for parent in ast.walk(tree):
        for node in getattr(parent, "body", ()) if isinstance(getattr(parent, "body", None), list) else ():
            match node:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    yield node.lineno, text.strip()


def is_participle(name: str) -> bool:
    word = name.strip("_")
    return word in IRREGULAR or (re.fullmatch(r"[a-z]+ed", word) is not None and word not in VERBS)


def complaints(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    where = path.relative_to(ROOT)
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                of_futures = name in OF_FUTURES.get(str(where), ())
                if not isinstance(node, ast.ClassDef) and is_participle(name) and not of_futures:
                    yield f"{where}:{node.lineno}: the function '{name}' is a participle; say what it does"
                if PICTURES.search(name):
                    yield f"{where}:{node.lineno}: '{name}': take the field's term"
            case ast.Constant(value=str() as text) if found := IS_NO.search(text):
                around = text[max(0, found.start() - 20) : found.end() + 20]
                yield f"{where}:{node.lineno}: '{around}': write 'is not a'"
    for line, text in docstrings(tree):
        if not text or text[0].islower():
            yield f"{where}:{line}: a docstring begins in the middle of a sentence: '{text[:50]}'"
        if not re.search(r"[.:?!](?:[\s\"')]|$)", text):
            yield f"{where}:{line}: a docstring ends without a full stop: '{text[-50:]}'"


def test_sources_read_as_plain_english() -> None:
    found = [line for path in sorted(ROOT.rglob("*.py")) for line in complaints(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", sorted(path.name for path in HOWTO.glob("*.md")))
def test_a_page_begins_with_what_its_reader_can_do_after_it(page: str) -> None:
    title, first, *_ = (HOWTO / page).read_text(encoding="utf-8").split("\n\n")
    assert title.startswith("# ")
    assert re.match(r"After this page you can ", first), f"docs/howto/{page} begins '{first[:60]}'"
