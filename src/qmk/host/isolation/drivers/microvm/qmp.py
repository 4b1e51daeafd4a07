"""QEMU's monitor: commands as lines of JSON on a socket. A machine that is copied gets them all before it starts."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import Any

from qmk.base.errors import QmkError

ANSWER_S = 60.0
LOOK_EVERY_S = 0.005
MEMORY_STAYS = {"capabilities": [{"capability": "x-ignore-shared", "state": True}]}
"""The guest's memory is not written to the state: it stays in the file that it is in."""
RECEIVE_BYTES = 1 << 16


def line(name: str, arguments: dict[str, Any] | None = None) -> bytes:
    """One command."""
    return json.dumps({"execute": name, "arguments": arguments or {}}).encode() + b"\n"


def commands_of_copy(state: int) -> bytes:
    """What has a machine that waits go on from the state that can be read from descriptor ``state``."""
    incoming = line("migrate-incoming", {"uri": f"fd:{state}"})
    return line("qmp_capabilities") + line("migrate-set-capabilities", MEMORY_STAYS) + incoming


def commands_of_end() -> bytes:
    """What has a machine end at once."""
    return line("qmp_capabilities") + line("quit")


class Monitor:
    """Our end of a running machine's monitor. Errors are JOB_FAILED: the machine is of no further use."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.settimeout(ANSWER_S)
        self._text = b""

    def begin(self) -> None:
        """Reads the greeting, and has commands be taken."""
        self._next()
        self.call("qmp_capabilities")

    def call(self, name: str, arguments: dict[str, Any] | None = None, fds: tuple[int, ...] = ()) -> Any:
        """Carries out a command and gives what it returns; events on the way are left out."""
        try:
            socket.send_fds(self._sock, [line(name, arguments)], fds)
        except OSError as error:
            raise _trouble(name, error.strerror or str(error)) from error
        while True:
            answer = self._next()
            if "error" in answer:
                raise _trouble(name, str(answer["error"].get("desc")))
            if "return" in answer:
                return answer["return"]

    def save(self) -> bytes:
        """Stops the machine and gives its state, but for its memory."""
        self.call("migrate-set-capabilities", MEMORY_STAYS)
        ours, theirs = os.pipe()
        with os.fdopen(ours, "rb") as file:
            try:
                self.call("getfd", {"fdname": "state"}, (theirs,))
            finally:
                os.close(theirs)
            self.call("migrate", {"uri": "fd:state"})
            state = file.read()
        until_s = time.monotonic() + ANSWER_S
        while (found := self.call("query-migrate").get("status")) != "completed":
            if found not in ("setup", "active", "device") or time.monotonic() > until_s:
                raise _trouble("migrate", f"its status is {found}")
            time.sleep(LOOK_EVERY_S)
        return state

    def _next(self) -> dict[str, Any]:
        while b"\n" not in self._text:
            try:
                data = self._sock.recv(RECEIVE_BYTES)
            except OSError as error:
                raise _trouble("recv", error.strerror or str(error)) from error
            if not data:
                raise _trouble("recv", "it has ended")
            self._text += data
        text, _, self._text = self._text.partition(b"\n")
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise _trouble("recv", f"it said what is not JSON: {error}") from error
        return found


def _trouble(name: str, why: str) -> QmkError:
    return QmkError("JOB_FAILED", f"QEMU's monitor failed at {name}: {why}", monitor=name)
