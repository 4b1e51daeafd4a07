"""``qmk.run_script`` runs a Python script of a user in a sandbox, in a process of its own. No daemon is needed;
``qmk.submit_script`` gives it to one."""

from __future__ import annotations

import platform
import select
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from qmk.api.script_runs import Runs
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.request import arguments
from qmk.request.scripts import TIMEOUT_MS, USUAL, check_text, level_of, packed_input, read_script
from qmk.request.shots import seed_of
from qmk.request.signature import takes
from qmk.request.wheels import read
from qmk.rpc.splitter import RECEIVE_BYTES
from qmk.scripts import build
from qmk.scripts.checked import Checked
from qmk.scripts.messages import Answer, Asked, Ended, FromScript, Logged, Script, bounds_of
from qmk.scripts.result import ScriptResult
from qmk.worker.messages import Ready
from qmk.worker.wire import Unframer, WireError, frame

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.client.job import Job
    from qmk.client.sync import Client
    from qmk.host.spawn import Child
    from qmk.request.keywords import ClientSubmitScriptKeywords, RunScriptKeywords


@takes("qmk.run_script", USUAL)
def run_script(
    text: str,
    *,
    log: Callable[[str], object] | None = None,
    client: Client | None = None,
    **keywords: Unpack[RunScriptKeywords],
) -> ScriptResult:
    """Run Python text in a sandbox and give its result.

    The text sets ``result`` or defines ``main(input)``. It has most of the standard library that needs no system, and
    a module ``qmk``: ``qmk.run(program, shots=, seed=)`` gives counts, ``qmk.expectation(program, observable, shots=,
    seed=)`` a value, ``qmk.log(...)`` and ``print`` write lines, which ``log`` hears as they come, and ``qmk.input`` is
    ``input``. It has no files, network, processes or clock. ``shots`` is what a run takes that says nothing.

    ``seed`` decides everything random, the script's ``random`` and its runs among it: run i has the seed
    ``substream(seed, "script", i)`` where the script gives none. ``fuel`` (instructions), ``memory_bytes``, ``runs``
    and ``timeout_ms`` (60 s) are what the script may take, at most the limits ``script_...``. ``file`` is its name in
    errors. With a ``client``, each run is a job on its daemon, with the rights, quotas and charges of that session; the
    script itself runs here.

    ``isolation`` names the sandbox: "wasm", which "auto" takes, or for native Python with NumPy "jail" (bubblewrap) or
    "gvisor" (runsc). There ``fuel`` has no meaning, ``memory_bytes`` is beyond what Python and NumPy take, the clock is
    real, and ``wheels`` may name ``*.whl`` files, or a folder of them, that the script imports from.

    Raises ``QmkError``: JOB_FAILED with the line of the script's own error, QUOTA_EXCEEDED naming the limit that ended
    it, INSUFFICIENT_CAPS for a system call, TIMEOUT, UNSUPPORTED without the extra ``wasm``.
    """
    own, options = read_script("qmk.run_script", keywords)
    text = arguments.text("text", text)
    check_text(text, own.file)
    given = msgspec.json.decode(packed_input(own.input, own.file))
    level = level_of(options.isolation, own)
    bounds = bounds_of(own.bounds(options.shots))
    script = Script(text, given, seed_of(options.seed), own.file, bounds)
    limit_ms = TIMEOUT_MS if options.timeout_ms is None else options.timeout_ms
    from qmk.api.embedded import Embedded
    from qmk.host import spawn

    start, how, checked = _sandbox(level, read(own.wheels), bounds.memory_bytes)
    lines: list[str] = []
    with spawn.hold_interrupts():
        child = start()
    try:
        with Embedded(isolate=True) if client is None else nullcontext(client) as kernel:
            supervisor = _Supervisor(child, script, limit_ms, Runs(kernel, script.seed, options.shots), checked)
            ended = supervisor.run(lambda line: (lines.append(line), log and log(line)))
    finally:
        child.end()
    if ended.kind:
        raise QmkError(ended.kind, ended.message, **ended.fields, usage=msgspec.to_builtins(ended.usage))
    return ScriptResult(ended.result, script.seed, lines, ended.usage, how)


