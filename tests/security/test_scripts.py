"""Attacks by a script that has its worker in its hands, and by others on what it does. Each is refused, and each gets
through once its defence is taken away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from qmk.abi.calls import METHODS, q_cancel, q_delegate, q_jobs, q_status, q_submit
from qmk.abi.rights import RIGHTS
from qmk.abi.shapes import Program
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host import lines, transport
from qmk.host.lines import Line, ScriptConnection
from qmk.host.transport import Batch, Connection
from qmk.host.turns import Turns
from qmk.kernel import scripts
from qmk.kernel.effects import ReplyError
from qmk.kernel.objects.script import HOST_UID, SESSION, ScriptRights
from qmk.kernel.objects.session import SessionTable
from qmk.kernel.tenants import TenantTable
from qmk.request.scripts import script_program
from qmk.rpc import frame
from tests.unit.kernel.conftest import Bench, bell

SCRIPT = script_program("import qmk")


def launched(bench: Bench, session: str) -> str:
    job = bench.submit(session, graph=SCRIPT, shots=1)
    bench.start(job)
    return job


def refused(effects: list[Any]) -> str:
    """The name of the error, "" where the call got through."""
    return next((effect.error.kind.name for effect in effects if isinstance(effect, ReplyError)), "")


def ask(bench: Bench, script: str, name: str, uid: int = HOST_UID, **params: Any) -> str:
    return refused(bench.call(name, session_id=SESSION + script, uid=uid, **params))


# In the kernel


@pytest.mark.parametrize("defended", [True, False])
def test_the_session_of_a_script_used_by_another_process(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    script = launched(bench, bench.open())
    if not defended:
        monkeypatch.setattr(SessionTable, "use", lambda table, id, *_: table.get(id))
    assert ask(bench, script, "q_submit", uid=0, graph=bell()) == ("SESSION_NOT_FOUND" if defended else "")


@pytest.mark.parametrize("defended", [True, False])
def test_runs_with_rights_that_the_submitter_had_not(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(local_allowed=False)
    token = bench.enrol("chem", rights=["CAP_SUBMIT", "CAP_STATUS", "CAP_MEASURE"])
    session = bench.ask("q_negotiate_caps", token=token).session_id
    if not defended:
        opened = bench.kernel.sessions.get(session)
        assert opened is not None
        every = ScriptRights((*RIGHTS,), "", opened.bounds)
        monkeypatch.setattr(scripts, "rights_of", lambda *_: every)
    script = launched(bench, session)
    assert ask(bench, script, "q_submit", graph=bell()) == ("INSUFFICIENT_CAPS" if defended else "")


@pytest.mark.parametrize("defended", [True, False])
def test_a_script_of_a_void_token_that_is_launched_again(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(local_allowed=False)
    script = launched(bench, bench.open(token=bench.enrol("chem")))
    bench.operate("op_token_revoke", tenant="chem")
    assert ask(bench, script, "q_submit", graph=bell()) == "SESSION_NOT_FOUND"  # it ended with the token
    if not defended:
        monkeypatch.setattr(TenantTable, "live", lambda *_: True)
    bench.fail(script, died=True)
    bench.start(script)
    assert ask(bench, script, "q_submit", graph=bell()) == ("INSUFFICIENT_CAPS" if defended else "")


@pytest.mark.parametrize("own", [True, False])
def test_a_tag_of_a_script(own: bool) -> None:
    """A job that only calls itself a run of a script does not end with it; one that is one, and says so, does."""
    bench = Bench(local_allowed=False, workers=4)
    alice, bob = bench.open(tenant="alice"), bench.open(tenant="bob")
    script = launched(bench, alice)
    given: dict[str, Any] = {"uid": HOST_UID} if own else {}
    mine = bench.submit(SESSION + script if own else alice, tags=(SESSION + script,), **given)
    theirs = bench.submit(bob, tags=(SESSION + script,))
    bench.finish(script)
    states = [bench.kernel.jobs.by_id[job].state for job in (mine, theirs)]
    assert states == ["CANCELLED" if own else "QUEUED", "QUEUED"]


@pytest.mark.parametrize("defended", [True, False])
def test_scripts_that_wait_for_their_own_place(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    script = launched(bench, bench.open())
    if not defended:
        monkeypatch.setattr(scripts, "HOST_UID", HOST_UID - 1)
        assert ask(bench, script, "q_submit", graph=SCRIPT) == ""
        return
    assert ask(bench, script, "q_submit", graph=SCRIPT) == "UNSUPPORTED"


# On the line


class Desk:
    """Keeps what it is asked, and answers that it was."""

    def __init__(self) -> None:
        self.taken: list[frame.Decoded] = []
        self.closed = 0

    def on_opened(self, connection: Connection) -> QmkError | None: ...
    def on_drained(self, connection: Connection) -> None: ...
    def read(self, connection: Connection, data: bytes) -> None: ...

    def on_closed(self, connection: Connection) -> None:
        self.closed += 1

    def take(self, connection: Connection, decoded: frame.Decoded, batch: Batch | None) -> None:
        self.taken.append(decoded)
        assert decoded.id is not None
        error = decoded.error
        connection.reply(frame.result(decoded.id, 1) if error is None else frame.error(decoded.id, error), batch)


class Pipe:
    """Keeps what the worker is sent, of which it takes nothing."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def unsent_bytes(self) -> int:
        return sum(map(len, self.sent))


