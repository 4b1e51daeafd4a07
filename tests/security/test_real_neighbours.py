"""Neighbours on a real daemon: connections that dribble, and a tenant beside another, with processes and a socket."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.client import Client, Operator
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.random_programs import random_case

Make = Callable[..., Any]
QUERY = b'{"jsonrpc":"2.0","id":%d,"method":"q_query_resources","params":{}}\n'
DRIBBLERS = 200


def connect(daemon: Any) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(str(daemon.socket))
    return sock


def test_many_who_dribble_hold_up_nobody(daemon: Any) -> None:
    """Each of the honest caller's questions is answered, in order, while hundreds of frames grow byte by byte; and
    every one of those is answered too, once it is whole."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(daemon)) for _ in range(DRIBBLERS)]
        honest = stack.enter_context(connect(daemon))
        file = stack.enter_context(honest.makefile("rb"))
        frame = QUERY % 7
        for number, at in enumerate(range(len(frame) - 1)):
            for sock in slow:
                sock.sendall(frame[at : at + 1])
            honest.sendall(QUERY % number)
            assert json.loads(file.readline())["id"] == number
        for sock in slow:
            sock.sendall(frame[-1:])
            with sock.makefile("rb") as answers:
                assert json.loads(answers.readline())["id"] == 7


@pytest.mark.parametrize("defended", [True, False])
def test_those_who_dribble_cannot_keep_the_places(make_daemon: Make, eventually: Any, defended: bool) -> None:
    """Every connection there may be is taken by a frame that never ends. They are cut off, and others get in."""
    daemon = make_daemon(connections=8, frame_s=0.5 if defended else 3600.0)

    def served() -> bool:
        with connect(daemon) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(QUERY % 1)
            with sock.makefile("rb") as file:
                return "result" in json.loads(file.readline())
        return False

    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connect(daemon)) for _ in range(8)]
        for sock in slow:
            sock.sendall(b"{")
        if defended:
            eventually(served, "an honest caller is served")
            return
        assert not any(served() for _ in range(20))
        for sock in slow:
            sock.close()
        eventually(served, "an honest caller is served")


def told(client: Client, number: int) -> list[Any]:
    """What comes of a tenant's programs, wrong ones among them: bits, or the error."""
    found: list[Any] = []
    for seed in range(4):
        case = random_case(number * 10 + seed, clifford=seed % 2 == 0, dynamic=seed > 1, qubits=3, nodes=10)
        result = client.run(case.graph, shots=50, seed=seed)
        found.append((result.counts, list(client.result(result.job_id).events())))
    for wrong in (
        lambda: client.submit(Builder(1).op("h", "q9").graph(), shots=5),
        lambda: client.submit(case.graph, shots=10**9),  # pyright: ignore[reportPossiblyUnboundVariable]
        lambda: client.result("job_" + "0" * 32),
    ):
        with pytest.raises(QmkError) as caught:
            wrong()
        found.append(caught.value.to_dict())
    return found


def test_bits_and_errors_are_the_same_beside_another_tenant(
    make_daemon: Make, odd_engines: dict[str, tuple[str, str]]
) -> None:
    """Bob's jobs run in the same daemon, on the same workers, before and while alice's do; some kill theirs."""
    alone, beside = (make_daemon(name, engines=odd_engines, workers=2, require_token=True) for name in "ab")
    tokens: list[dict[str, str]] = []
    for daemon, names in ((alone, ("alice",)), (beside, ("alice", "bob"))):
        operator = Operator(daemon.folder / "state")
        for name in names:
            operator.call("op_tenant_add", tenant=name)
        tokens.append({name: operator.call("op_token_issue", tenant=name).token for name in names})
    dice = Random(1)
    with (
        Client(alone.socket, token=tokens[0]["alice"]) as single,
        Client(beside.socket, token=tokens[1]["alice"]) as alice,
        Client(beside.socket, token=tokens[1]["bob"]) as bob,
    ):
        for number in range(3):
            for seed in range(6):
                case = random_case(number * 10 + seed, clifford=True, dynamic=False, qubits=3, nodes=10)
                bob.submit(case.graph, shots=dice.choice((1, 1000)))
            bob.submit(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph(), shots=5, engine="crash")
            assert told(alice, number) == told(single, number)
