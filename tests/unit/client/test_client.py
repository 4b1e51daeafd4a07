"""The clients against a scripted daemon: errors say what to do, lost connections are renewed, answers find calls."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.abi.calls import BY_NAME, q_result
from qmk.base.errors import QmkError
from qmk.client import AsyncClient, Client, Result, calls
from qmk.formats import json_codec
from qmk.qvm.graph import Graph
from qmk.request.program import to_graph
from tests.exchanges import EXAMPLES

Answer = Callable[[Any], Any]
NEGOTIATED = EXAMPLES["q_negotiate_caps"][1]
STATUS = EXAMPLES["q_status"][1]


class Script:
    """A daemon that answers each call by ``answer(call)``: a reply object, bytes to send as they are, or None to close
    the connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[str] = []
        self.answer: Answer = lambda call: {"result": STATUS}
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as file:
            for line in file:
                call = json.loads(line)
                self.calls.append(call["method"])
                said = {"result": NEGOTIATED} if call["method"] == "q_negotiate_caps" else self.answer(call)
                if said is None:
                    return
                if isinstance(said, dict):
                    said = json.dumps({"jsonrpc": "2.0", "id": call["id"], **said}).encode() + b"\n"
                sock.sendall(said)

    def close(self) -> None:
        self._server.close()
        self.path.unlink(missing_ok=True)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    made = Script(tmp_path / "s")
    yield made
    made.close()


def test_no_daemon_names_the_socket_and_the_fix(tmp_path: Path):
    with pytest.raises(QmkError) as caught:
        Client(tmp_path / "none").query_resources()
    error = caught.value
    assert error.kind.name == "CONNECTION_LOST"
    assert str(tmp_path / "none") in error.message
    assert "qmk serve" in error.fields["hint"]
    with pytest.raises(QmkError, match="no daemon listens"):
        asyncio.run(AsyncClient(tmp_path / "none").query_resources())


def test_a_session_is_opened_once_by_itself(script: Script):
    with Client(script.path) as client:
        client.status("job_a")
        client.status("job_a")
    assert script.calls == ["q_negotiate_caps", "q_status", "q_status"]


def test_errors_of_the_wire_are_raised_with_their_fields(script: Script):
    wire = QmkError("QUOTA_EXCEEDED", "too many", quota="shots", asked=5, limit=3).to_dict()
    script.answer = lambda call: {"error": wire}
    with pytest.raises(QmkError, match="too many") as caught:
        Client(script.path).status("job_a")
    assert caught.value.kind.name == "QUOTA_EXCEEDED"
    assert caught.value.fields == {"quota": "shots", "asked": 5, "limit": 3}


def test_a_call_that_reads_is_repeated_over_a_new_connection(script: Script):
    client = Client(script.path)
    client.status("job_a")
    outcomes = iter([None, {"result": STATUS}])
    script.answer = lambda call: next(outcomes)
    assert client.status("job_a").job_id == STATUS["job_id"]
    assert script.calls[2:] == ["q_status", "q_negotiate_caps", "q_status"]


def test_a_submit_is_never_repeated_by_itself(script: Script):
    client = Client(script.path)
    client.status("job_a")
    script.answer = lambda call: None
    with pytest.raises(QmkError, match="closed the connection") as caught:
        client.submit(Graph())
    assert "idempotency_key" in caught.value.fields["hint"]
    assert script.calls.count("q_submit") == 1