@takes("Client.submit_script", USUAL)
def submit_script(text: str, *, client: Client | None = None, **keywords: Unpack[ClientSubmitScriptKeywords]) -> Job:
    """Give Python text to a daemon as a job, that of ``client`` or the one on this machine, and give the job's handle:
    ``job.result().script`` is what it gave. See ``qmk.run_script`` for what a script is.

    Raises ``QmkError``: CONNECTION_LOST without a daemon, and what ``Client.submit_script`` does."""
    from qmk.client.sync import Client

    client = client or Client()
    return client.job(client.submit_script(text, **keywords).job_id)


def _sandbox(
    level: Level, wheels: dict[str, bytes], memory_bytes: int
) -> tuple[Callable[[], Child], dict[str, str], bool]:
    """What starts the process of a script, its provenance, and whether that process is the script's own, so that each
    of its messages has to be checked."""
    from qmk.host import spawn
    from qmk.host.isolation import jail_host
    from qmk.host.isolation.drivers.held import sandbox_for_scripts

    if level == "wasm":
        runner = build.runner(build.runners())
        jailed = jail_host.probe().available
        runs_in = {"process": "jail" if jailed else "process"}
        how = {"isolation": level, "runner": runner.stem.removeprefix("script-"), **runs_in}
        return partial(spawn.script, runner, jailed), how, False
    sandbox = sandbox_for_scripts(level)
    how, folder = {"isolation": level, "python": platform.python_version()}, None
    if wheels:
        from qmk.scripts.wheels import install

        folder = install(wheels, build.runners() / "wheels")
        how["wheels"] = folder.name
    return partial(spawn.native_script, sandbox, memory_bytes, folder), how, True


class _Supervisor:
    """Talks with the process of a script until it ends, or its time does."""

    def __init__(self, child: Child, script: Script, limit_ms: int, runs: Runs, check: bool) -> None:
        self._child, self._script, self._limit_ms, self._runs = child, script, limit_ms, runs
        self._deadline_s = time.monotonic() + limit_ms / 1e3
        self._unframer: Unframer[FromScript] = Unframer(FromScript)
        self._checked = Checked(script) if check else None

    def run(self, log: Callable[[str], object]) -> Ended:
        """The end of the script. Raises TIMEOUT, and INTERNAL_ERROR where the process is lost."""
        while True:
            for message in self._receive():
                if self._checked is not None:
                    message = self._checked.message(message)
                if isinstance(message, Ready):
                    self._send(self._script)
                elif isinstance(message, Logged):
                    log(message.line)
                elif isinstance(message, Asked):
                    answer = self._runs.answer(message, self._left_ms())
                    self._require_time()
                    self._send(answer)
                else:
                    return message

    def _left_ms(self) -> int:
        return int((self._deadline_s - time.monotonic()) * 1e3)

    def _require_time(self) -> None:
        if self._left_ms() <= 0:
            message = f"{self._script.file}: the script did not end within its time limit of {self._limit_ms} ms"
            raise QmkError("TIMEOUT", message, timeout_ms=self._limit_ms, help="allow more with timeout_ms")

    def _receive(self) -> list[FromScript]:
        ready = select.select([self._child.sock], [], [], max(0, self._left_ms()) / 1e3)[0]
        self._require_time()
        try:
            data = self._child.sock.recv(RECEIVE_BYTES) if ready else None
            if data != b"":
                return [] if data is None else self._unframer.feed(data)
        except (ConnectionResetError, WireError):
            pass
        from qmk.host.spawn import end_text

        status, words = self._child.end(1.0)
        what = f"the process of {self._script.file} {end_text(status)}"
        raise QmkError("INTERNAL_ERROR", what, last_words=words.decode(errors="replace")[-2000:])

    def _send(self, message: Script | Answer) -> None:
        try:
            self._child.sock.sendall(frame(message))
        except (BrokenPipeError, ConnectionResetError):
            return  # it is gone; listening to it says so
