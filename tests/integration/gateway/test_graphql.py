"""What GraphQL refuses, and how: never with a status of 5xx, and before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphql
import pytest
from litestar.testing import TestClient

from qmk.gateway.graphql import schema
from qmk.gateway.http import BODY_BYTES

Http = TestClient[Any]
SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schema.graphql"
ME = "{account_me{tenant}}"
GRAPHQL = "application/graphql-response+json"


def chain(spreads: str) -> str:
    """200 fragments, each of which has the next."""
    parts = [f"fragment f{at} on Query{{{spreads.format(at + 1)}}}" for at in range(200)]
    return "{...f0} " + " ".join(parts) + f" fragment f200 on Query{ME}"


HOSTILE = {
    "empty": ("", "the request has no text"),
    "no operation": (f"fragment f on Query{ME}", "no operation of this name"),
    "not GraphQL": ("{" * 5000, "Syntax Error"),
    "tokens": ("{account_me{" + "tenant " * 5000 + "}}", "more than 3000 tokens"),
    "fields": ("{account_me{" + "tenant " * 1100 + "}}", "too many fields"),
    "aliases": ("{" + "".join(f"a{at}:account_me{{tenant}} " for at in range(11)) + "}", "too many operations"),
    "depth": ("{a" * 17 + "}" * 17, "too many levels"),
    "nested": ("{a" * 1400 + "}" * 1400, "nested too deeply"),
    "nested values": ("{jobs_list(tags:" + "[" * 1400 + "]" * 1400 + "){next}}", "nested too deeply"),
    "a fragment in itself": ("{...f} fragment f on Query{...g} fragment g on Query{...f}", "contains itself"),
    "fragments that double": (chain("...f{0} ...f{0}"), "too many fields"),
    "introspection in circles": (
        "{__schema" + "{types{fields{type" * 5 + "{name}" + "}}}" * 5 + "}",
        "too many levels",
    ),
    "an unknown field": ("{account_me{password}}", "Cannot query field"),
    "an unknown argument": ('{jobs_list(tenant:"bio"){next}}', "Unknown argument"),
    "a wrong type": ("{jobs_list(limit:1.5){next}}", "integer of 64 bits"),
    "a large number": ("{jobs_list(limit:99999999999999999999){next}}", "integer of 64 bits"),
    "no argument": ("{jobs_get{state}}", "required"),
    "a stream without one": ('subscription{jobs_events(job_id:"a"){seq}}', "text/event-stream"),
    "deferred": ("{account_me{... @defer{tenant}}}", "Unknown directive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused(http: Http, name: str) -> None:
    query, message = HOSTILE[name]
    answer = http.post("/graphql", json={"query": query}, headers={"accept": GRAPHQL})
    assert answer.status_code == 400, answer.text
    assert "data" not in answer.json()
    problems = [each["extensions"] for each in answer.json()["errors"]]
    assert message in problems[0]["detail"]
    assert {(each["kind"], each["code"], each["status"]) for each in problems} == {("INVALID_PARAMS", -32602, 400)}
    for accept in ("*/*", "text/event-stream"):  # whose errors are in their bodies
        again = http.post("/graphql", json={"query": query}, headers={"accept": accept})
        assert again.status_code == 200
        if accept == "*/*" or name != "a stream without one":
            assert message in again.text


def test_only_json_of_one_request_is_taken(http: Http) -> None:
    assert http.get("/graphql", params={"query": ME}).status_code == 405
    form = {"content-type": "application/x-www-form-urlencoded"}
    cases: list[tuple[dict[str, Any], int]] = [
        ({"content": "query=" + ME, "headers": form}, 415),
        ({"files": {"map": b"{}"}}, 415),
        ({"content": ME, "headers": {"content-type": "application/graphql"}}, 415),
        ({"json": [{"query": ME}]}, 400),
        ({"json": {"query": 1}}, 400),
        ({"json": {"query": ME, "variables": []}}, 400),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b'{"query":"' + b"x" * BODY_BYTES + b'"}', "headers": {"content-type": "application/json"}}, 413),
        ({"json": {"query": ME}, "headers": {"origin": "https://evil.example"}}, 401),
    ]
    for asked, status in cases:
        answer = http.post("/graphql", **asked)
        assert answer.status_code == status, answer.text
        assert answer.json()["errors"][0]["extensions"]["status"] == status


def test_variables_have_their_types(http: Http) -> None:
    query = "query($n: Int64!, $tags: [String!]! = []){jobs_list(limit:$n, tags:$tags){next}}"
    for given, right in (
        ({"n": 2}, True),
        ({"n": "2"}, False),
        ({"n": 2**63}, False),
        ({}, False),
        ({"n": True}, False),
    ):
        answer = http.post("/graphql", json={"query": query, "variables": given}).json()
        assert ("errors" not in answer) is right, answer
    bounded = http.post("/graphql", json={"query": query, "variables": {"n": 0}}).json()["errors"][0]
    assert (bounded["path"], bounded["extensions"]["field"]) == (["jobs_list"], "limit")


def test_the_schema_can_be_read_and_is_the_committed_one(http: Http) -> None:
    query = graphql.get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True)
    answer = http.post("/graphql", json={"query": query}).json()
    assert "errors" not in answer
    told = graphql.build_client_schema(answer["data"])
    committed = graphql.build_schema(SCHEMA.read_text())
    assert graphql.find_breaking_changes(committed, told) == graphql.find_dangerous_changes(committed, told) == []
    assert schema.text() == SCHEMA.read_text()


def test_a_defect_is_told_without_its_words(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_given: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("qmk.gateway.service.serving.serve", fail)
    answer = http.post("/graphql", json={"query": ME})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["status"]) == (200, 500)
    assert "secret" not in answer.text