def test_a_long_program_goes_over_the_wire_once_and_again_when_the_daemon_has_lost_it(script: Script):
    text = "OPENQASM 2.0; qreg q[1]; creg c[1];" + "U(0.1,0,0) q[0];" * 50 + "measure q -> c;"
    unknown = QmkError("GRAPH_NOT_FOUND", "gone", field="graph_sha256").to_dict()
    estimate = {"digest": "d", "shots": 1, "logical": {}, "engines": [], "gaps": [], "chosen": ""}
    sent: list[Any] = []
    lost: list[bool] = [False]

    def answer(call: Any) -> Any:
        sent.append(call["params"])
        known = "graph_sha256" in call["params"]
        return {"error": unknown} if known and lost[0] else {"result": estimate}

    script.answer = answer
    with Client(script.path) as client:
        for shots in (1, 2, 3):
            client.estimate(text, shots=shots)
            lost[0] = shots == 2
        client.estimate("OPENQASM 2.0; qreg q[1]; creg c[1]; measure q -> c;")
        client.estimate("OPENQASM 2.0; qreg q[1]; creg c[1]; measure q -> c;")
    forms = [name for call in sent for name in ("graph", "graph_sha256") if name in call]
    assert forms == ["graph", "graph_sha256", "graph_sha256", "graph", "graph", "graph"]
    whole = json_codec.encode(json_codec.decode(msgspec.json.encode(sent[0]["graph"]))[0])
    assert sent[1]["graph_sha256"] == hashlib.sha256(whole).hexdigest()


def test_a_connection_closed_between_calls_is_noticed_before_the_next(script: Script):
    client = Client(script.path)
    client.status("job_a")
    script.answer = lambda call: None
    with pytest.raises(QmkError):
        client.cancel("job_a")
    script.answer = lambda call: {"result": EXAMPLES["q_cancel"][1]}
    assert client.cancel("job_a").state


def test_answers_to_calls_that_were_given_up_are_passed_over(script: Script):
    stale = json.dumps({"jsonrpc": "2.0", "id": 999, "result": {}}).encode() + b"\n"

    def answer(call: Any) -> bytes:
        return stale + json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": STATUS}).encode() + b"\n"

    script.answer = answer
    assert Client(script.path).status("job_a").job_id == STATUS["job_id"]


@pytest.mark.parametrize("said", [b"what?\n", b'{"jsonrpc":"2.0","id":2,"result":5}\n'])
def test_an_answer_that_makes_no_sense_is_an_error(script: Script, said: bytes):
    script.answer = lambda call: said
    with pytest.raises(QmkError) as caught:
        Client(script.path).status("job_a")
    assert caught.value.kind.name == "CONNECTION_LOST"


def test_asyncio_calls_share_a_connection_and_are_answered_in_any_order(script: Script):
    held: list[Any] = []

    def answer(call: Any) -> bytes:
        held.append(call["id"])
        if len(held) < 3:
            return b""
        replies = [{"jsonrpc": "2.0", "id": number, "result": {**STATUS, "job_id": f"job_{number}"}} for number in held]
        return b"".join(json.dumps(reply).encode() + b"\n" for reply in reversed(replies))

    script.answer = answer

    async def main() -> list[str]:
        async with AsyncClient(script.path) as client:
            return [status.job_id for status in await asyncio.gather(*(client.status("job_a") for _ in range(3)))]

    assert len(set(asyncio.run(main()))) == 3
    assert script.calls.count("q_negotiate_caps") == 1


def test_asyncio_lost_connections_are_told_and_renewed(script: Script):
    async def main() -> None:
        async with AsyncClient(script.path) as client:
            await client.status("job_a")
            script.answer = lambda call: None
            with pytest.raises(QmkError, match="closed the connection"):
                await client.cancel("job_a")
            outcomes = iter([None, {"result": STATUS}])
            script.answer = lambda call: next(outcomes)
            await client.session_id()
            assert (await client.status("job_a")).job_id == STATUS["job_id"]

    asyncio.run(main())


def page(first: int, shots: int, of: int) -> q_result.EventPage:
    rows = [format(number % 8, "03b") for number in range(first, first + shots)]
    after = first + shots
    return q_result.EventPage(first, ["a", "b"], [1, 2], rows, after if after < of else None)


def a_result(fetch: Any = None) -> Result:
    provenance = q_result.Provenance(digest="d", engine="e", method="m", seed=9)
    reply = q_result.Reply(
        job_id="j", shots=25, seed=9, counts={"0": 20, "1": 5}, events=page(0, 10, 25), provenance=provenance
    )
    return Result(reply, fetch)