def said(*requests: Any, slow: bool = False) -> tuple[Desk, list[bytes]]:
    """What a daemon takes of a worker that sends these calls as script ``job_1``, and what it answers. ``slow``: it
    takes none for now."""
    desk, pipe = Desk(), Pipe()

    async def talk() -> None:
        connection = ScriptConnection(desk, Turns(), 1, "job_1")
        line = Line(connection, pipe)
        if slow:
            connection.pause_writing()
        for number, request in enumerate(requests):
            name = next(name for name, call in METHODS.items() if call.request is type(request))
            line.feed(frame.request(number, name, request) + b"\n")
        for _ in range(len(requests) + 20):
            await asyncio.sleep(0)

    asyncio.run(talk())
    return desk, pipe.sent


@pytest.mark.parametrize("defended", [True, False])
def test_calls_in_the_session_of_another_script(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not defended:
        monkeypatch.setattr(ScriptConnection, "_in_session", lambda _, decoded: decoded)
    program = Program(text="x")
    asked = (
        q_status.Request(session_id=SESSION + "job_2", job_id="job_3"),
        q_submit.Request(session_id="ses_1", program=program, idempotency_key="k"),
    )
    desk, _ = said(*asked)
    sessions = {call.request.session_id for call in desk.taken}
    assert (sessions == {SESSION + "job_1"}) == defended
    assert (desk.taken[1].request.idempotency_key == f"{SESSION}job_1-k") == defended


@pytest.mark.parametrize("defended", [True, False])
@pytest.mark.parametrize(
    "request_",
    [q_delegate.Request(session_id="s", capability="cap_1", rights=["CAP_STATUS"]), q_jobs.Request(session_id="s")],
)
def test_calls_that_no_script_has(request_: Any, defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not defended:
        monkeypatch.setattr(lines, "CALLS", frozenset(METHODS))
    desk, sent = said(request_)
    error = desk.taken[0].error
    assert (error is not None and error.kind.name == "METHOD_NOT_FOUND") == defended
    assert (b"no call is named" in b"".join(sent) or b"METHOD_NOT_FOUND" in b"".join(sent)) == defended


def test_calls_that_a_script_has() -> None:
    desk, sent = said(q_cancel.Request(session_id="s", job_id="job_1"))
    assert desk.taken[0].error is None
    assert len(sent) == 1


CANCEL = q_cancel.Request(session_id="s", job_id="job_1")


@pytest.mark.parametrize("defended", [True, False])
def test_calls_without_end_while_none_is_taken(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, "frame_bytes", 10_000)
    if not defended:
        monkeypatch.setattr(Line, "abort", lambda _: None)
    desk, sent = said(*[CANCEL] * 200, slow=True)
    assert (desk.closed == 1) == defended
    assert (sent == [b""]) == defended


@pytest.mark.parametrize("defended", [True, False])
def test_answers_without_end_that_the_worker_does_not_take(defended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "UNREAD_BYTES", 1000)
    if not defended:
        monkeypatch.setattr(Line, "get_write_buffer_size", lambda _: 0)
    desk, sent = said(*[CANCEL] * 200)
    assert (desk.closed == 1) == defended
    assert (sum(map(len, sent)) < 1100) == defended
