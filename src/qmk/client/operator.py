"""The operator's line to a running daemon: tenants and tokens. Only the user who runs the daemon gets through."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from qmk.abi.operator import OPERATOR_METHODS
from qmk.base.errors import QmkError
from qmk.client import calls
from qmk.rpc import frame
from qmk.rpc.places import operator_path, short_name
from qmk.rpc.splitter import FrameSplitter


class Operator:
    """Calls the daemon of ``data_dir`` (by default the one of ``qmk serve``), one connection a call.

    ``call("op_tenant_list")`` gives the call's ``Reply``. Raises ``QmkError``: CONNECTION_LOST when no daemon runs,
    AUTH_FAILED for another user, and what the call's page lists.
    """

    def __init__(self, data_dir: str | os.PathLike[str] | None = None) -> None:
        self.path = operator_path(Path(data_dir) if data_dir is not None else None)

    def call(self, name: str, **params: Any) -> Any:
        """One of the operator's calls by name, its parameters by name."""
        call = OPERATOR_METHODS[name]
        line = calls.line_of(1, call, call.request(**params))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line_out:
            try:
                with short_name(self.path) as short:
                    line_out.connect(short)
            except OSError as error:
                raise calls.not_running(self.path, error) from error
            try:
                line_out.sendall(line)
                return calls.reply_of(call, self._answer(line_out))
            except (ConnectionError, EOFError) as error:
                raise calls.connection_lost(self.path, call) from error

    def _answer(self, line_in: socket.socket) -> frame.Answer:
        splitter = FrameSplitter()
        while True:
            data = line_in.recv(calls.RECEIVE_BYTES)
            if not data:
                raise EOFError
            for text in splitter.feed(data):
                return frame.answers(text)[0]
            if splitter.error is not None:
                raise QmkError("CONNECTION_LOST", "the daemon's answer is too long")
