"""What a sandbox is: a program that turns the command of a worker into one that holds it.

The worker stays the process that it is at level ``process``: it gets the same socket, the same environment and the same
standard error. Inside, it gives up what the sandbox shows and it does not need (``worker.jail.guest``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.capability import Capability
from qmk.worker.jail.keeper import SIGNAL_STATUS

PREFIX = "qmk-held"


class Job(NamedTuple):
    """What is to be held: a command with its environment, and the descriptor of its socket. ``shows``: folders that
    it reads besides the system's and those of this Python; ``devices``: device files that it may use."""

    command: list[str]
    environment: dict[str, str]
    fd: int
    shows: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def status_of_shell(code: int) -> int:
    """The status of a job from that of the program that held it, which ends as a shell does: negative for a signal."""
    return SIGNAL_STATUS - code if code > SIGNAL_STATUS else code


class Held(NamedTuple):
    """The command that holds the job. ``folder`` is removed when it has ended."""

    command: list[str]
    folder: Path
    environment: dict[str, str] = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}  # noqa: RUF012
    fds: tuple[int, ...] = ()
    """Descriptors that it inherits besides the job's; ours are closed when it has started."""
    first: bytes = b""
    """What is sent to it before all messages."""
    console: bool = False
    """Its standard output has the job's last words too."""
    status: Callable[[int], int] = status_of_shell
    """The status of the job from that of the command."""


class Sandbox(Protocol):
    """``level`` is that of what it holds."""

    level: Level

    def probe(self) -> Capability:
        """Whether it works here, tried out; why not, and the fix; what a start costs."""
        ...

    def hold(self, job: Job) -> Held:
        """The command that runs ``job`` in the sandbox. Raises ``OSError``, and UNSUPPORTED where it cannot."""
        ...


class HeldProcess:
    """A started sandbox; what ``spawn.Child`` needs of a ``Popen``. Its status is that of the job."""

    def __init__(self, process: subprocess.Popen[bytes], held: Held) -> None:
        self._process = process
        self._held = held
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        code = self._process.returncode
        return None if code is None else self._held.status(code)

    def wait(self, timeout: float | None = None) -> int:
        self._process.wait(timeout)
        shutil.rmtree(self._held.folder, ignore_errors=True)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)


def folder() -> Path:
    """A new folder for one sandbox. Those of hosts that were killed are removed on the way."""
    top = Path(tempfile.gettempdir())
    for left in top.glob(f"{PREFIX}-*"):
        owner = left.name.split("-")[2]
        if left.stat().st_uid == os.geteuid() and owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-", dir=top))


def program(name: str, package: str) -> str:
    """The path of a program. Raises UNSUPPORTED with the package to install."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        fix = f"install it: apt-get install {package}, or tools/hosts.sh"
        raise QmkError("UNSUPPORTED", f"{name} is not installed", help=fix)
    return found


def dies_with_us(command: list[str], data_bytes: int = 0, more: tuple[str, ...] = ()) -> list[str]:
    """The command, ended by the system when this process ends; ``data_bytes`` bounds what it takes for itself, ``more``
    are further options of setpriv."""
    bounded = [program("prlimit", "util-linux"), f"--data={data_bytes}"] if data_bytes else []
    return [program("setpriv", "util-linux"), "--pdeathsig", "KILL", *more, *bounded, *command]


def words_of(error: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a program that failed said."""
    said = [*error.stdout.strip().splitlines(), *error.stderr.strip().splitlines()]
    text = said[-1][-300:] if said else "it said nothing"
    return f"{text} (status {error.returncode})"
