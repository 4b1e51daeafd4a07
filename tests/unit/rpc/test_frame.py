"""Frames: JSON-RPC 2.0 to the letter, and errors that say what to mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from qmk.abi.calls import q_status, q_submit
from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.rpc import frame
from qmk.rpc.graphs import graph_of, source_of
from tests.exchanges import BELL


def one(data: bytes) -> frame.Decoded:
    decoded = frame.decode(data)
    assert not decoded.batch
    (call,) = decoded.calls
    return call


def refused(data: bytes) -> QmkError:
    error = one(data).error
    assert error is not None
    return error


def call(method: str, params: str = "{}", id: str = "1") -> bytes:
    return f'{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}'.encode()


STATUS = '{"session_id":"s","job_id":"j"}'


def test_a_call_is_decoded_into_its_request() -> None:
    decoded = one(call("q_status", STATUS))
    assert decoded.call is q_status.CALL
    assert decoded.request == q_status.Request(session_id="s", job_id="j")
    assert decoded.error is None


@pytest.mark.parametrize(
    "id", ["1", "-3", "1.50", "1e3", "null", '"x"', '"\\u00e9\\n"', "123456789012345678901234567890"]
)
def test_an_id_comes_back_as_it_was_written(id: str) -> None:
    decoded = one(call("q_status", STATUS, id))
    assert decoded.id == id.encode()
    assert frame.result(decoded.id, {}) == b'{"jsonrpc":"2.0","id":' + id.encode() + b',"result":{}}'  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("id", ["[1]", "{}", "true", '"' + "x" * 2000 + '"'])
def test_other_ids_are_refused(id: str) -> None:
    decoded = one(call("q_status", STATUS, id))
    assert decoded.id == frame.NULL_ID
    assert decoded.error is not None
    assert decoded.error.kind.name == "INVALID_REQUEST"


def test_a_notification_has_no_id_and_keeps_its_error_to_itself() -> None:
    good = one(b'{"jsonrpc":"2.0","method":"q_status","params":' + STATUS.encode() + b"}")
    bad = one(b'{"jsonrpc":"2.0","method":"q_nothing"}')
    assert good.id is None
    assert good.request is not None
    assert bad.id is None
    assert bad.error is not None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b'{"jsonrpc":"2.0","id":1,"method":"q_status"', "PARSE_ERROR"),
        (b'{"jsonrpc":"1.0", nonsense', "PARSE_ERROR"),
        (b'{"jsonrpc":"2.0","id":1,"method":"q_status","params":{}} {}', "PARSE_ERROR"),
        (b'[{"jsonrpc":"2.0"},', "PARSE_ERROR"),
        (b'"\xff"', "PARSE_ERROR"),
        (b'{"jsonrpc":"2.0","id":"\xc3\x28","method":"q_status"}', "PARSE_ERROR"),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"q_status"}', "PARSE_ERROR"),
        (b"1", "INVALID_REQUEST"),
        (b"null", "INVALID_REQUEST"),
        (b"[]", "INVALID_REQUEST"),
        (b"{}", "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1}', "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', "INVALID_REQUEST"),
        (b'{"id":1,"method":"q_status"}', "INVALID_REQUEST"),
        (b'{"jsonrpc":"1.0","id":1,"method":"q_status"}', "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"q_status","extra":1}', "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"q_status"}', "INVALID_REQUEST"),
        (b'{"jsonrpc":"2.0","id":1,"method":"q_status","params":{},"params":{}}', "INVALID_REQUEST"),
        (b"[" * 100_000, "INVALID_REQUEST"),
        (call("q_stat"), "METHOD_NOT_FOUND"),
        (call("Q_STATUS"), "METHOD_NOT_FOUND"),
        (call("q_status", '["s","j"]'), "INVALID_PARAMS"),
        (call("q_status", "7"), "INVALID_PARAMS"),
        (call("q_status", '{"session_id":"s"}'), "INVALID_PARAMS"),
    ],
)
def test_every_misfit_has_its_code(data: bytes, kind: str) -> None:
    assert refused(data).kind.name == kind


def test_an_id_that_can_be_told_is_kept_in_an_invalid_request() -> None:
    assert one(b'{"jsonrpc":"2.0","id":"x","params":3}').id == b'"x"'


@pytest.mark.parametrize(
    ("method", "params", "field", "expected", "words"),
    [
        ("q_status", '{"job_id":"j"}', "session_id", "str", "is missing"),
        ("q_status", '{"session_id":5,"job_id":"j"}', "session_id", "str", "not int"),
        ("q_status", '{"session_id":"s","job_id":"j","jobid":1}', "jobid", None, "not a known name"),
        ("q_status", '{"session_id":"s","job_id":"j","job_id":"k"}', "job_id", None, "more than once"),
        ("q_submit", '{"session_id":"s","shots":0}', "shots", "int 1 to 9223372036854775807 or null", "out of range"),
        ("q_submit", '{"session_id":"s","policy":{"sed":1}}', "policy.sed", None, "not a known name"),
        ("q_submit", '{"session_id":"s","policy":{"seed":-1}}', "policy.seed", None, "out of range"),
        ("q_submit", '{"session_id":"s","policy":{"seed":1,"seed":1}}', "seed", None, "more than once"),
        ("q_submit", '{"session_id":"s","graph":{},"graph":{}}', "graph", None, "more than once"),
        ("q_submit", '{"session_id":"s","graph":{},"program":{}}', "program", None, "both"),
        ("q_release", '{"session_id":"s","handles":["a",4]}', "handles[1]", "str", "not int"),
        ("q_wait", '{"session_id":"s","job_id":"j","timeout_ms":1e99}', "timeout_ms", None, ""),
    ],
)
def test_invalid_params_say_where_and_what(
    method: str, params: str, field: str, expected: str | None, words: str
) -> None:
    error = refused(call(method, params))
    assert error.kind.name == "INVALID_PARAMS"
    assert error.fields["field"] == field
    assert expected is None or error.fields["expected"] == expected
    assert words in error.message
    assert error.fields.get("help") or error.fields.get("expected")


def test_near_names_are_proposed() -> None:
    assert "q_status" in refused(call("q_stats")).fields["help"]
    assert "seed" in refused(call("q_submit", '{"session_id":"s","policy":{"sed":1}}')).fields["help"]
    assert "session_id, job_id" in refused(call("q_status", "[]")).fields["help"]


def test_a_batch_answers_call_by_call() -> None:
    data = b"[%s, 7, %s]" % (call("q_status", STATUS), call("q_nothing", id="2"))
    decoded = frame.decode(data)
    assert decoded.batch
    assert [c.id for c in decoded.calls] == [b"1", b"null", b"2"]
    assert [c.error and c.error.kind.name for c in decoded.calls] == [None, "INVALID_REQUEST", "METHOD_NOT_FOUND"]


def test_a_batch_is_bounded() -> None:
    data = b"[%s]" % b",".join([call("q_status", STATUS)] * (LIMITS.batch_calls + 1))
    error = refused(data)
    assert error.fields == {"quota": "batch_calls", "asked": LIMITS.batch_calls + 1, "limit": LIMITS.batch_calls}


def test_answers_of_a_batch_are_one_array_or_nothing() -> None:
    assert b"".join(frame.batch([b"1", b"2"])) == b"[1,2]"
    assert b"".join(frame.batch([b"1"])) == b"[1]"
    assert frame.batch([]) == []


def test_the_graph_stays_bytes_until_it_is_asked_for() -> None:
    params = json.dumps({"session_id": "s", "graph": BELL, "shots": 3}, indent=1).replace("\n", " ")
    decoded = one(call("q_submit", params))
    assert isinstance(decoded.request.graph, msgspec.Raw)
    graph, warnings = graph_of(decoded.request)
    assert graph is not None
    assert [node.op for node in graph.nodes][:3] == ["core.alloc", "core.h", "core.cnot"]
    assert warnings == []
    assert graph_of(q_submit.Request(session_id="s")) == (None, [])


def test_repeated_names_inside_the_graph_do_not_hide_those_outside() -> None:
    error = refused(call("q_submit", '{"graph":{"graph":1},"session_id":"s","session_id":"t"}'))
    assert error.fields["field"] == "session_id"


@pytest.mark.parametrize(
    "params",
    [
        '{"session_id":"s","job_id":"j","session_id":"s"}',
        '{"session_id" : "s", "job_id" : "j", "session_id" : "s"}',
        '{"session_id":":s","job_id":"j","session_id":"s"}',
        '{"session_id":" :s","job_id":"j","session_id":":"}',
        '{"session_id":"\\"","job_id":"j","session_id":"s"}',
        '{"session\\u005fid":"s","job_id":"j","session_id":"s"}',
    ],
)
def test_a_repeated_name_is_found_however_it_is_written(params: str) -> None:
    assert refused(call("q_status", params)).fields["field"] == "session_id"


@pytest.mark.parametrize("text", [":", " :", "a:", '\\"', '\\":', "\\u003a", '":"'.replace('"', '\\"')])
def test_texts_are_not_taken_for_names(text: str) -> None:
    decoded = one(call("q_status", f'{{"session_id":"{text}", "job_id" :"{text}"}}'))
    assert decoded.request == q_status.Request(session_id=json.loads(f'"{text}"'), job_id=json.loads(f'"{text}"'))


def test_a_plain_call_is_read_without_looking_at_each_name(calls: Callable[[Callable[[], object]], int]) -> None:
    data = call("q_wait", '{"session_id":"s","job_id":"j","timeout_ms":3}')
    assert calls(lambda: frame.decode(data)) <= 52


def test_what_a_client_sends_is_what_the_daemon_reads() -> None:
    request = q_status.Request(session_id="s", job_id="é\n")
    data = frame.request("k1", "q_status", request)
    assert b"\n" not in data
    decoded = one(data)
    assert (decoded.id, decoded.request) == (b'"k1"', request)
    assert one(frame.request(None, "q_status", request)).id is None


def test_replies_come_back_as_answers() -> None:
    error = QmkError("JOB_NOT_FOUND", "no job 'j'", job_id="j")
    (good,) = frame.answers(frame.result(b"1", {"a": 1}))
    (bad,) = frame.answers(frame.error(b'"x"', error))
    assert (good.id, bytes(good.result or b""), good.error) == (1, b'{"a":1}', None)
    assert bad.id == "x"
    assert bad.error is not None
    assert (bad.error.kind, bad.error.message, bad.error.fields) == (error.kind, error.message, error.fields)
    assert len(frame.answers(b"".join(frame.batch([frame.result(b"1", 1), frame.result(b"2", 2)])))) == 2


@pytest.mark.parametrize("data", [b"", b"{", b"7", b'{"error":3}', b"[" * 100_000])
def test_what_is_no_reply_is_a_lost_connection(data: bytes) -> None:
    with pytest.raises(QmkError) as caught:
        frame.answers(data)
    assert caught.value.kind.name == "CONNECTION_LOST"


def test_an_error_reply_carries_everything() -> None:
    reply: dict[str, Any] = json.loads(frame.error(frame.NULL_ID, refused(b"{}")))
    assert reply["id"] is None
    assert reply["error"]["code"] == -32600
    assert reply["error"]["data"]["blame"] == "caller"


@pytest.mark.parametrize("text", ["@@@@", "x", "\xe9t\xe9", "\N{SNOWMAN}"])
def test_a_program_that_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(QmkError) as caught:
        source_of(Program(base64=text))
    assert (caught.value.kind.name, caught.value.fields["field"]) == ("INVALID_PARAMS", "program.base64")
