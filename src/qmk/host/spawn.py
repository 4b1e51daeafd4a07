"""Starts a worker or translator process: its command, its environment, its end of the socket pair.

The child gets one socket and a pipe for standard error, nothing else of ours: no inherited files, the environment
variables of a list, the root for its current folder, and a session of its own, which no terminal reaches and which can
be killed with everything it started.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Protocol

import msgspec

import qmk
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import orphans
from qmk.host.isolation.drivers.sandbox import HeldProcess, Job, Sandbox
from qmk.scripts.build import runners
from qmk.sdk import discovery, interpreters
from qmk.sdk.engine import Declaration
from qmk.sdk.interpreters import child_environment

SOCKET_BUFFER_BYTES = 1 << 20
CANCELLING_S = 10.0
"""How long a worker that is to stop may take to cancel its task at a provider (``Declaration.devices``)."""
LAST_WORDS_BYTES = 16 << 10
"""What is kept of a child's standard error."""
SHORT = frozenset((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS))
"""Errors of the system that pass: others have what is missing."""


class External(msgspec.Struct, frozen=True):
    """An engine that is not installed as an entry point: ``reference`` is ``module:ATTRIBUTE`` of its declaration,
    ``path`` the folder to import the module from. Only configuration can name one, never the wire."""

    reference: str
    path: str = ""


class Process(Protocol):
    """What is needed of a started process, as ``subprocess.Popen`` has it."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...


class Child(msgspec.Struct):
    """A started process and our ends of what joins us to it."""

    process: Process
    sock: socket.socket
    stderr_fd: int
    grace_s: float = 0.0
    """How long it may take to end when it is asked to; 0 for one that is killed at once."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """End the process and all it started, now. Harmless when it has ended and was waited for."""
        if self.process.returncode is None:
            kill_group(self.process.pid)

    def ask(self) -> float:
        """Asks a worker that has something to cancel elsewhere to end by itself. Returns how long it may take."""
        if self.grace_s and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return self.grace_s

    def end(self, grace_s: float = 0.0) -> tuple[int, bytes]:
        """Kill it, wait until it is gone; its status and what is left of its last words, none when asked again.
        ``grace_s`` lets it end by itself. For those without an event loop."""
        if self.stderr_fd < 0:
            return self.process.wait(), b""
        grace_s = max(grace_s, self.ask())
        self.sock.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        self.kill()
        status = self.process.wait()
        words = b""
        os.set_blocking(self.stderr_fd, False)
        with contextlib.suppress(BlockingIOError):  # something it started may hold the pipe open
            words = os.read(self.stderr_fd, 1 << 16)
        os.close(self.stderr_fd)
        self.stderr_fd = -1
        return status, words


@contextlib.contextmanager
def hold_interrupts() -> Generator[None]:
    """Ctrl-C takes effect after the block. One that came between the start of a process and the moment when somebody
    knows of it, or between its end and the wait for it, would leave it behind."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(signal.SIGINT, came[0])


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it ended by itself in the meantime
    except PermissionError:
        os.kill(pid, signal.SIGKILL)  # macOS answers so for a group whose leader is a zombie


def worker(engine: str, threads: int, external: External | None = None, nice: int = 0) -> Child:
    """Start a worker that will load ``engine``, under the Python of the engine's own environment if it has one; it says
    ``Ready`` on the socket when it has. ``nice``: how far its processor time gives way to that of others."""
    arguments = ["--engine", engine, "--threads", str(threads), "--nice", str(nice)]
    python = interpreters.path_of(engine)
    if external is not None:
        arguments += ["--declaration", external.reference, "--path", external.path and os.path.abspath(external.path)]
    elif python is None:  # it need not search what we have found
        arguments += ["--declaration", discovery.reference(engine)]
    remote = external is None and _is_remote(discovery.engine(engine))
    if python is None:
        child = _start(_worker(arguments), _environment(remote))
    else:
        script = Path(qmk.__file__).parent / "worker" / "other_environment.py"
        child = _start([str(python), "-P", str(script), _core_folder(), *arguments], _foreign_environment(remote))
    child.grace_s = CANCELLING_S if remote else 0.0
    return child


