"""REST, GraphQL and gRPC on one gateway: the same answers, the same errors, and nothing of another tenant."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from msgspec import inspect

from qmk.gateway import callers
from qmk.gateway.grpc.codec import _unpack_fields
from qmk.gateway.grpc.files import class_of
from qmk.gateway.grpc.shapes import names
from qmk.gateway.rest.openapi import BELL
from qmk.gateway.service import serving
from qmk.gateway.service.operations import OPERATIONS
from tests.conftest import RunningDaemon, eventually
from tests.integration.gateway.tenants import CASES, Service, operation_of, serving_both
from tests.integration.gateway.test_rest import OF_OBJECTS, SSE

CHANGING = (
    "jobs.submit",
    "batches.submit",
    "batches.cancel",
    "jobs.cancel",
    "account.telemetry",
    "engines.load",
    "account.usage",
)
"""What answers differently each time."""
GRPC = {"JOB_NOT_FOUND": grpc.StatusCode.NOT_FOUND, "ALREADY_COMPLETED": grpc.StatusCode.FAILED_PRECONDITION}


def with_nulls(struct: Any, value: Any) -> Any:
    """A message as a struct has it: what a message leaves out is null."""
    found = inspect.type_info(struct)
    assert isinstance(found, inspect.StructType)
    return msgspec.convert(_fill(found, value), struct)


def _fill(kind: Any, value: Any) -> Any:
    while isinstance(kind, (inspect.Metadata, inspect.UnionType)):
        kind = kind.type if isinstance(kind, inspect.Metadata) else kind.types[0]
    match kind:
        case inspect.StructType() if value is not None:
            rows = {row.encode_name: row for row in kind.fields}
            empty = {name: _empty(row.type) for name, row in rows.items() if row.required}
            return {name: _fill(rows[name].type, each) for name, each in (empty | value).items()}
        case inspect.ListType() | inspect.VarTupleType():
            return [_fill(kind.item_type, each) for each in value]
        case _:
            return value


def _empty(kind: Any) -> Any:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return [] if isinstance(kind, inspect.ListType) else {} if isinstance(kind, inspect.DictType) else None


def problem_of_call(error: Any) -> dict[str, Any]:
    """The problem in the details of an error."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = class_of("google.rpc.Status").FromString(details)
    info, problem = class_of("google.rpc.ErrorInfo")(), class_of("Problem")()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(problem)
    assert (info.reason, info.domain, info.metadata["code"]) == (problem.kind, "qmk", str(problem.code))
    return {name: each for name, each in _unpack_fields("Problem", problem).items() if each not in ("", False, [], {})}


ALIKE = [each for each in OPERATIONS if each.call.name in {*CASES} - {"capabilities.revoke"}]
"""All but one that takes a right away, which the others need."""


@pytest.mark.parametrize("operation", ALIKE, ids=lambda each: each.call.name)
def test_all_protocols_answer_alike(service: Service, operation: Any) -> None:
    name, reply = operation.call.name, operation.call.reply
    whole = service.ask_graphql(name).json()
    if name == "jobs.cancel":
        problem = service.ask(name).json()
        assert whole["errors"][0]["extensions"] == problem
        with pytest.raises(grpc.RpcError) as failed:
            service.ask_grpc(name)
        assert failed.value.code() == GRPC[problem["kind"]]
        assert problem_of_call(failed.value) == problem
        return
    answer = service.ask(name)
    rest = msgspec.json.decode(answer.content) if not operation.media else {"svg": answer.text}
    by_graphql = whole["data"][name.replace(".", "_")]
    by_grpc = _unpack_fields(names()[reply], service.ask_grpc(name))
    found = [msgspec.convert(rest, reply), msgspec.convert(by_graphql, reply), with_nulls(reply, by_grpc)]
    if name not in CHANGING:
        assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", OF_OBJECTS)
def test_anothers_object_is_answered_as_an_absent_one(service: Service, name: str) -> None:
    none = {"job_id": f"job_{uuid.uuid4().hex}", "batch": f"batch:{uuid.uuid4().hex}"}

    def shown(text: str) -> str:
        return text.replace(none["job_id"], service.job).replace(none["batch"], service.batch)

    problem = service.ask(name, "bio").json()
    theirs, absent = service.ask_graphql(name, "bio").text, service.ask_graphql(name, "bio", **none).text
    assert theirs == shown(absent)
    assert json.loads(theirs)["errors"][0]["extensions"] == problem
    streams = (False, True) if operation_of(name).follow or operation_of(name).ranged else (False,)
    for stream in streams:
        found: list[Any] = []
        for ids in ({}, none):
            with pytest.raises(grpc.RpcError) as failed:
                next(service.ask_grpc(name, "bio", 60, stream=stream, **ids))
            assert failed.value.code() == grpc.StatusCode.NOT_FOUND
            found.append([failed.value.details(), problem_of_call(failed.value)])
        assert found[0] == json.loads(shown(json.dumps(found[1]))) == [problem["detail"], problem]
    if operation_of(name).follow:
        one, other = (service.ask_graphql(name, "bio", "subscription", **SSE, **ids).text for ids in ({}, none))
        assert one == shown(other)