def test_rows_are_fetched_page_by_page_from_any_shot():
    asked: list[int] = []

    def fetch(shot: int) -> q_result.EventPage:
        asked.append(shot)
        return page(shot, min(10, 25 - shot), 25)

    result = a_result(fetch)
    expected = [format(number % 8, "03b") for number in range(25)]
    assert list(result.rows()) == expected
    assert list(result.rows(7)) == expected[7:]
    assert list(result.rows(23)) == expected[23:]
    assert list(result.rows(25)) == []
    assert asked == [10, 20, 10, 20, 23]


def test_events_have_their_widths():
    assert next(a_result(lambda shot: page(shot, 25 - shot, 25)).events(5)) == {"a": 1, "b": 1}


def test_events_that_were_not_kept_or_cannot_be_fetched_are_errors():
    with pytest.raises(QmkError, match="cannot be fetched"):
        list(a_result().rows())
    result = Result(msgspec.structs.replace(a_result()._whole(), events=None))
    assert not result.has_events
    with pytest.raises(QmkError, match="no per-shot events"):
        list(result.rows())


def test_to_dict_has_what_machines_are_promised():
    assert list(a_result().to_dict()) == [
        "counts",
        "shots",
        "seed",
        "engine",
        "registers",
        "provenance",
        "usage",
        "warnings",
    ]
    assert json.dumps(a_result().to_dict())
    assert "25 shots on e" in repr(a_result())


def test_programs_come_as_graph_text_or_file(tmp_path: Path):
    graph = Graph()
    assert to_graph(graph) is graph
    with pytest.raises(QmkError, match="not to a graph"):
        to_graph(graph, params={"a": 1})
    with pytest.raises(QmkError, match=r"cannot read 'missing\.qasm': no such file") as caught:
        to_graph("missing.qasm")
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert caught.value.fields["help"].startswith("there is no file 'missing.qasm' here")
    with pytest.raises(QmkError, match="cannot read 'H 0'") as caught:
        to_graph("H 0")
    assert "semicolon" in caught.value.fields["help"]
    text = '{"version": "1.0", "program": {"nodes": []}, "resources": {}, "caps": []}'
    (tmp_path / "p.qvm.json").write_text(text)
    assert to_graph(tmp_path / "p.qvm.json") == to_graph(text) == to_graph(text.encode())
    assert to_graph(str(tmp_path / "p.qvm.json"), format="qvm-json") == to_graph(text)


def test_patience_makes_a_submit_again_with_its_key_and_goes_on_waiting(script: Script):
    """The daemon goes after the submit, after the wait began, and once answers a wait early, as when it stops."""
    keys: list[str] = []
    seen: list[str] = []
    queued = {"result": {**STATUS, "state": "QUEUED"}}
    ended = {"result": {**STATUS, "state": "COMPLETED"}}

    def answer(call: Any) -> Any:
        method = call["method"]
        seen.append(method)
        if method == "q_submit":
            keys.append(call["params"]["idempotency_key"])
            return None if len(keys) == 1 else {"result": EXAMPLES["q_submit"][1]}
        waits = seen.count("q_wait")
        return None if waits == 1 else queued if waits == 2 else ended

    script.answer = answer

    async def crowd() -> Any:
        async with AsyncClient(script.path, patience_s=30) as client:
            job = await client.submit(Graph())
            return await client.wait(job.job_id)

    def alone() -> Any:
        with Client(script.path, patience_s=30) as client:
            return client.wait(client.submit(Graph()).job_id)

    for run in (alone, lambda: asyncio.run(crowd())):
        keys.clear()
        seen.clear()
        assert run().state == "COMPLETED"
        assert len(keys) == 2
        assert keys[0] == keys[1] != ""
        assert seen.count("q_wait") == 3


