"""Batches against a scripted daemon: what is sent as one frame, and what is sent again."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client import AsyncClient, Client, many
from qmk.qvm.graph import Graph
from tests.exchanges import EXAMPLES

NEGOTIATED = EXAMPLES["q_negotiate_caps"][1]
SUBMITTED = EXAMPLES["q_submit"][1]
Answer = Callable[[int, dict[str, Any]], Any]


class Script:
    """A daemon that answers each call of a frame by ``answer(number of the frame, call)``: a dict, or None to close
    the connection. ``frames``: those with submits and cancels."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames: list[list[dict[str, Any]]] = []
        self.answer: Answer = lambda frame, call: {"result": {**SUBMITTED, "job_id": f"job_{call['id']}"}}
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
                frame = json.loads(line)
                calls = frame if isinstance(frame, list) else [frame]
                if calls[0]["method"] == "q_negotiate_caps":
                    said: list[Any] = [{"result": NEGOTIATED}]
                else:
                    self.frames.append(calls)
                    said = [self.answer(len(self.frames), call) for call in calls]
                if None in said:
                    return
                out = [{"jsonrpc": "2.0", "id": call["id"], **one} for call, one in zip(calls, said, strict=True)]
                out.reverse()  # the answers of a batch may come in any order
                sock.sendall(json.dumps(out if isinstance(frame, list) else out[0]).encode() + b"\n")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    made = Script(tmp_path / "s")
    yield made
    made.close()


def test_a_batch_is_one_frame_and_answers_find_their_entries(script: Script) -> None:
    with Client(script.path) as client:
        jobs = client.submit_many([Graph(), Graph(), Graph()], seed=4)
    (frame,) = script.frames
    assert [job.job_id for job in jobs] == [f"job_{call['id']}" for call in frame]
    assert [call["params"]["policy"]["seed"] for call in frame] == [entry.seed for entry in jobs.entries]

    async def ask() -> list[str]:
        async with AsyncClient(script.path) as client:
            return [job.job_id for job in await client.submit_many([Graph(), Graph()])]

    assert asyncio.run(ask()) == [f"job_{call['id']}" for call in script.frames[1]]


def test_frames_have_no_more_calls_and_bytes_than_the_daemon_takes(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(script.path) as client:
        client.submit_many([Graph()] * (LIMITS.batch_calls + 1))
        assert [len(frame) for frame in script.frames] == [LIMITS.batch_calls, 1]
        monkeypatch.setattr(many, "BATCH_BYTES", 10)
        client.submit_many([Graph()] * 3)
    assert [len(frame) for frame in script.frames[2:]] == [1, 1, 1]


def test_a_patient_client_sends_the_batch_again_with_the_same_keys(script: Script) -> None:
    plain = script.answer
    script.answer = lambda frame, call: None if frame == 1 else plain(frame, call)
    with Client(script.path, patience_s=5) as client:
        assert len(client.submit_many([Graph(), Graph()])) == 2
    keys = [[call["params"]["idempotency_key"] for call in frame] for frame in script.frames]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2


def test_without_patience_a_lost_batch_is_not_sent_again(script: Script) -> None:
    script.answer = lambda frame, call: None
    with Client(script.path) as client, pytest.raises(QmkError, match="closed the connection"):
        client.submit_many([Graph(), Graph()])
    assert len(script.frames) == 1


def test_a_refusal_names_its_entry_and_cancels_the_others(script: Script) -> None:
    refused = QmkError("QUOTA_EXCEEDED", "too many", quota="shots").to_dict()
    cancelled = {"result": EXAMPLES["q_cancel"][1]}

    def answer(frame: int, call: dict[str, Any]) -> Any:
        if call["method"] == "q_cancel":
            return cancelled
        seeds = [one["params"]["policy"]["seed"] for one in script.frames[0]]
        if call["params"]["policy"]["seed"] == seeds[1]:
            return {"error": refused}
        return {"result": {**SUBMITTED, "job_id": f"job_{call['id']}"}}

    script.answer = answer
    with Client(script.path) as client, pytest.raises(QmkError, match=r"^entry 1 \(program 1\): too many") as caught:
        client.submit_many([Graph()] * 3)
    assert caught.value.fields == {"quota": "shots", "entry": 1}
    first, _, third = (f"job_{call['id']}" for call in script.frames[0])
    assert [call["params"]["job_id"] for call in script.frames[1]] == [first, third]
