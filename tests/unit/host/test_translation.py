"""Reading source text for connections: nobody waits for more than one program of each other, or for one who left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.host import translation
from qmk.host.translation import TextBounds, Translation
from qmk.qvm.graph import Graph, pack
from qmk.worker.messages import Ready, Translate, Translated


class FakeProcess:
    """A translator that answers when the test says so."""

    def __init__(self, heard: Callable[[Any], None], gone: Callable[[int], None]) -> None:
        self.heard, self.gone = heard, gone
        self.sent: list[Translate] = []
        self.pid, self.last_words = 1, ""

    def send(self, message: Translate) -> None:
        self.sent.append(message)

    def kill(self) -> None:
        asyncio.get_running_loop().call_soon(self.gone, -9)

    def answer(self) -> None:
        self.heard(Translated(self.sent[-1].fence, pack(Graph()), "qasm2"))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    made: list[FakeProcess] = []

    def child_process(_child: Any, _kind: Any, heard: Any, gone: Any) -> FakeProcess:
        made.append(FakeProcess(heard, gone))
        return made[-1]

    monkeypatch.setattr(translation.spawn, "translator", lambda _memory: None)
    monkeypatch.setattr(translation, "ChildProcess", child_process)
    return made


def test_connections_take_turns_and_one_that_leaves_is_forgotten(processes: list[FakeProcess]) -> None:
    done: list[str] = []

    def ask(reader: Translation, owner: int, name: str) -> None:
        def then(graph: Graph | None, _warnings: Any, error: QmkError | None) -> None:
            assert graph is not None, error
            done.append(name)

        reader.translate(Program(text=name), owner, then)

    async def scene() -> None:
        reader = Translation(TextBounds())
        for number in range(3):
            ask(reader, 1, f"a{number}")
        ask(reader, 2, "b0")
        ask(reader, 3, "c0")
        (first,) = processes
        first.heard(Ready("translator", "", 1))
        for _ in range(4):
            first.answer()
        assert done == ["a0", "b0", "c0", "a1"]

        reader.drop(1)  # its a2 is being read: the process is killed, a new one serves the others
        ask(reader, 2, "b1")
        await asyncio.sleep(0)
        second = processes[1]
        second.heard(Ready("translator", "", 1))
        assert second.sent[-1].data == b"b1"
        second.answer()
        assert done[-1] == "b1"
        assert "a2" not in done

    asyncio.run(scene())