def _is_remote(declaration: Declaration) -> bool:
    """Whether it sends programs elsewhere: to a provider's devices, or to a QPU that its slot was given."""
    return declaration.devices is not None or any(name.partition(":")[0] == "qpu" for name in declaration.resources)


def in_jail(
    engine: str, threads: int, external: External | None, nice: int, memory_bytes: int, *, zygote: bool
) -> Child:
    """Start a process that loads ``engine`` and goes into a jail, where it may take ``memory_bytes`` (0: without
    bound); a zygote says ``Ready`` instead, and forks workers into jails (``worker.zygote``). What its environment
    would tell of providers is left out, and numerical libraries start no threads as they load, which a fork would
    lose."""
    command = _own_command(engine, threads, external, nice, ["--isolation", "jail", "--memory", str(memory_bytes)])
    environment = {**_environment_of_nobody(), "OPENBLAS_NUM_THREADS": "1"}
    if zygote:
        return _start([*command, "--zygote"], environment, socket.SOCK_SEQPACKET)
    return _start(command, environment)


def in_sandbox(
    sandbox: Sandbox,
    engine: str,
    threads: int,
    external: External | None,
    nice: int,
    memory_bytes: int,
    devices: tuple[str, ...] = (),
) -> Child:
    """Start a worker in a sandbox, where it may take ``memory_bytes`` (0: without bound) and use ``devices``. With a
    device its address space has no bound, as a driver reserves much more of that than there is memory."""
    shows = (os.path.abspath(external.path),) if external is not None and external.path else ()
    memory_bytes = 0 if devices else memory_bytes
    arguments = sandboxed_arguments(sandbox.level, engine, threads, external, nice, memory_bytes)
    command = _worker([*arguments, "--devices"] if devices else arguments)
    return _start(command, _environment_of_nobody(), sandbox=sandbox, shows=shows, devices=devices)


def sandboxed_arguments(
    level: Level, engine: str, threads: int, external: External | None, nice: int, memory_bytes: int
) -> list[str]:
    """The arguments of a worker that a sandbox of this level holds."""
    more = ["--isolation", level, "--memory", str(memory_bytes)]
    return _own_command(engine, threads, external, nice, more)[len(_worker([])) :]


def _own_command(engine: str, threads: int, external: External | None, nice: int, more: list[str]) -> list[str]:
    """The command of a worker that is told its whole declaration, as it cannot search for engines."""
    arguments = ["--engine", engine, "--threads", str(threads), "--nice", str(nice), *more]
    if external is None:
        arguments += ["--declaration", discovery.reference(engine)]
    else:
        arguments += ["--declaration", external.reference, "--path", external.path and os.path.abspath(external.path)]
    return _worker(arguments)


def _worker(arguments: list[str]) -> list[str]:
    """The command of a worker of this Python."""
    return [sys.executable, "-P", "-m", "qmk.worker.main", *arguments]


def _core_folder() -> str:
    """Find the folder of the native core's package, without importing it."""
    spec = importlib.util.find_spec("qmk_native")
    assert spec is not None
    assert spec.submodule_search_locations
    return spec.submodule_search_locations[0]


def translator(memory_bytes: int) -> Child:
    """Start a translator whose address space is bounded."""
    command = [sys.executable, "-P", "-m", "qmk.host.translator", "--memory", str(memory_bytes)]
    return _start(command, _environment())


def script(runner: Path, jailed: bool) -> Child:
    """Start a process that runs one script with the compiled runner at ``runner``, in a jail or not."""
    command = [sys.executable, "-P", "-m", "qmk.scripts.process", "--runner", str(runner)]
    return _start([*command, "--jail"] if jailed else command, _environment_of_nobody())


def bridge() -> Child:
    """Start the bridge to a cluster. It gets what its environment says to Ray, such as a token of the cluster, to
    Slurm's programs, and of the way to Kubernetes, and what ``--worker-env`` names."""
    kinds = ("RAY_", "SBATCH_", "SLURM_CONF", "KUBECONFIG", "KUBERNETES_SERVICE_", interpreters.ASKED)
    named = {name: value for name, value in os.environ.items() if name.startswith(kinds)}
    return _start([sys.executable, "-P", "-m", "qmk.host.cluster.bridge"], {**_environment(), **named})


