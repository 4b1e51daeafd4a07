"""Nothing is declared without its page, its test and its golden file."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from functools import cache
from pathlib import Path

import click
import pytest

import qmk
from qmk.abi.calls import CALLS
from qmk.abi.operator import OPERATOR_CALLS
from qmk.base.errors import KINDS
from qmk.base.limits import TABLE
from qmk.cli.main import cli
from qmk.qvm.families import FAMILIES, OPS
from qmk.sdk import discovery

ROOT = Path(__file__).resolve().parents[2]
ENGINES = discovery.own_plugins("engines")
FRONTENDS = discovery.own_plugins("frontends")
PASSES = discovery.own_plugins("passes")
GENERATED_PAGES = {"errors.md", "limits.md", "ops.md", "rules.md", "cli.md"}


@cache
def text_below(*folders: str) -> str:
    """All text of the files in these folders, this file left out."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in paths if path.name != Path(__file__).name)


@cache
def words_below(*folders: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text_below(*folders)))


@cache
def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def names(word: str, text: str) -> bool:
    """Whether the word stands in the text by itself; one that begins in a longer one is looked at again behind it."""
    whole, at = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])"), text.find(word)
    while at >= 0 and not whole.match(text, at):
        at = text.find(word, at + 1)
    return at >= 0


@pytest.mark.parametrize("op", OPS)
def test_op_has_page_test_and_golden_file(op: str) -> None:
    assert names(op, page("reference/ops.md"))
    spellings = (op, OPS[op].legacy or op)
    assert any(names(spelling, text_below("tests/golden")) for spelling in spellings), "no golden file uses it"


@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_family_has_a_section(family: str) -> None:
    assert names(family, page("reference/ops.md"))


@pytest.mark.parametrize("call", [call.name for call in (*CALLS, *OPERATOR_CALLS)])
def test_call_has_page_and_test(call: str) -> None:
    assert names(call, page("spec/qsyscall.md"))
    assert names(call, text_below("tests")), "no test names it"


@pytest.mark.parametrize("alias", [alias for call in CALLS for alias in call.aliases])
def test_alias_has_page_and_test(alias: str) -> None:
    assert names(alias, page("spec/qsyscall.md"))


@pytest.mark.parametrize("error", KINDS)
def test_error_has_page_test_and_a_place_that_raises_it(error: str) -> None:
    assert names(error, page("reference/errors.md"))
    assert names(error, text_below("tests")), "no test names it"
    assert words_below("src/qmk")[error] > 2, "nothing raises it"


@pytest.mark.parametrize("limit", TABLE)
def test_limit_has_page_and_is_held(limit: str) -> None:
    assert names(limit, page("reference/limits.md"))
    text = text_below("src/qmk")
    assert len(re.findall(rf"LIMITS\.{limit}\b", text)) + text.count(f'"{limit}"') > 1, "declared, but nothing holds it"


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_has_page_and_conformance_test(engine: str) -> None:
    assert names(engine, page("reference/engines.md"))
    assert names(engine, text_below("tests/conformance")) or "engines()" in text_below("tests/conformance")


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_frontend_has_page_and_test(frontend: str) -> None:
    assert names(frontend, text_below("docs"))
    assert names(frontend, text_below("tests")), "no test names it"


@pytest.mark.parametrize("command", cli.list_commands(click.Context(cli)))
def test_command_has_page_file_and_end_to_end_test(command: str) -> None:
    assert f"## qmk {command}\n" in page("reference/cli.md")
    assert (ROOT / "src" / "qmk" / "cli" / f"{command}.py").exists()
    assert f'"{command}"' in text_below("tests/e2e")


def test_every_module_of_a_room_of_plugins_is_one() -> None:
    for group, shipped in (("engines", ENGINES), ("frontends", FRONTENDS), ("passes", PASSES)):
        assert shipped.keys() == getattr(discovery, group)().keys() == discovery.plugins(group).keys()
        assert not discovery.problems(group)


@pytest.mark.parametrize("name", [name for name in qmk.__all__ if inspect.isfunction(getattr(qmk, name))])
def test_every_public_function_says_what_it_raises(name: str) -> None:
    assert re.search(r"Raises\s+``QmkError``", inspect.getdoc(getattr(qmk, name)) or "")


@pytest.mark.parametrize("name", [name for name in qmk.__all__ if name != "__version__"])
def test_every_public_name_is_in_the_reference(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text()
    assert f"\n### qmk.{name}\n" in page
