"""The REST API on a real daemon: every operation against its schema, and again as another tenant."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qmk.client.document import decode
from qmk.gateway import children
from qmk.gateway.accounts.operations import ACCOUNT_RESOURCES
from qmk.gateway.http import BODY_BYTES
from qmk.gateway.rest import openapi
from qmk.gateway.rest.openapi import BELL, SWEPT
from qmk.gateway.service import handlers, serving
from qmk.gateway.service.operations import OPERATIONS as ALL
from tests.integration.gateway.tenants import CASES, Tenants

OPERATIONS = [each for each in ALL if each.resource not in ACCOUNT_RESOURCES]
"""test_accounts.py has the others."""
SCHEMA = Path(__file__).resolve().parents[3] / "docs" / "reference" / "openapi.json"
DESCRIPTION = openapi.description()
PLAIN = {"content-type": "text/plain"}
SSE = {"accept": "text/event-stream"}
WRONG = "OPENQASM 3.0;\nqubit q;\n  foo q;\n"
STATUS = {"calibrations.add": 201, "jobs.submit": 201, "batches.submit": 201, "jobs.cancel": 409}


def test_every_operation_is_in_the_table_of_this_test() -> None:
    assert list(CASES) == [each.call.name for each in OPERATIONS]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.call.name)
def test_an_answer_is_what_the_schema_says(two: Tenants, operation: Any) -> None:
    answer = two.ask(operation.call.name)
    status = STATUS.get(operation.call.name, 200)
    assert answer.status_code == status, answer.text
    row = DESCRIPTION["paths"][operation.path][operation.method.lower()]["responses"][str(status)]
    media = answer.headers["content-type"].partition(";")[0]
    if operation.media:
        assert (media, answer.text[:4]) == (operation.media, "<svg")
        return
    schema = {**row["content"][media]["schema"], "components": DESCRIPTION["components"]}
    jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)
    if operation.made:
        assert two.http.get(answer.headers["location"], headers=two.headers["chem"]).status_code == 200


OF_OBJECTS = [each.call.name for each in OPERATIONS if {"job_id", "batch"}.intersection(each.fields_at("path"))]


@pytest.mark.parametrize("name", OF_OBJECTS)
def test_anothers_object_is_answered_as_an_absent_one(two: Tenants, name: str) -> None:
    none, absent = f"job_{uuid.uuid4().hex}", f"batch:{uuid.uuid4().hex}"
    theirs = two.ask(name, "bio")
    missing = two.ask(name, "bio", job=none, batch=absent)
    assert (theirs.status_code, missing.status_code) == (404, 404)
    shown = missing.text.replace(none, two.job).replace(absent, two.batch)
    assert theirs.text == shown
    part = two.ask(name, job=two.job[-12:], batch=two.batch[:-1])  # no search by a part of an id
    assert part.status_code in (400, 404)
    if name == "jobs.events":
        assert two.ask(name, "bio", headers=SSE).status_code == 404


def test_lists_are_each_tenants_own(two: Tenants) -> None:
    assert two.ask("jobs.list", "bio").json() == {"jobs": [], "next": None}
    assert two.ask("account.me", "bio").json()["tenant"] == "bio"
    assert (
        two.ask("jobs.submit", "bio", headers={"idempotency-key": "k"}).json()["job_id"]
        != (two.ask("jobs.submit", headers={"idempotency-key": "k"}).json()["job_id"])
    )


def test_the_schema_is_the_committed_one(two: Tenants) -> None:
    assert two.http.get("/openapi.json").text == SCHEMA.read_text()
    jsonschema.Draft202012Validator.check_schema(DESCRIPTION["components"]["schemas"]["Status"])


def test_a_key_gives_the_same_jobs_again(two: Tenants) -> None:
    key = {"idempotency-key": "x" * 256}
    first, again = (two.ask("jobs.submit", headers=key).json()["job_id"] for _ in range(2))
    assert first == again
    other = two.ask("jobs.submit", headers=key, json={"program": {"text": BELL}, "shots": 11})
    assert (other.status_code, other.json()["field"]) == (400, "idempotency_key")
    batch, same = (two.ask("batches.submit", headers=key).json() for _ in range(2))
    assert batch == same
    assert batch != two.ask("batches.submit").json()


def test_all_that_match_are_labelled_and_deleted(two: Tenants) -> None:
    tag = f"match:{uuid.uuid4().hex}"
    asked = {"program": {"text": BELL}, "shots": 10, "tags": [tag]}
    made = [two.ask("jobs.submit", json=asked).json()["job_id"] for _ in range(3)]
    for job in made:
        assert two.ask("jobs.get", job=job).json()["state"] == "COMPLETED"
    labels = {"tags": [tag], "add": ["seen"], "remove": ["none"]}
    assert two.ask("jobs.label_matching", "bio", json=labels).json() == {"changed": 0}
    assert two.ask("jobs.label_matching", json=labels).json() == {"changed": 3}
    assert two.ask("jobs.label_matching", json=labels).json() == {"changed": 0}
    assert two.ask("jobs.label", job=made[0], json={"add": ["kept"], "remove": ["seen"]}).json()["tags"] == [
        tag,
        "kept",
    ]
    assert two.ask("jobs.cancel_matching", json={"tags": [tag]}).json() == {"changed": 0}
    assert two.ask("jobs.delete_matching", json={"tags": [tag], "not_tags": ["kept"]}).json() == {"changed": 2}
    rows = two.ask("jobs.list", params={"tags": tag}).json()["jobs"]
    assert [(row["job_id"], row["tags"]) for row in rows] == [(made[0], [tag, "kept"])]
    assert two.ask("jobs.delete", job=made[0]).json()["state"] == "COMPLETED"
    assert two.ask("jobs.delete", job=made[0]).status_code == 404
    for name in ("jobs.cancel_matching", "jobs.label_matching", "jobs.delete_matching"):
        refused = two.ask(name, json={})
        assert (refused.status_code, refused.json()["field"]) == (400, "filters"), name


def test_a_page_leads_to_the_next(two: Tenants) -> None:
    tag = f"page:{uuid.uuid4().hex}"
    made = [
        two.ask("jobs.submit", json={"program": {"text": BELL}, "tags": [tag, "b"], "name": f"n{number}"}).json()[
            "job_id"
        ]
        for number in range(3)
    ]
    found: list[str] = []
    url: str | None = f"/v1/jobs?tags={tag}&tags=b&limit=2"
    while url:
        page = two.http.get(url, headers=two.headers["chem"])
        found += [row["job_id"] for row in page.json()["jobs"]]
        link = page.headers.get("link", "")
        url = link[1 : link.index(">")] if link else None
    assert found == made[::-1]
    by_name = two.ask("jobs.list", params={"name": "n1", "tags": tag}).json()["jobs"]
    assert [row["job_id"] for row in by_name] == [made[1]]
    assert two.ask("jobs.list", params={"state": "FAILED", "tags": tag}).json()["jobs"] == []


def test_what_the_caller_has_is_not_sent_again(two: Tenants) -> None:
    tag = two.ask("jobs.result").headers["etag"]
    for shown in (tag, f'"x", W/{tag}', "*"):
        again = two.ask("jobs.result", headers={"if-none-match": shown})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert two.ask("jobs.result", headers={"if-none-match": '"x"'}).status_code == 200


def test_a_result_is_the_documented_document(two: Tenants) -> None:
    answer = two.ask("jobs.result")
    result = decode(answer.content)
    assert result.shots == sum(result.counts.values()) == 10
    assert set(result.counts) <= {"00", "11"}


def test_shots_are_read_by_range(two: Tenants) -> None:
    whole = two.ask("jobs.shots", params={}).json()
    assert len(whole["rows"]) == whole["shots"] == 10
    part = two.ask("jobs.shots", params={}, headers={"range": "shots=2-4"})
    assert (part.status_code, part.headers["content-range"]) == (206, "shots 2-4/10")
    assert part.json()["rows"] == whole["rows"][2:5]
    assert two.ask("jobs.shots").json()["rows"] == whole["rows"][3:5]
    rest = two.ask("jobs.shots", params={}, headers={"range": "shots=8-"})
    assert (rest.headers["content-range"], rest.json()["next_shot"]) == ("shots 8-9/10", None)
    assert two.ask("jobs.shots", params={}, headers={"range": "shots=10-"}).status_code == 416
    for ignored in ("bytes=0-1", "shots=4-2", "shots=0-1,3-4"):
        assert two.ask("jobs.shots", params={}, headers={"range": ignored}).status_code == 200


def events(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [{line.partition(": ")[0]: line.partition(": ")[2] for line in block.split("\n")} for block in blocks]


def test_events_are_streamed_and_resumed(two: Tenants) -> None:
    job = two.ask("jobs.submit").json()["job_id"]
    whole = events(two.ask("jobs.events", job=job, headers=SSE).text)  # which ends with the job
    assert [row["event"] for row in whole][-1] == "completed"
    assert [int(row["id"]) for row in whole] == list(range(1, len(whole) + 1))
    assert [json.loads(row["data"])["kind"] for row in whole] == [row["event"] for row in whole]
    rest = two.ask("jobs.events", job=job, headers=SSE | {"last-event-id": whole[0]["id"]})
    assert events(rest.text) == whole[1:]
    assert two.ask("jobs.events", job=job, headers=SSE | {"last-event-id": whole[-1]["id"]}).status_code == 204
    page = two.ask("jobs.events", job=job, params={"after": 1}).json()
    assert [row["seq"] for row in page["events"]] == [int(row["id"]) for row in whole[1:]]


def test_a_batch_is_all_or_nothing(two: Tenants) -> None:
    made = two.ask("batches.submit").json()
    assert [(row["index"], row["program"], row["point"]) for row in made["jobs"]] == [(0, 0, 0), (1, 0, 1)]
    for row, value in zip(made["jobs"], "01", strict=True):
        two.ask("jobs.get", job=row["job_id"])
        assert set(two.ask("jobs.result", job=row["job_id"]).json()["counts"]) == {value}
    assert two.ask("batches.get", batch=made["batch"]).json()["states"] == {"COMPLETED": 2}
    tag = f"half:{uuid.uuid4().hex}"
    refused = two.ask("batches.submit", json={"programs": [{"text": BELL}, {"text": WRONG}], "tags": [tag]})
    assert refused.status_code == 400
    assert "entry 1 (program 1)" in refused.json()["detail"]
    states = {row["state"] for row in two.ask("jobs.list", params={"tags": tag}).json()["jobs"]}
    assert states <= {"CANCELLED", "COMPLETED"}  # the first may have run by then
    many = two.ask("batches.submit", json={"programs": [{"text": SWEPT}], "points": {"theta": [0.0] * 1001}})
    assert (many.status_code, many.json()["fields"]["limit"]) == (400, 1000)


@pytest.mark.parametrize(
    "media", ["text/plain; charset=utf-8", "application/octet-stream", "application/vnd.qmk.qasm3"]
)
def test_a_program_is_uploaded_as_it_is(two: Tenants, media: str) -> None:
    query = {"shots": 4, "tags": ["up", "load"], "policy": '{"seed": 3}', "params": '{"theta": 0}', "strict": "true"}
    headers = two.headers["chem"] | {"content-type": media}
    made = two.http.post("/v1/upload/jobs", params=query, content=SWEPT, headers=headers)
    assert made.status_code == 201, made.text
    assert (made.json()["shots"], made.json()["seed"]) == (4, 3)
    row = two.ask("jobs.get", job=made.json()["job_id"]).json()
    assert (row["state"], row["tags"]) == ("COMPLETED", ["up", "load"])


def test_findings_have_their_place(two: Tenants) -> None:
    headers = two.headers["chem"] | PLAIN
    found = two.http.post("/v1/upload/programs/check", content=WRONG, headers=headers).json()
    assert found["ok"] is False
    assert (found["findings"][0]["line"], found["findings"][0]["column"]) == (3, 3)
    for path in ("/v1/upload/jobs", "/v1/upload/programs/draw", "/v1/upload/programs/explain"):
        refused = two.http.post(path, content=WRONG, headers=headers)
        problem = refused.json()
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert (problem["kind"], problem["type"]) == ("INVALID_GRAPH", "urn:qmk:error:INVALID_GRAPH")
        assert problem["findings"] == found["findings"]


REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("GET", "/v1/jobs?limit=0", {}, 400, "limit"),
    ("GET", "/v1/jobs?unknown=1", {}, 400, "unknown"),
    ("GET", "/v1/jobs?limit=1&limit=2", {}, 400, "limit"),
    ("GET", "/v1/jobs?cursor=none", {}, 400, "cursor"),
    ("GET", "/v1/none", {}, 404, ""),
    ("DELETE", "/v1/jobs", {}, 405, ""),
    ("POST", "/v1/jobs?shots=1", {"json": {}}, 400, ""),
    ("POST", "/v1/jobs", {"json": []}, 400, ""),
    ("POST", "/v1/jobs", {"json": {}}, 400, "program"),
    ("POST", "/v1/jobs", {"json": {"program": {}}}, 400, "program"),
    ("POST", "/v1/jobs", {"json": {"program": {"base64": "\xe9t\xe9"}}}, 400, "program.base64"),
    ("POST", "/v1/programs/draw", {"json": {"program": {"base64": "\xe9t\xe9"}}}, 400, "program.base64"),
    ("POST", "/v1/jobs", {"json": {"program": {"text": BELL}, "policy": {"seed": "1"}}}, 400, "policy.seed"),
    ("POST", "/v1/jobs", {"json": {"program": {"text": BELL}, "session_id": "s"}}, 400, "session_id"),
    ("POST", "/v1/jobs", {"json": {"program": {"text": BELL}, "idempotency_key": "s"}}, 400, "idempotency_key"),
    ("POST", "/v1/jobs", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, ""),
    ("POST", "/v1/jobs", {"content": b"[" * 9999, "headers": {"content-type": "application/json"}}, 400, ""),
    ("POST", "/v1/jobs", {"content": BELL, "headers": PLAIN}, 415, ""),
    ("POST", "/v1/upload/jobs", {"json": {}}, 415, ""),
    ("POST", "/v1/upload/jobs?params={", {"content": BELL, "headers": PLAIN}, 400, "params"),
    ("POST", "/v1/upload/jobs?format=none", {"content": BELL, "headers": PLAIN}, 400, ""),
    ("POST", "/v1/upload/jobs", {"content": b"x" * (BODY_BYTES + 1), "headers": PLAIN}, 413, ""),
]


@pytest.mark.parametrize(("method", "path", "asked", "status", "field"), REFUSED)
def test_a_wrong_request_is_a_problem(
    two: Tenants, method: str, path: str, asked: dict[str, Any], status: int, field: str
) -> None:
    headers = two.headers["chem"] | asked.get("headers", {})
    answer = two.http.request(method, path, **{**asked, "headers": headers})
    assert answer.status_code == status, answer.text
    problem = answer.json()
    jsonschema.validate(
        problem, {**DESCRIPTION["components"]["schemas"]["Problem"], "components": DESCRIPTION["components"]}
    )
    assert (problem["status"], problem.get("field", "")) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"


def test_who_shows_no_token_is_told_how(two: Tenants) -> None:
    for headers in ({}, {"authorization": "Bearer qmk1.none"}):
        answer = two.http.get("/v1/jobs", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="qmk"')
        assert answer.json()["kind"] == "AUTH_FAILED"


def test_open_requests_of_a_tenant_are_bounded(two: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HELD_OF_A_TENANT", 0)
    cases: list[tuple[str, dict[str, Any]]] = [("jobs.get", {}), ("jobs.events", {"headers": SSE})]
    for name, more in cases:
        answer = two.ask(name, **more)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_who_has_used_up_a_quota_is_told_when_to_come_again(two: Tenants) -> None:
    two.operator.call("op_tenant_add", tenant="few", quotas={"calls_per_minute": 6})
    two.add("few")
    answers = [two.http.get("/v1/me", headers=two.headers["few"]) for _ in range(9)]
    last = answers[-1]
    assert (answers[0].status_code, last.status_code, last.json()["kind"]) == (200, 429, "QUOTA_EXCEEDED")
    assert 1 <= int(last.headers["retry-after"]) == -(-last.json()["fields"]["retry_after_ms"] // 1000)
    never = two.ask("jobs.submit", json={"program": {"text": BELL}, "shots": 10**12})
    assert (never.status_code, never.json().get("retryable")) == (400, None)


def test_drawing_is_bounded(two: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(handlers, "DRAWING_S", 0.001)
        slow = two.ask("programs.draw")
    monkeypatch.setattr(children, "WAITING", 0)
    many = two.ask("programs.draw")
    assert [(each.status_code, each.json()["kind"]) for each in (slow, many)] == [
        (400, "QUOTA_EXCEEDED"),
        (429, "QUOTA_EXCEEDED"),
    ]


def test_the_page_needs_nothing_else(two: Tenants) -> None:
    answer = two.http.get("/v1")
    text = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|<link|src=|url\(|@import|https?://", text)
    ids = re.findall(r'id="([\w.]+)"', text)
    assert set(re.findall(r'href="#([\w.]+)"', text)) <= set(ids)
    assert {each.call.name for each in OPERATIONS} <= set(ids)
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/jobs/{}"), ("GET", "/v1/jobs?limit=1"), ("POST", "/v1/jobs")]
)
def test_the_short_way_answers_as_the_router_does(two: Tenants, method: str, path: str) -> None:
    """With a slash more at its end an address is the router's."""
    first, mark, query = path.format(two.job).partition("?")
    answers = [
        two.http.request(method, f"{first}{slash}{mark}{query}", headers=two.headers["chem"], json=body)
        for slash in ("", "/")
        for body in ((None,) if method == "GET" else (None, {"program": {"text": BELL}, "shots": 3, "unknown": 1}))
    ]
    half = len(answers) // 2
    for direct, routed in zip(answers[:half], answers[half:], strict=True):
        assert direct.status_code == routed.status_code
        assert direct.content.replace(b"/v1/jobs/", b"/v1/jobs") == routed.content.replace(b"/v1/jobs/", b"/v1/jobs")
        assert direct.headers.keys() == routed.headers.keys()