def test_patience_ends_and_never_repeats_what_may_have_happened(script: Script, tmp_path: Path):
    with pytest.raises(QmkError, match="no daemon listens"):
        Client(tmp_path / "none", patience_s=0.05).query_resources()
    with pytest.raises(QmkError, match="no daemon listens"):
        asyncio.run(AsyncClient(tmp_path / "none", patience_s=0.05).query_resources())
    script.answer = lambda call: None
    with pytest.raises(QmkError, match="closed the connection"):
        Client(script.path, patience_s=30).cancel("job_x")
    assert script.calls.count("q_cancel") == 1


def test_an_error_that_was_meant_is_not_asked_for_again(script: Script):
    script.answer = lambda call: {"error": {"code": -32300, "message": "no job", "data": {}}}
    with pytest.raises(QmkError, match="no job"):
        Client(script.path, patience_s=30).status("job_x")
    assert script.calls.count("q_status") == 1


METHODS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "q_submit": (
        lambda client: client.submit(
            Graph(), shots=3, seed=1, priority=2, deadline_epochs=9, idempotency_key="k", channels={"c": "chan_a"}
        ),
        {
            "shots": 3,
            "idempotency_key": "k",
            "policy": {"priority": 2, "deadline_epochs": 9, "seed": 1, "channels": {"c": "chan_a"}},
        },
    ),
    "q_status": (lambda client: client.status("job_a"), {"job_id": "job_a"}),
    "q_jobs": (
        lambda client: client.jobs("RUNNING", limit=7, cursor="1-job_a"),
        {"state": "RUNNING", "limit": 7, "cursor": "1-job_a"},
    ),
    "q_wait": (lambda client: client.wait("job_a", 5), {"job_id": "job_a", "timeout_ms": 5}),
    "q_result": (lambda client: client.result("job_a", 4), {"job_id": "job_a", "from_shot": 4}),
    "q_cancel": (lambda client: client.cancel("job_a", "why"), {"job_id": "job_a", "reason": "why"}),
    "q_label": (lambda client: client.label("job_a", "x", ["y"]), {"job_id": "job_a", "add": ["x"], "remove": ["y"]}),
    "q_delete": (lambda client: client.delete("job_a"), {"job_id": "job_a"}),
    "q_events": (lambda client: client.events("job_a", 2, 0), {"job_id": "job_a", "after": 2, "timeout_ms": 0}),
    "q_get_telemetry": (lambda client: client.telemetry("job_a"), {"job_id": "job_a"}),
    "q_estimate": (lambda client: client.estimate(Graph(), shots=4), {"shots": 4}),
    "q_alloc": (lambda client: client.alloc(2, "ideal"), {"n": 2, "profile": "ideal"}),
    "q_release": (lambda client: client.release(["lq_a"]), {"handles": ["lq_a"]}),
    "q_revoke": (lambda client: client.revoke("cap_a"), {"capability": "cap_a"}),
    "q_delegate": (
        lambda client: client.delegate("cap_a", ["CAP_STATUS"], uses=2),
        {"capability": "cap_a", "rights": ["CAP_STATUS"], "uses": 2},
    ),
    "q_checkpoint": (lambda client: client.checkpoint("job_a"), {"job_id": "job_a"}),
    "q_checkpoints": (lambda client: client.checkpoints("job_a", limit=2), {"job_id": "job_a", "limit": 2}),
    "q_restore": (lambda client: client.restore("chk_a", "k"), {"checkpoint_id": "chk_a", "idempotency_key": "k"}),
    "q_migrate": (lambda client: client.migrate("job_a", "r1"), {"job_id": "job_a", "region": "r1"}),
    "q_rollback": (lambda client: client.rollback("job_a", 3), {"job_id": "job_a", "epoch": 3}),
    "q_replay": (lambda client: client.replay("job_a", "k"), {"job_id": "job_a", "idempotency_key": "k"}),
    "q_program": (lambda client: client.program("job_a"), {"job_id": "job_a"}),
    "q_open_chan": (
        lambda client: client.open_channel(["a", "b"], fidelity=0.9, entanglements_max=5),
        {"peers": ["a", "b"], "fidelity": 0.9, "entanglements_max": 5},
    ),
    "q_close_chan": (lambda client: client.close_channel("chan_a"), {"channel": "chan_a"}),
    "q_chan_status": (lambda client: client.channel_status("chan_a"), {"channel": "chan_a"}),
    "q_channels": (lambda client: client.channels(limit=3), {"limit": 3}),
    "q_close_session": (lambda client: client.close_session(), {}),
}
OTHERWISE_SENT = {"q_negotiate_caps", "q_query_resources", "q_get_mapping"}
"""Opens the session; needs none; is for debuggers, who call it by hand."""


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_send_what_their_methods_are_given(script: Script, name: str):
    assert METHODS.keys() | OTHERWISE_SENT == BY_NAME.keys()
    method, fields = METHODS[name]
    sent: list[Any] = []

    def answer(call: Any) -> Any:
        sent.append((call["method"], {key: value for key, value in call["params"].items() if key != "graph"}))
        return {"result": EXAMPLES[name][1]}

    async def awaited() -> Any:
        async with AsyncClient(script.path) as client:
            return await method(client)

    script.answer = answer
    with Client(script.path) as client:
        replies = [method(client), asyncio.run(awaited())]
    assert sent == [(name, {"session_id": NEGOTIATED["session_id"], **fields})] * 2
    if name != "q_result":
        assert replies[0] == replies[1]
        assert isinstance(replies[0], BY_NAME[name].reply)


