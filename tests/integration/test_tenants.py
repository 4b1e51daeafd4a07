"""Tenants of a real daemon: tokens over the socket, the operator's socket, and the operator without a daemon."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client, Operator, attenuate
from qmk.host.config import HostConfig
from qmk.host.operating import operate
from qmk.qvm.graph import Graph, Node
from qmk.rpc import frame

Make = Callable[..., Any]


def bell() -> Graph:
    return Graph(
        nodes=(
            Node("a", "core.alloc", vqs=("q0", "q1")),
            Node("h", "core.h", vqs=("q0",)),
            Node("cx", "core.cnot", vqs=("q0", "q1")),
            Node("m0", "core.mz", vqs=("q0",), produces=("m0",)),
            Node("m1", "core.mz", vqs=("q1",), produces=("m1",)),
        ),
        vqs=("q0", "q1"),
        events=("m0", "m1"),
    )


def state(daemon: Any) -> Path:
    return daemon.folder / "state"


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(QmkError) as caught:
        work()
    return caught.value.kind.name


def test_tokens_decide_whose_jobs_one_sees(make_daemon: Make):
    daemon = make_daemon(require_token=True)
    operator = Operator(state(daemon))
    tokens = {}
    for name in ("chem", "bio"):
        operator.call("op_tenant_add", tenant=name)
        tokens[name] = operator.call("op_token_issue", tenant=name).token
    assert refused(Client(daemon.socket).negotiate) == "AUTH_FAILED"
    with Client(daemon.socket, token=tokens["chem"]) as chem, Client(daemon.socket, token=tokens["bio"]) as bio:
        job = chem.run(bell(), shots=10, seed=1).job_id
        assert refused(lambda: bio.result(job)) == "JOB_NOT_FOUND"
        reply = chem.negotiate()
        offered = chem.delegate(reply.root, ["CAP_RESULT"], to_tenant="bio", jobs=[job])
        bio.delegate(offered.capability, ["CAP_RESULT"])
        assert bio.result(job).shots == 10
        chem.revoke(offered.capability)
        assert refused(lambda: bio.result(job)) == "JOB_NOT_FOUND"
        with Client(daemon.socket, token=attenuate(tokens["chem"], rights=["CAP_RESULT"])) as reader:
            assert reader.result(job).shots == 10
            assert refused(lambda: reader.submit(bell())) == "INSUFFICIENT_CAPS"
    daemon.stop()
    daemon.start()
    with Client(daemon.socket, token=tokens["chem"]) as chem:
        assert chem.result(job).shots == 10
        Operator(state(daemon)).call("op_token_revoke", tenant="chem")
        assert refused(lambda: chem.result(job)) == "SESSION_NOT_FOUND"
        assert refused(chem.negotiate) == "AUTH_FAILED"


def test_with_and_without_a_daemon_the_operator_says_the_same(make_daemon: Make, tmp_path: Path):
    config = HostConfig(socket=tmp_path / "d" / "run" / "s", data_dir=tmp_path / "d" / "state")
    operate(config, "op_tenant_add", tenant="chem", quotas={"running_jobs": 3})
    token = operate(config, "op_token_issue", tenant="chem").token
    alone = operate(config, "op_tenant_list").tenants
    daemon = make_daemon()
    assert Operator(state(daemon)).call("op_tenant_list").tenants == alone
    assert refused(lambda: operate(config, "op_tenant_list")) == "RESOURCE_EXHAUSTED"
    with Client(daemon.socket, token=token) as client:
        job = client.submit(bell(), shots=5, seed=1).job_id
        assert client.wait(job).state == "COMPLETED"
        Operator(state(daemon)).call("op_tenant_suspend", tenant="chem")
        assert refused(lambda: client.result(job)) == "TENANT_SUSPENDED"
    daemon.stop()
    assert refused(lambda: Operator(state(daemon)).call("op_tenant_list")) == "CONNECTION_LOST"
    assert operate(config, "op_tenant_list").tenants[0].suspended
    operate(config, "op_tenant_resume", tenant="chem")
    daemon.start()
    with Client(daemon.socket, token=token) as client:
        assert client.result(job).shots == 5


def test_the_operator_leaves_unfinished_jobs_to_the_daemon(
    make_daemon: Make, odd_engines: Any, tmp_path: Path, eventually: Any
):
    daemon = make_daemon(engines=odd_engines, workers=1)
    with Client(daemon.socket) as client:
        running = client.submit(bell(), engine="slow", shots=5, seed=1).job_id
        queued = client.submit(bell(), shots=5, seed=1).job_id
        eventually(lambda: client.status(running).state == "RUNNING", "the start of the job")
        daemon.kill()
    config = HostConfig(socket=daemon.socket, data_dir=state(daemon))
    operate(config, "op_tenant_add", tenant="chem")
    (tmp_path / "odd" / "go").touch()
    daemon.start()
    with Client(daemon.socket) as client:
        assert client.wait(running).state == "COMPLETED"
        assert client.wait(queued).state == "COMPLETED"


def ask(path: Path, method: str, params: Any) -> frame.Answer:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        line.sendall(frame.request(1, method, params) + b"\n")
        return frame.answers(line.makefile("rb").readline())[0]


def test_the_two_sockets_know_their_own_calls_only(make_daemon: Make):
    daemon = make_daemon()
    desk = state(daemon) / "operator.sock"
    assert stat.S_IMODE(desk.lstat().st_mode) == 0o600
    for path, method in ((daemon.socket, "op_tenant_list"), (desk, "q_negotiate_caps"), (desk, "q_query_resources")):
        error = ask(path, method, {}).error
        assert error is not None
        assert error.kind.name == "METHOD_NOT_FOUND"
    assert ask(desk, "op_tenant_list", {}).error is None
    error = ask(desk, "op_tenant_add", {"tenant": "../x"}).error
    assert error is not None
    assert (error.kind.name, error.fields["field"]) == ("INVALID_PARAMS", "tenant")
    daemon.stop()
    assert not desk.exists()


@pytest.mark.parametrize(("mode", "needed"), [(0o600, False), (0o660, True), (0o666, True)])
def test_a_socket_open_to_others_asks_for_a_token(make_daemon: Make, mode: int, needed: bool):
    daemon = make_daemon(socket_mode=mode)
    assert stat.S_IMODE(daemon.socket.lstat().st_mode) == mode
    assert stat.S_IMODE(daemon.socket.parent.stat().st_mode) == (0o711 if needed else 0o700)
    if needed:
        assert refused(Client(daemon.socket).negotiate) == "AUTH_FAILED"
    else:
        assert Client(daemon.socket).negotiate().tenant == "local"


def test_another_user_is_turned_away_from_the_operators_socket(monkeypatch: pytest.MonkeyPatch):
    """As a user who got past the file's mode would be."""
    import asyncio

    from qmk.host.call_server import CallServer
    from qmk.host.connections import ConnectionBounds
    from qmk.host.states import at_once
    from qmk.host.translation import Translation
    from qmk.host.translation_tasks import TextBounds
    from qmk.host.transport import Connection
    from qmk.host.turns import Turns

    async def verdicts() -> list[str]:
        calls = CallServer(Translation(TextBounds()), ConnectionBounds(), at_once)
        found: list[str] = []
        for uid in (1001, -1, 1000, 0):
            monkeypatch.setattr("os.geteuid", lambda: 1000)
            connection = Connection(calls, Turns(), 1, operator=True)
            connection.peer_uid = uid
            refusal = calls.on_opened(connection)
            found.append("" if refusal is None else refusal.kind.name)
        calls.close()
        return found

    assert asyncio.run(verdicts()) == ["AUTH_FAILED", "AUTH_FAILED", "", ""]


def test_a_data_folder_with_a_long_name_has_an_operators_socket_too(make_daemon: Make, tmp_path: Path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    make_daemon(data_dir=str(folder / "state"))
    assert Operator(folder / "state").call("op_tenant_list").tenants == []


def test_a_client_finds_its_token_by_itself(make_daemon: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    daemon = make_daemon()
    Operator(state(daemon)).call("op_tenant_add", tenant="chem")
    token = Operator(state(daemon)).call("op_token_issue", tenant="chem").token
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    monkeypatch.setenv("QMK_TOKEN_FILE", str(file))
    assert Client(daemon.socket).negotiate().tenant == "chem"
    assert Client(daemon.socket, token="").negotiate().tenant == "local"
    monkeypatch.setenv("QMK_TOKEN", "wrong")
    assert refused(Client(daemon.socket).negotiate) == "AUTH_FAILED"
    monkeypatch.delenv("QMK_TOKEN")
    file.unlink()
    with pytest.raises(QmkError, match=r"cannot read .*: no such file"):
        Client(daemon.socket)
