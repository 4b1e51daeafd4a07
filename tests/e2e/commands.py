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
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

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

    def _ask(self, asked: bytes, streams: list[int], timeout_s: float) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as forking:
            forking.connect(self._address())
            forking.settimeout(timeout_s)
            socket.send_fds(forking, [asked], streams)
            try:
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
