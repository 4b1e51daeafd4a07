"""The generated page is fresh, and the declarations say all that it needs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.abi.call import Call
from qmk.abi.calls import BY_NAME, CALLS, METHODS
from qmk.base.errors import KINDS
from qmk.rpc import describe
from tests.exchanges import EXAMPLES

ROOT = Path(__file__).parents[3]

ALIASES = {
    "qmk_session_create": "q_negotiate_caps",
    "qmk_job_submit": "q_submit",
    "qmk_job_wait": "q_wait",
    "qmk_job_result": "q_result",
    "qmk_resource_query": "q_query_resources",
}


def test_the_page_equals_a_fresh_generation() -> None:
    tool: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "generate_qsyscall.py"))
    assert (ROOT / "docs" / "spec" / "qsyscall.md").read_text(encoding="utf-8") == tool["page"]()


def test_aliases_are_the_same_calls() -> None:
    found = {alias: call.name for alias, call in METHODS.items() if alias != call.name}
    assert found == ALIASES
    assert len(BY_NAME) == len(CALLS) == 30


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_declaration_is_complete(call: Call) -> None:
    assert call.doc.endswith(".")
    assert set(call.errors) <= KINDS.keys()
    assert all(row.doc for row in describe.fields(call.request)), "every parameter says what it means"
    params, answer = EXAMPLES[call.name]
    assert msgspec.json.decode(msgspec.json.encode(params), type=call.request)
    assert msgspec.convert(answer, call.reply)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_session_is_named_wherever_one_is_needed(call: Call) -> None:
    fields = {row.path: row for row in describe.fields(call.request)}
    if call.name == "q_negotiate_caps":
        assert "session_id" not in fields
    else:
        assert fields["session_id"].required == (call.name != "q_query_resources")
