"""What a reply may rest on: nothing is told to a client before the journal has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmk.abi.calls import q_negotiate_caps, q_result, q_status, q_submit
from qmk.formats.json_codec import decode
from qmk.host.host import Host, Turns
from qmk.host.routing import Routing
from qmk.kernel.config import KernelConfig
from qmk.kernel.core import Kernel
from qmk.policy.standard import STANDARD
from qmk.simulation.disk import Disk, SimJournal
from qmk.worker.messages import Done

BELL = Path(__file__).parents[2] / "examples" / "bell.qvm.json"


class Desk:
    """Answers, launches and timers, written down."""

    def __init__(self) -> None:
        self.answers: dict[int, Any] = {}
        self.launches: list[str] = []
        self.taken: dict[str, Any] = {}

    def answer(self, conn: int, ref: int, result: Any) -> None:
        self.answers[ref] = result

    def refuse(self, conn: int, ref: int, error: Any) -> None:
        self.answers[ref] = error

    def launch(self, launch: Any, graph: bytes, state: bytes | None = None) -> None:
        self.launches.append(launch.job)
        self.taken[launch.job] = launch

    def interrupt(self, interrupt: Any) -> None: ...
    def cancel(self, job: str, fence: int, grace_s: float = 0.0) -> None: ...
    def set(self, key: str, at_ns: int) -> None: ...
    def clear(self, key: str) -> None: ...


def test_a_repeated_submit_and_a_status_wait_for_the_first_ones_record() -> None:
    desk, turns, disk = Desk(), [], []
    host = Host(
        Kernel(KernelConfig(), STANDARD),
        SimJournal(Disk(), waits_for_disk=True),
        Routing(1 << 30, 1, {}),
        desk,
        desk,
        Turns(schedule=turns.append, in_thread=lambda work, then: disk.append((work, then))),
    )
    host.connect(desk)  # pyright: ignore[reportArgumentType]
    host.call(1, 1, "q_negotiate_caps", q_negotiate_caps.Request())
    session = desk.answers[1].session_id
    graph, _ = decode(BELL.read_bytes())

    def run_turns() -> None:
        while turns:
            turns.pop(0)()

    request = q_submit.Request(session_id=session, shots=10, idempotency_key="once")
    host.call(1, 2, "q_submit", request, graph)
    run_turns()
    assert len(disk) == 1  # the first one's record is on its way to the disk

    host.call(2, 3, "q_submit", request, graph)
    host.call(2, 4, "q_negotiate_caps", q_negotiate_caps.Request())
    run_turns()
    assert set(desk.answers) == {1}
    assert desk.launches == []

    while disk:
        work, then = disk.pop(0)
        work()
        then(None)
        run_turns()
    assert desk.answers[2].job_id == desk.answers[3].job_id
    assert desk.launches == [desk.answers[2].job_id]

    host.call(1, 5, "q_status", q_status.Request(session_id=session, job_id=desk.answers[2].job_id))
    assert 5 in desk.answers, "with nothing on its way, answers leave at once"


def test_a_result_is_not_forgotten_before_the_answer_that_shows_it_has_left() -> None:
    desk, turns = Desk(), []
    config = KernelConfig(kept_jobs=1, workers=2)
    kernel = Kernel(config, STANDARD)
    host = Host(kernel, SimJournal(Disk()), Routing(1 << 30, 1, {}), desk, desk, Turns(schedule=turns.append))
    host.connect(desk)  # pyright: ignore[reportArgumentType]

    def run_turns() -> None:
        while turns:
            turns.pop(0)()

    graph, _ = decode(BELL.read_bytes())
    host.call(1, 1, "q_negotiate_caps", q_negotiate_caps.Request())
    session = desk.answers[1].session_id
    for ref in (2, 3):
        host.call(1, ref, "q_submit", q_submit.Request(session_id=session, shots=1, keep_events=False), graph)
        run_turns()
    for ref in (2, 3):
        launch = desk.taken[desk.answers[ref].job_id]
        done = Done(launch.fence, {"00": 1}, [], [], [], b"", 1, 0.0, 0.0, 0.0, 0, {})
        if ref == 3:
            request = q_submit.Request(session_id=session, shots=1, keep_events=False)
            host.call(1, 4, "q_submit", request, graph)  # its record is on its way, so what follows waits
            request = q_result.Request(session_id=session, job_id=desk.answers[2].job_id)
            host.call(1, 5, "q_result", request)
        host.launches.on_done(launch.job, launch.fence, done, "1")
        if ref == 2:
            run_turns()
    assert 5 not in desk.answers
    run_turns()
    assert desk.answers[5].counts == {"00": 1}
    host.call(1, 6, "q_result", q_result.Request(session_id=session, job_id=desk.answers[2].job_id))
    assert desk.answers[6].kind.name == "JOB_NOT_FOUND", "the second job made it the one too many"