def test_a_forked_process_opens_a_connection_and_a_session_of_its_own(script: Script):
    client = Client(script.path)
    client.status("job_a")
    child = os.fork()
    if not child:
        os._exit(0 if client.status("job_a").job_id == STATUS["job_id"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.status("job_a").job_id == STATUS["job_id"], "the parent's connection is as it was"
    assert script.calls == ["q_negotiate_caps", "q_status"] * 2 + ["q_status"]


def test_a_process_forked_during_a_call_of_another_thread_makes_its_own(script: Script):
    asked, answered = threading.Event(), threading.Event()

    def answer(call: Any) -> Any:
        if call["method"] == "q_wait":
            asked.set()
            assert answered.wait(30)
        return {"result": STATUS}

    script.answer = answer
    client = Client(script.path)
    waiting = threading.Thread(target=client.wait, args=("job_a",))
    waiting.start()
    assert asked.wait(30)
    child = os.fork()
    if not child:
        signal.alarm(30)
        os._exit(0 if client.status("job_a").job_id == STATUS["job_id"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    answered.set()
    waiting.join(30)
    assert script.calls == ["q_negotiate_caps", "q_wait", "q_negotiate_caps", "q_status"]


def test_progress_is_told_by_both_clients(script: Script):
    states = iter(["RUNNING", "COMPLETED"] * 2)
    done: list[int] = []

    def answer(call: Any) -> Any:
        if call["method"] == "q_submit":
            return {"result": EXAMPLES["q_submit"][1]}
        reply = {**STATUS, "state": next(states)}
        if reply["state"] == "COMPLETED":
            reply["result"] = EXAMPLES["q_result"][1]
        return {"result": reply}

    async def awaited() -> Any:
        async with AsyncClient(script.path) as client:
            return await client.run(Graph(), progress=done.append)

    script.answer = answer
    assert Client(script.path).run(Graph(), progress=done.append).counts == asyncio.run(awaited()).counts
    assert done == [STATUS["progress"]["shots_done"], EXAMPLES["q_result"][1]["shots"]] * 2


def test_decoders_are_built_one_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """msgspec crashes where two threads look at a struct for the first time at once."""
    inside, most = 0, 0

    def build(kind: type) -> type:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        inside -= 1
        return kind

    monkeypatch.setattr(calls.msgspec.json, "Decoder", build)
    kinds = [type(f"Reply{number}", (), {}) for number in range(4)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(calls._decoder, kinds * 2))
    assert most == 1
