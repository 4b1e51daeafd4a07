"""When a gateway that ended is started again."""

from __future__ import annotations

import socket
import sys
from typing import Any

import pytest

from qmk.cli.beside import GatewayProcess


class Ending:
    """What says that the daemon ends: after four starts of the gateway. Keeps how long each pause was."""

    def __init__(self) -> None:
        self.pauses_s: list[float] = []

    def is_set(self) -> bool:
        return len(self.pauses_s) == 4

    def wait(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)


@pytest.mark.parametrize(
    ("program", "pauses_s"),
    [
        ("import os; os.kill(os.getpid(), 9)", [0.1, 0.1, 0.1, 0.1]),
        ("raise SystemExit(1)", [0.2, 0.4, 0.8, 1.6]),
    ],
    ids=["killed", "ended by itself"],
)
def test_one_that_was_killed_is_started_again_at_once(program: str, pauses_s: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made: Any = GatewayProcess(listening, [])
        made._command = [sys.executable, "-I", "-S", "-c", program]
        made._ending = ending = Ending()
        made._keep()
    assert ending.pauses_s == pauses_s
