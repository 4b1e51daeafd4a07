"""Commands as processes that are forked from one in which the command line is loaded.

Hundreds of the suite's commands would spend three quarters of their time importing the same modules. Each of these is a
process as it would be without: its own folder, environment, arguments, standard streams, exit status. Only the end of
the interpreter is left out, which costs as much as the imports. Run as a script, this file is the process that forks.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TextIO

ROOT = Path(__file__).resolve().parents[2]
PATH = str(ROOT / "src")
ROOMS = (
    "api",
    "cli",
    "client",
    "formats",
    "frontends",
    "host",
    "kernel",
    "policy",
    "request",
    "router",
    "rpc",
    "worker",
)
LIBRARIES = ("asyncio", "importlib.metadata", "numpy", "qmk_native", "rich.console")
PROGRAMS = ("qmk.worker.main", "qmk.host.translator")
"""Modules that are run, not imported."""


class Started:
    """A command that runs beside the test: what the suite uses of ``subprocess.Popen``, and its text streams."""

    def __init__(self, forking: socket.socket, stdout: TextIO, stderr: TextIO | None) -> None:
        self._forking = forking
        self.pid = int(forking.recv(100))
        self.returncode: int | None = None
        self.stdout, self.stderr = stdout, stderr

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._forking], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("qmk", timeout or 0)
            self.returncode = int(self._forking.recv(100))
            self._forking.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End it, and close what joins us to it."""
        self.kill()
        self.wait(30)
        for stream in filter(None, (self.stdout, self.stderr)):
            stream.close()


class Commands:
    """Runs commands, also several at once; the process that forks is started by the first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._turn = threading.Lock()

    def run(
        self, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], stdin: str, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """The command's exit status and what it printed. Raises TimeoutExpired."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            asked = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
            status = self._ask(json.dumps(asked).encode(), [file.fileno() for file in (given, out, err)], timeout_s)
            texts: list[str] = []
            for file in (out, err):
                file.seek(0)
                texts.append(io.TextIOWrapper(file, encoding="utf-8").read())
            return subprocess.CompletedProcess(arguments, status, *texts)

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stderr: IO[bytes] | None = None,
        code: str = "",
    ) -> Started:
        """The command in a session of its own, without input. Its standard error goes to a file or is kept for the
        test. ``code`` is a program to run in place of the command."""
        asked = {"arguments": arguments, "folder": str(folder), "environment": dict(environment), "code": code}
        out, theirs = os.pipe()
        err, theirs_too = (None, stderr.fileno()) if stderr is not None else os.pipe()
        forking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        forking.connect(self._address())
        with open(os.devnull, "rb") as nothing:
            socket.send_fds(forking, [json.dumps(asked).encode()], [nothing.fileno(), theirs, theirs_too])
        os.close(theirs)
        if err is not None:
            os.close(theirs_too)
        read = [None if end is None else open(end, encoding="utf-8") for end in (out, err)]  # noqa: SIM115
        assert read[0] is not None
        return Started(forking, read[0], read[1])

    def _ask(self, asked: bytes, streams: list[int], timeout_s: float) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as forking:
            forking.connect(self._address())
            forking.settimeout(timeout_s)
            socket.send_fds(forking, [asked], streams)
            try:
                forking.recv(100)  # its number
                return int(forking.recv(100))
            except TimeoutError:
                self.close()
                raise subprocess.TimeoutExpired("qmk", timeout_s) from None

    def program(self) -> str:
        """How a shell runs ``qmk``, with what may follow."""
        return f'"{sys.executable}" -IS "{Path(__file__).with_name("command_client.py")}" "{self._address()}"'

    def _address(self) -> str:
        """The socket of the process that forks."""
        with self._turn:
            if self._folder is None:
                self._start()
            assert self._folder is not None
            return f"{self._folder.name}/s"

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="qmk-commands-")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as theirs:
            theirs.bind(f"{self._folder.name}/s")
            theirs.listen(64)
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": PATH},
                stdin=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        if self._process is not None and self._folder is not None:
            self._process.kill()
            self._process.communicate()
            self._folder.cleanup()
        self._process = self._folder = None


COMMANDS = Commands()
"""Those of a test process, which share one process that forks."""


def serve(listening: socket.socket) -> dict[str, Any] | None:
    """What a forked process is to run; None in the process that forks, when whoever started it has ended."""
    while True:
        ready, _, _ = select.select([listening, 0], [], [])
        if 0 in ready:
            return None
        asking, _ = listening.accept()
        if os.fork():
            asking.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            continue
        listening.close()
        asked, streams, _, _ = socket.recv_fds(asking, 1 << 18, 3)
        child = os.fork()
        if not child:
            asking.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return json.loads(asked)
        for stream in streams:
            os.close(stream)
        with contextlib.suppress(BrokenPipeError):
            asking.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(BrokenPipeError):
            asking.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)


def become(asked: dict[str, Any]) -> None:
    """The command, in the folder and the environment that it was asked for in."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["qmk", *asked["arguments"]]
    sys.path[0] = asked["folder"]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    if asked.get("code") is not None:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the suite runs in the background
    if asked.get("code"):
        sys.argv[0] = "-c"
        sys.path[1:1] = filter(None, asked["environment"].get("PYTHONPATH", "").split(os.pathsep))
        exec(compile(asked["code"], "<string>", "exec"), {"__name__": "__main__"})
        return
    from qmk.cli.main import main

    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)


def load() -> None:
    """What commands import, engines left out: whatever they load stays out of a command that does not ask for it."""
    for room in ROOMS:
        package = import_module(f"qmk.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"qmk.{room}."):
            if found.name not in PROGRAMS:
                import_module(found.name)
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()  # a collection would write to every page that is shared


if __name__ == "__main__":
    load()
    found = serve(socket.socket(fileno=int(sys.argv[1])))
    if found is not None:
        become(found)
