"""QIR at a daemon: its translator reads it, and stays when LLVM breaks off."""

from __future__ import annotations

import base64
import importlib.util
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from qmk.abi.calls import METHODS, q_submit
from qmk.abi.shapes import Policy, Program
from qmk.client import Client
from qmk.frontends.qir import apart
from qmk.rpc import frame

DATA = Path(__file__).parents[1] / "data" / "qir"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyqir") is None, reason="pyqir is not installed: pip install 'quantum-microkernel[qir]'"
)


def test_bitcode_is_read_beside_the_daemon(daemon: Any) -> None:
    good = apart.to_bitcode((DATA / "choices.ll").read_bytes())
    with Client(daemon.socket) as client, socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(daemon.socket))
        file = raw.makefile("rb")

        def ask(data: bytes) -> frame.Answer:
            program = Program(base64=base64.b64encode(data).decode(), format="qir")
            request = q_submit.Request(session_id=client.session_id, program=program, shots=100, policy=Policy(seed=3))
            raw.sendall(frame.request(1, METHODS["q_submit"].name, request) + b"\n")
            return frame.answers(file.readline())[0]

        assert ask(good).error is None
        refused = 0
        for seed in range(12):
            rng = random.Random(seed)
            data = bytearray(good)
            for _ in range(8):
                data[rng.randrange(4, len(data))] = rng.randrange(256)
            error = ask(bytes(data)).error
            if error is not None:
                refused += 1
                assert (error.kind.name, error.kind.blame) == ("INVALID_GRAPH", "caller")
        assert refused
        assert ask(good).error is None
