"""Reading programs for connections: nobody waits for the slow programs of another, or for one who left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.host import translation
from qmk.host.translation import Translation
from qmk.host.translation_tasks import TextBounds
from qmk.host.translations import Facts, FrameRead, ReadFrame, ReadProgram, Translate, Translated, Wanted
from qmk.kernel.demand import Size
from qmk.qvm.graph import Graph, pack
from qmk.worker.messages import Failed, Ready

NOTHING = Facts("", Size(0, 0, 0, 0))


class FakeProcess:
    """A translator that answers when the test says so."""

    def __init__(self, heard: Callable[[Any], None], gone: Callable[[int], None]) -> None:
        self.heard, self.gone = heard, gone
        self.sent: list[Any] = []
        self.pid, self.last_words = 1, ""
        self.ran_s = self.waited_s = 0.0
        self.killed = False

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def kill(self) -> None:
        self.killed = True
        asyncio.get_running_loop().call_soon(self.gone, -9)

    def start(self) -> None:
        self.heard(Ready("translator", "", 1))

    def answer(self) -> None:
        self.heard(Translated(self.sent[-1].fence, pack(Graph()), Graph(), NOTHING))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    made: list[FakeProcess] = []

    def child_process(_child: Any, _kind: Any, heard: Any, gone: Any) -> FakeProcess:
        made.append(FakeProcess(heard, gone))
        return made[-1]

    monkeypatch.setattr(translation.spawn, "translator", lambda _memory: None)
    monkeypatch.setattr(translation, "ChildProcess", child_process)
    return made


class Asker:
    """Asks, and notes the name of each program that was read, or the kind of error."""

    def __init__(self, reader: Translation) -> None:
        self.reader = reader
        self.done: list[str] = []
        self.errors: list[QmkError] = []

    def ask(self, owner: str, name: str, connection: int = 1) -> None:
        def then(_found: Translated | None, error: QmkError | None) -> None:
            self.done.append(name if error is None else f"{name}: {error.kind.name}")
            self.errors += [error] if error is not None else []

        self.reader.translate(Program(text=name), owner, connection, Wanted(), then)


def play(scene: Callable[[Asker], Coroutine[Any, Any, None]], bounds: TextBounds | None = None) -> None:
    async def run() -> None:
        reader = Translation(bounds or TextBounds())
        await scene(Asker(reader))
        await reader.close()

    asyncio.run(run())


def test_a_tenant_has_one_process_and_the_others_do_not_wait_for_it(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        for number in range(3):
            asker.ask("slow", f"s{number}")
        asker.ask("quick", "q0")
        assert len(processes) == 2, "one each"
        for process in processes:
            process.start()
        processes[1].answer()
        assert asker.done == ["q0"], "what waits for the slow one holds nobody up"
        asker.ask("quick", "q1")
        processes[1].answer()
        processes[0].answer()
        assert asker.done == ["q0", "q1", "s0"]
        assert [message.data for message in processes[0].sent] == [b"s0", b"s1"]

    play(scene)


def test_of_those_who_wait_the_one_goes_first_who_has_had_the_least(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        asker.ask("much", "m0")
        processes[0].start()
        await asyncio.sleep(0.02)  # its program takes that long
        processes[0].answer()
        asker.ask("new", "n0")
        asker.ask("much", "m1")
        asker.ask("other", "o0")
        for _ in range(3):
            processes[0].answer()
        assert asker.done == ["m0", "n0", "o0", "m1"]

    play(scene, TextBounds(processes=1))


def test_who_leaves_is_forgotten_and_its_process_replaced(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0", connection=1)
        asker.ask("a", "a1", connection=1)
        asker.ask("a", "a2", connection=2)
        processes[0].start()
        asker.reader.drop(1)
        assert processes[0].killed
        await asyncio.sleep(0)
        processes[1].start()
        assert processes[1].sent[-1].data == b"a2"
        processes[1].answer()
        assert asker.done == ["a2"]

    play(scene)


def test_what_waits_is_bounded_for_each_tenant(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        for number in range(4):
            asker.ask("many", f"m{number}")
        asker.ask("long", "l0")
        asker.ask("long", "x" * 20)
        asker.ask("few", "f0")
        await asyncio.sleep(0)
        assert asker.done == ["m3: RESOURCE_EXHAUSTED", f"{'x' * 20}: RESOURCE_EXHAUSTED"]
        assert asker.errors[0].message == "2 of your programs, 4 bytes, wait to be read; try again later"
        assert len(processes) == 3

    play(scene, TextBounds(waiting=2, waiting_bytes=16))


@pytest.mark.parametrize(
    ("ran", "waited", "kind"),
    [(1.0, 0.0, "QUOTA_EXCEEDED"), (0.0, 0.0, ""), (0.01, 0.0, "")],
)
def test_a_program_is_cut_by_processor_time_and_a_process_that_stands_still_is_replaced(
    processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch, ran: float, waited: float, kind: str
) -> None:
    monkeypatch.setattr(translation, "LOOK_S", 0.05)

    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0")
        processes[0].start()
        processes[0].ran_s, processes[0].waited_s = ran, waited
        while not processes[0].killed:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        if kind:
            assert asker.done == [f"a0: {kind}"]
            asker.ask("a", "a1")
        processes[1].start()
        processes[1].answer()
        assert asker.done[-1] == ("a1" if kind else "a0")

    play(scene, TextBounds(seconds=0.3))


@pytest.mark.parametrize("ran", [0.0, 1.0])
def test_a_process_that_does_not_start_is_replaced(
    processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch, ran: float
) -> None:
    monkeypatch.setattr(translation, "START_S", 0.05)

    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0")
        processes[0].ran_s = ran
        while not processes[0].killed:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        processes[1].start()
        processes[1].answer()
        assert asker.done == ["a0"]

    play(scene)


def test_a_program_that_waited_for_a_processor_may_go_on(
    processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "LOOK_S", 0.01)

    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0")
        processes[0].start()
        for _ in range(20):
            processes[0].waited_s += 0.1
            await asyncio.sleep(0.01)
        assert asker.done == []
        processes[0].answer()
        assert asker.done == ["a0"]

    play(scene, TextBounds(seconds=0.05))


def test_a_process_that_ends_by_itself_fails_its_program_and_no_other(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0")
        asker.ask("a", "a1")
        processes[0].start()
        processes[0].gone(-11)
        processes[1].start()
        processes[1].answer()
        assert asker.done == ["a0: INTERNAL_ERROR", "a1"]
        assert asker.errors[0].message == "the process that reads programs was killed by signal SIGSEGV"

    play(scene)


def test_a_program_whose_process_was_killed_from_outside_is_read_by_another(processes: list[FakeProcess]) -> None:
    async def scene(asker: Asker) -> None:
        asker.ask("a", "a0")
        asker.ask("a", "a1")
        for process, name in zip(range(2), (b"a0", b"a0"), strict=True):
            processes[process].start()
            assert [message.data for message in processes[process].sent] == [name]
            processes[process].gone(-9)
        assert asker.done == []
        processes[2].start()
        processes[2].answer()
        processes[2].answer()
        assert asker.done == ["a0", "a1"]
        asker.ask("a", "a2")
        for number in range(2, 2 + translation.PROCESSES_A_PROGRAM):
            if number > 2:
                processes[number].start()
            processes[number].gone(-9)
        assert asker.done[2:] == ["a2: RESOURCE_EXHAUSTED"]
        assert asker.errors[0].kind.retryable
        assert (
            asker.errors[0].message == "the process that reads programs was killed by signal SIGKILL; try again later"
        )

    play(scene)


@pytest.mark.parametrize("again", [True, False], ids=["short", "too long to be kept"])
def test_a_frame_goes_on_in_another_process_where_it_was(
    processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(translation, "LONG_BYTES", 8 if again else 3)

    async def scene(asker: Asker) -> None:
        told: list[Any] = []

        def then(found: Any, error: QmkError | None) -> ReadProgram | None:
            told.append(found if error is None else error.kind.name)
            return ReadProgram(fence, len(told) - 1) if len(told) < 3 else None

        asker.reader.read_frame(b"long", False, "a", 1, then)
        processes[0].start()
        fence = processes[0].sent[0].fence
        calls = FrameRead(fence, [], True)
        processes[0].heard(calls)
        processes[0].answer()
        assert isinstance(told[1], Translated)
        processes[0].gone(-9)
        if not again:
            assert told[2:] == ["RESOURCE_EXHAUSTED"]
            return
        processes[1].start()
        assert processes[1].sent[0].data == b"long"
        processes[1].heard(calls)
        assert processes[1].sent[1] == ReadProgram(fence, 1)
        processes[1].answer()
        assert told[0] is calls, "the calls of the frame were taken once"
        assert len(told) == 3
        assert isinstance(told[2], Translated)

    play(scene)


def test_a_process_that_read_a_long_frame_is_ended_with_its_memory(
    processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "LONG_BYTES", 3)

    async def scene(asker: Asker) -> None:
        told: list[Any] = []

        def then(found: Any, error: QmkError | None) -> None:
            told.append(found or error)

        asker.reader.read_frame(b"long", False, "a", 1, then)
        processes[0].start()
        assert isinstance(processes[0].sent[0], ReadFrame)
        processes[0].heard(Failed(processes[0].sent[0].fence, "PARSE_ERROR", "no"))
        assert told[0].message == "no"
        assert processes[0].killed
        await asyncio.sleep(0)
        asker.ask("a", "a0")
        processes[1].start()
        assert isinstance(processes[1].sent[0], Translate)
        processes[1].answer()
        assert not processes[1].killed

    play(scene)
