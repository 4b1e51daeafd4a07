"""Options of a run: each is declared once, checked by one object, and refused by calls that cannot honour it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from generate_keywords import class_name

import qmk
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.qvm.outputs import Outputs
from qmk.request import keywords
from qmk.request.options import CALLS, OPTIONS, RunOptions, read_options
from qmk.request.scripts import ScriptOptions

GIVEN: dict[str, Any] = {
    "shots": 10, "seed": 1, "engine": "native", "params": {"a": 1.0}, "format": "qasm3", "strict": True,
    "noise": "p=1e-3", "error": 0.1, "qec": "surface(d=3)", "adapt": "standard", "device": "zoned",
    "timeout_ms": 5, "attempts": 2,
    "keep_events": False,
    "outputs": Outputs(), "split": 4, "cache": False, "isolation": "jail", "resources": {"gpu": 1.0}, "rewrites": False,
    "isolate": True, "progress": print, "priority": 1,
    "deadline_epochs": 2, "idempotency_key": "k", "channels": {"c": "chan_a"}, "name": "mine",
    "tags": ("a", "b"),
}  # fmt: skip


def test_every_option_is_declared_once_and_taken_by_some_call() -> None:
    assert list(OPTIONS) == list(RunOptions.__struct_fields__) == list(GIVEN)
    assert {name for names in CALLS.values() for name in names} == set(OPTIONS)
    for name, option in OPTIONS.items():
        assert option.doc[0].isupper(), name
        assert option.doc.endswith("."), name


@pytest.mark.parametrize("call", CALLS)
def test_a_call_takes_its_options_and_refuses_each_other_one(call: str) -> None:
    for name, value in GIVEN.items():
        if name in CALLS[call]:
            assert read_options(call, {name: value}).non_default().keys() == {name}
            continue
        with pytest.raises(QmkError, match=f"{call} does not take '{name}'") as caught:
            read_options(call, {name: value})
        assert caught.value.kind.name == "INVALID_PARAMS"
        assert caught.value.fields["field"] == name
        assert caught.value.fields["help"]
        default = getattr(RunOptions(), name)
        assert read_options(call, {name: default}) == RunOptions(), "a default asks for nothing"


def test_an_unknown_keyword_is_told_what_was_meant() -> None:
    with pytest.raises(QmkError, match="has no keyword 'shot'") as caught:
        read_options("qmk.run", {"shot": 3})
    assert caught.value.fields["help"] == "did you mean 'shots'?"
    with pytest.raises(QmkError) as caught:
        read_options("qmk.state", {"zzz": 3})
    assert "it takes engine" in caught.value.fields["help"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("shots", "10", "a whole number; got '10'"),
        ("shots", 1.5, "a whole number; got 1.5"),
        ("shots", True, "a whole number; got True"),
        ("shots", np.float64(10), "a whole number"),
        ("shots", 0, "at least one; got 0"),
        ("seed", -1, "at least 0; got -1"),
        ("seed", 1.5, "a whole number; got 1.5"),
        ("seed", 1 << 63, "at most 9223372036854775807"),
        ("timeout_ms", 0, "at least one"),
        ("timeout_ms", LIMITS.timeout_ms + 1, "at most"),
        ("priority", 1001, "at most 1000"),
        ("error", 0, "between 0 and 1"),
        ("error", "small", "between 0 and 1"),
        ("engine", 7, "must be text"),
        ("cache", 1, "must be True or False"),
        ("params", [1], "must map names to values"),
        ("params", {1: 2}, "must map names to values"),
    ],
)
def test_a_value_that_cannot_be_taken_is_told_in_a_sentence(name: str, value: Any, says: str) -> None:
    with pytest.raises(QmkError, match=says) as caught:
        RunOptions(**{name: value})
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields["field"] == name
    assert caught.value.message.startswith(name)
    assert caught.value.fields["help"]


def test_too_many_shots_name_the_limit() -> None:
    with pytest.raises(QmkError) as caught:
        RunOptions(shots=LIMITS.shots + 1)
    assert caught.value.fields["quota"] == "shots"


def test_numbers_of_numpy_are_taken_as_pythons_own() -> None:
    options = RunOptions(
        shots=np.int64(10),  # pyright: ignore[reportArgumentType]
        seed=np.uint8(3),  # pyright: ignore[reportArgumentType]
        error=None,
        params={"a": np.float32(0.5), "b": np.arange(2), "c": [np.int8(1), 2]},
    )
    assert options.non_default() == {"shots": 10, "seed": 3, "params": {"a": 0.5, "b": [0, 1], "c": [1, 2]}}
    assert [type(value) for value in (options.shots, options.seed)] == [int, int]
    assert type(options.params["a"]) is float if options.params else False
    assert type(RunOptions(error=np.float32(0.5)).error) is float  # pyright: ignore[reportArgumentType]


OF_SCRIPTS = {*ScriptOptions.__struct_fields__, "log", "wheels", "client"} - {*OPTIONS}
"""Keywords of calls with scripts that no other call has."""


@pytest.mark.parametrize("call", CALLS)
def test_keywords_for_type_checkers_are_those_of_the_call(call: str) -> None:
    scripted = OF_SCRIPTS if "script" in call else set[str]()
    assert tuple(n for n in getattr(keywords, class_name(call)).__annotations__ if n not in scripted) == CALLS[call]


@pytest.mark.parametrize("call", CALLS)
def test_help_and_editors_see_each_option_with_its_default(call: str) -> None:
    owner = {"Client": qmk.Client, "Embedded": qmk.Embedded}.get(call.partition(".")[0], qmk)
    function = getattr(owner, call.partition(".")[2])
    shown = inspect.signature(function).parameters
    options = {name: each for name, each in shown.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
    scripted = OF_SCRIPTS if "script" in call else set[str]()
    assert tuple(name for name in options if name not in scripted) == CALLS[call]
    assert all(options[name].default == getattr(RunOptions(), name) for name in CALLS[call])
    assert all(f"``{name}``: {OPTIONS[name].doc}" in function.__doc__ for name in CALLS[call])


def test_both_clients_have_the_same_calls() -> None:
    own = {
        "rows",
        "session_id",
        "job",
        "group",
        "as_completed",
    }  # with asyncio pages of a result are awaited, the session, what a handle does
    public = {name for name in dir(qmk.AsyncClient) if not name.startswith("_")} - own
    assert public <= {name for name in dir(qmk.Client) if not name.startswith("_")}
    for name in public:
        blocking, awaited = (inspect.signature(getattr(client, name)) for client in (qmk.Client, qmk.AsyncClient))
        assert blocking.parameters == awaited.parameters
        assert str(blocking.return_annotation) == str(awaited.return_annotation).replace("AsyncJob", "Job")
        assert inspect.iscoroutinefunction(getattr(qmk.AsyncClient, name))


SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "run-options.schema.json").read_text())
IN_JSON = {**GIVEN, "tags": ["a", "b"], "outputs": {"state": True}, "params": {"a": 1.0, "b": [1, 2]}}
del IN_JSON["progress"]


def test_the_schema_takes_what_the_options_take() -> None:
    valid = jsonschema.Draft202012Validator(SCHEMA)
    valid.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["RunOptions"]["properties"].keys() == IN_JSON.keys(), "all but a function"
    valid.validate({})
    valid.validate(dict.fromkeys(("shots", "error", "qec", "device")))
    for name, value in IN_JSON.items():
        valid.validate({name: value})


@pytest.mark.parametrize(
    "given",
    [
        {"shots": 0}, {"shots": 1.5}, {"shots": "10"}, {"seed": -1}, {"seed": 2**63}, {"engine": 3}, {"params": [1]},
        {"noise": 0.1}, {"error": 0}, {"error": 1}, {"timeout_ms": LIMITS.timeout_ms + 1}, {"cache": "no"},
        {"priority": 1001}, {"deadline_epochs": 0}, {"channels": {"c": 1}}, {"outputs": {"stat": True}}, {"shot": 1},
        {"progress": 1}, {"shots": 10, "error": 0.1}, {"qec": "surface(d=3)", "device": "zoned"},
    ],
)  # fmt: skip
def test_the_schema_refuses(given: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(given)