def code_of(service: Service, timeout: float) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as failed:
        service.ask_grpc("jobs.get", timeout=timeout)
    return failed.value.code()


def test_lists_are_each_tenants_own(service: Service) -> None:
    assert service.ask_graphql("jobs.list", "bio").json()["data"]["jobs_list"] == {"jobs": [], "next": None}
    assert not service.ask_grpc("jobs.list", "bio").jobs
    assert service.ask_grpc("account.me", "bio").tenant == "bio"
    assert service.ask_graphql("account.me", "bio").json()["data"]["account_me"]["tenant"] == "bio"


def test_who_shows_no_good_token_is_let_in_nowhere(service: Service) -> None:
    for headers in ({}, {"authorization": "Bearer qmk1.none"}):
        service.headers["none"] = headers
        answer = service.ask_graphql("account.me", "none")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["kind"]) == (401, "AUTH_FAILED")
        with pytest.raises(grpc.RpcError) as failed:
            service.ask_grpc("account.me", "none")
        assert failed.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert problem_of_call(failed.value)["kind"] == "AUTH_FAILED"


def test_events_and_shots_are_streamed(service: Service) -> None:
    page = service.ask("jobs.events").json()["events"]
    text = service.ask_graphql("jobs.events", kind="subscription", **SSE).text
    blocks = [block.split("\ndata: ") for block in text.strip().split("\n\n")]
    assert blocks[-1] == ["event: complete\ndata:"]  # whose space is stripped
    found = [json.loads(data)["data"]["jobs_events"] for _, data in blocks[:-1]]
    assert found == [{"fields": {}, **row} for row in page]
    assert [each.seq for each in service.ask_grpc("jobs.events", stream=True)] == [row["seq"] for row in page]
    pages = list(service.ask_grpc("jobs.shots", stream=True))  # which begins at 3, two in a message
    assert [(each.from_shot, len(each.rows)) for each in pages] == [(3, 2), (5, 2), (7, 2), (9, 1)]


def test_a_daemon_that_dies_ends_the_streams(
    make_daemon: Callable[..., RunningDaemon],
    odd_engines: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callers, "RETRY_S", 0.2)
    daemon = make_daemon(workers=1, engines=odd_engines)
    with serving_both(daemon, tmp_path / "gateway.db", needs_token=False) as (http, address):
        slow = {"program": {"text": BELL}, "policy": {"engine": "slow"}}
        service = Service(http, address, job=http.post("/v1/jobs", json=slow).json()["job_id"])
        with monkeypatch.context() as patch:  # a call that ends with its deadline is held open no longer
            patch.setattr(serving, "HELD_OF_A_TENANT", 1)
            for _ in range(2):
                eventually(lambda: code_of(service, timeout=0.2) == grpc.StatusCode.DEADLINE_EXCEEDED, "deadline")
        body = {"query": service.query("jobs.events", "subscription"), "variables": service.fields("jobs.events")}
        seen: dict[str, Any] = {}
        begun = threading.Barrier(3)

        def read_graphql() -> None:
            with http.stream("POST", "/graphql", json=body, headers=SSE) as answer:
                lines = answer.iter_lines()
                next(lines)
                begun.wait()
                seen["graphql"] = "\n".join(lines)

        def read_grpc() -> None:
            items = service.ask_grpc("jobs.events", stream=True)
            next(items)
            begun.wait()
            try:
                list(items)
            except grpc.RpcError as error:
                seen["grpc"] = error

        threads = [threading.Thread(target=each) for each in (read_graphql, read_grpc)]
        for each in threads:
            each.start()
        begun.wait(30)
        daemon.kill()
        for each in threads:
            each.join(30)
        assert '"kind":"CONNECTION_LOST"' in seen["graphql"]
        assert seen["graphql"].endswith("event: complete\ndata: \n")
        assert seen["grpc"].code() == grpc.StatusCode.UNAVAILABLE
        assert problem_of_call(seen["grpc"])["kind"] == "CONNECTION_LOST"
        assert str(tmp_path) not in seen["graphql"] + seen["grpc"].details()
