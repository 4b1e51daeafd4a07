"""Results are read while they are there, and not forgotten under those who read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from qmk.abi.calls import q_result
from qmk.base.errors import QmkError
from qmk.host import results
from qmk.host.answers import Make, PlainMakers, ResultAnswers
from qmk.host.journal import Journal
from qmk.host.results import Head, Result
from qmk.kernel import effects as fx
from qmk.qvm.graph import Output
from qmk.worker.messages import Partial

RESULT = Result(
    Head(counts={"0": 1}, registers=[], event_names=[], event_widths=[], row_bytes=0, shots=1, version="", notes={}),
    b"",
)


class Store:
    """A journal of heads, some of them damaged."""

    def __init__(self) -> None:
        self.heads: dict[str, bytes] = {}

    def packed_head(self, job: str) -> bytes | None:
        if job == "damaged":
            raise QmkError("INTERNAL_ERROR", "it does not match its checksum")
        return self.heads.get(job)


class Makers:
    """Has everything made when the test says so; ``said`` are the answers by reference."""

    def __init__(self) -> None:
        self.at_once: list[int] = []
        self.begun: list[Callable[[], None]] = []
        self.said: dict[int, Any] = {}

    def in_turn(self, conn: int, ref: int, make: Make) -> None:
        self.at_once.append(ref)
        self.said[ref] = make()

    def in_thread(self, conn: int, ref: int, make: Make, then: Callable[[], None]) -> None:
        def work() -> None:
            self.said[ref] = make()
            then()

        self.begun.append(work)


class World:
    def __init__(self) -> None:
        self.store = Store()
        self.makers = Makers()
        self.partials: dict[tuple[str, int], Partial] = {}
        self.answers = ResultAnswers(cast("Journal", self.store), self.makers, self.partials)
        self.forgotten: list[str] = []

    def ask(self, job: str, ref: int, fence: int = 0) -> None:
        provenance = q_result.Provenance(digest="", engine="", method="", seed=0)
        known = q_result.Reply(job_id=job, shots=1, seed=0, provenance=provenance)
        self.answers.answer(fx.ReplyResult(1, ref, job, 0, fence, result=known))

    def forget(self, job: str) -> None:
        self.answers.forget(job, lambda: self.forgotten.append(job))


def test_a_result_is_forgotten_after_the_last_answer_that_reads_it() -> None:
    world = World()
    world.store.heads["j"] = results.encode_head(RESULT.head)
    world.ask("j", 1)
    world.ask("j", 2)
    world.forget("j")
    world.forget("other")
    assert world.forgotten == ["other"]
    world.makers.begun.pop()()
    assert world.forgotten == ["other"]
    world.makers.begun.pop()()
    assert world.forgotten == ["other", "j"]
    assert [world.makers.said[ref].counts for ref in (1, 2)] == [{"0": 1}] * 2


def test_a_recent_result_is_shown_from_memory_although_it_is_forgotten_meanwhile() -> None:
    world = World()
    world.answers.recent.put("j", RESULT)
    world.ask("j", 1)
    assert world.makers.at_once == [1]
    assert world.makers.said[1].counts == {"0": 1}
    world.forget("j")
    assert world.forgotten == ["j"]
    assert world.answers.recent.get("j") is None


def test_of_a_launch_that_is_out_the_answer_is_what_it_gave_so_far() -> None:
    world = World()
    world.ask("j", 1, fence=7)
    world.partials["j", 7] = Partial(5, {"0": 5}, [Output("c", ("e",))])
    world.ask("j", 2, fence=7)
    nothing, some = world.makers.said[1], world.makers.said[2]
    assert (nothing.partial, nothing.shots, nothing.counts) == (True, 0, {})
    assert (some.partial, some.shots, some.counts) == (True, 5, {"0": 5})
    assert some.registers == [q_result.Register("c", ["e"])]


def test_what_cannot_be_read_is_an_error_of_the_call() -> None:
    world = World()
    world.store.heads["broken"] = b"this is not a head"
    for ref, job in enumerate(("damaged", "missing", "broken")):
        world.ask(job, ref)
    for work in world.makers.begun:
        work()
    assert [world.makers.said[ref].message for ref in range(3)] == [
        "it does not match its checksum",
        "the result of missing is not in the store",
        "a defect in QMK; the daemon's log has more",
    ]


def test_without_a_daemon_answers_are_made_in_the_threads_there_are() -> None:
    said: list[Any] = []

    class Replies:
        def answer(self, conn: int, ref: int, result: Any) -> None:
            said.append(result)

        def refuse(self, conn: int, ref: int, error: QmkError) -> None:
            said.append(error.message)

    waiting: list[Callable[[], None]] = []
    makers = PlainMakers(Replies(), lambda work, then: waiting.append(lambda: (work(), then(None))[0]))
    ends: list[int] = []
    makers.in_thread(1, 1, lambda: "read", lambda: ends.append(1))
    makers.in_turn(1, 2, lambda: QmkError("INTERNAL_ERROR", "no"))
    assert (said, ends) == (["no"], [])
    waiting.pop()()
    assert (said, ends) == (["no", "read"], [1])
