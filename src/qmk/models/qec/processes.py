"""Processes of this package: a job in as a line of JSON, then what is asked of it, and a line of JSON for each answer.

They are processes started by module name, not forks: a script that measures needs no ``__main__`` guard.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

import msgspec

from qmk.base.errors import QmkError
from qmk.sdk.interpreters import child_environment

MAX_WORKERS = 256
J = TypeVar("J")


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The error, as ``QmkError.to_dict`` gives it."""

    error: dict[str, object]


def serve(job: type[J], answers: Callable[[J, Iterable[str]], Iterator[msgspec.Struct]]) -> None:
    """The main function of a process: ``answers`` gets the job and the lines that follow it."""

    def say(reply: msgspec.Struct) -> None:
        sys.stdout.write(msgspec.json.encode(reply).decode() + "\n")
        sys.stdout.flush()

    try:
        for reply in answers(msgspec.json.decode(sys.stdin.readline(), type=job), sys.stdin):
            say(reply)
    except QmkError as error:
        say(Failed(error.to_dict()))
    except Exception as error:  # whatever a library raises, the asking process is told
        say(Failed(QmkError("INTERNAL_ERROR", f"{type(error).__name__}: {error}").to_dict()))


class Process:
    """One process, as the one that asks sees it: function ``main`` of ``module``, whose replies are of type ``reply``.
    ``what`` it is called where it is lost."""

    def __init__(self, module: str, job: msgspec.Struct, reply: Any, what: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {module} import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
        )
        self._what = what
        self._decode = msgspec.json.Decoder(reply | Failed).decode
        self._unread = b""
        self.say(msgspec.json.encode(job))

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def say(self, line: bytes) -> None:
        try:
            self._input.write(line + b"\n")
            self._input.flush()
        except BrokenPipeError:
            raise self._lost_error() from None

    def replies(self) -> list[Any]:
        """What has come in since; waits for something. Raises what the process raised, RESOURCE_EXHAUSTED where it is
        gone."""
        found = self._read()
        if not found:
            raise self._lost_error()
        return found

    def all_replies(self) -> list[Any]:
        """Every reply until the process ends by itself. Raises as ``replies`` does."""
        found: list[Any] = []
        while more := self._read():
            found += more
        if self._process.wait():
            raise self._lost_error()
        return found

    def _read(self) -> list[Any]:
        found: list[Any] = []
        while not found:
            read = os.read(self.output.fileno(), 1 << 16)
            if not read:
                break
            *lines, self._unread = (self._unread + read).split(b"\n")
            found = [self._decode(line) for line in lines]
        for reply in found:
            if isinstance(reply, Failed):
                raise QmkError.from_dict(reply.error)
        return found

    def _lost_error(self) -> QmkError:
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"a {self._what} process ended with status {self._process.wait()}; use fewer workers or a smaller circuit",
        )

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        self._process.terminate()
        self._process.wait()
        self.output.close()