def native_script(sandbox: Sandbox, memory_bytes: int, wheels: Path | None) -> Child:
    """Start a process in a sandbox that runs one script in this Python, which may take ``memory_bytes`` and import what
    lies in the folder ``wheels``."""
    command = [sys.executable, "-P", "-m", "qmk.scripts.native", "--memory", str(memory_bytes)]
    shows = () if wheels is None else (str(wheels),)
    more = ["--wheels", *shows] if shows else []
    return _start([*command, *more], _environment_of_nobody(), sandbox=sandbox, shows=shows)


class Shortage(QmkError):
    """No process can be started now, because descriptors, processes or memory are short: it may be tried again."""

    def __init__(self, error: OSError) -> None:
        why = error.strerror or str(error)
        super().__init__("RESOURCE_EXHAUSTED", f"cannot start a worker process now: {why}", errno=error.errno)


def pair(kind: int = socket.SOCK_STREAM) -> tuple[socket.socket, socket.socket]:
    """Make a socket pair with room for large messages. Raises ``OSError``."""
    ends = socket.socketpair(socket.AF_UNIX, kind)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    return ends


def _start(
    command: list[str],
    environment: dict[str, str],
    kind: int = socket.SOCK_STREAM,
    sandbox: Sandbox | None = None,
    shows: tuple[str, ...] = (),
    devices: tuple[str, ...] = (),
) -> Child:
    """Start the command with a socket; in a sandbox, which then shows it these folders and devices too.

    Raises ``Shortage``, and RESOURCE_EXHAUSTED for a program that cannot be started at all."""
    with contextlib.ExitStack() as ours_on_failure:
        try:
            ours, theirs = pair(kind)
            ours_on_failure.callback(ours.close)
            with theirs:
                said, theirs_to_say = os.pipe()
                ours_on_failure.callback(os.close, said)
                try:
                    job = Job([*command, "--fd", str(theirs.fileno())], environment, theirs.fileno(), shows, devices)
                    process = _tie(job, theirs_to_say) if sandbox is None else _hold(job, theirs_to_say, ours, sandbox)
                finally:
                    os.close(theirs_to_say)
        except OSError as error:
            if error.errno in SHORT:
                raise Shortage(error) from error
            raise QmkError("RESOURCE_EXHAUSTED", f"cannot start a worker process: {error.strerror}") from error
        ours_on_failure.pop_all()
    return Child(process, ours, said)


def _open(
    job: Job, stderr: int, stdout: int = subprocess.DEVNULL, fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        job.command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=(job.fd, *fds),
        env=job.environment,
        cwd="/",
        start_new_session=True,
    )


def _tie(job: Job, stderr: int) -> subprocess.Popen[bytes]:
    with orphans.tie() as (inherited, sign):
        process = _open(job, stderr, fds=inherited)
        sign(process.pid)
    return process


def _hold(job: Job, stderr: int, ours: socket.socket, sandbox: Sandbox) -> HeldProcess:
    """A sandbox ends with us by its own means, and what it holds gets no descriptor besides its own."""
    held = sandbox.hold(job)
    try:
        ours.sendall(held.first)
        command = job._replace(command=held.command, environment=held.environment)
        process = _open(command, stderr, stderr if held.console else subprocess.DEVNULL, held.fds)
    finally:
        for fd in held.fds:
            os.close(fd)
    return HeldProcess(process, held)


def _environment(remote: bool = False) -> dict[str, str]:
    """``child_environment`` with nothing buffered, and where the runners of scripts are."""
    return {**child_environment(remote), "PYTHONUNBUFFERED": "1", "QMK_RUNNERS": os.path.abspath(runners())}


def _environment_of_nobody() -> dict[str, str]:
    """As ``_environment``, without what is said to engines of providers."""
    return {name: value for name, value in _environment().items() if not name.startswith("QMK_CLOUD_")}


def _foreign_environment(remote: bool) -> dict[str, str]:
    """As ``_environment``, without what leads another Python to the modules of ours."""
    ours = ("PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in _environment(remote).items() if name not in ours}


def end_text(status: int) -> str:
    """``-11`` -> ``was killed by signal SIGSEGV``; ``3`` -> ``exited with status 3``."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by signal {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
