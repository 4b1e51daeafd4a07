"""Scripts as jobs: the engines of the daemon's workers that run them.

Each script is a fresh instance of the runner, or native and the last thing that its worker does. What it asks for goes
to the daemon over a connection that the host holds for it (``host.lines``), by the client that everybody uses; so its
runs are jobs like all others.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from abc import ABC, abstractmethod
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import msgspec

from qmk.api.script_runs import Runs
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.sync import LineClient
from qmk.ir.program import Program
from qmk.qvm.families.script import PYTHON
from qmk.qvm.families.script import Script as Wanted
from qmk.qvm.graph import unpack
from qmk.request.wheels import unpack as unpack_wheels
from qmk.scripts import build, wheels
from qmk.scripts.messages import Ask, Asked, Ended, Log, Script, bounds_of
from qmk.scripts.native import Native
from qmk.scripts.outcome import outcome
from qmk.sdk.engine import Unsupported
from qmk.worker.failure import failure
from qmk.worker.jail.entry import address_space
from qmk.worker.memory import PEAK
from qmk.worker.messages import Call, Done, Failed, Partial, Reply, Run, RunProgress, ToWorker
from qmk.worker.wire import Channel

SHOW_EVERY_S = 0.25


class _Scripts(ABC):
    """An engine that runs scripts, and nothing else. ``provenance``: of the sandbox that it has."""

    name: ClassVar[str]
    provenance: dict[str, str]

    @abstractmethod
    def run(self, script: Script, ask: Ask, log: Log) -> Ended:
        """How the script ended."""

    @abstractmethod
    def make_ready(self, wanted: Wanted) -> None:
        """Makes ready what the script imports from. Raises ``QmkError`` where it cannot have that."""

    def prepare(self, program: Program, method: str) -> NoReturn:
        raise Unsupported(f"engine {self.name} runs scripts, each alone in its program")

    def talk(self, channel: Channel[ToWorker], run: Run) -> Done | Failed:
        """Runs a script, with its calls on the same channel."""
        if run.graph is None:
            return Failed(run.fence, "INTERNAL_ERROR", "a script is not kept", missing_graph=True)
        graph = unpack(run.graph)
        if [node.op for node in graph.nodes] != [PYTHON.name] or run.outputs is not None:
            refused = QmkError(
                "UNSUPPORTED", f"engine {self.name} runs one script, alone in its program, without outputs"
            )
            return failure(run.fence, refused)
        wanted = msgspec.convert(graph.nodes[0].args, Wanted)
        began_s = time.perf_counter()
        log = _Log(channel, run.fence)
        runs = Runs(LineClient(Line(channel, run.fence), "script"), run.seed, wanted.bounds.shots, keyed=True)
        try:
            script = _script(wanted, run.seed)
        except QmkError as error:
            return failure(run.fence, error)
        try:
            self.make_ready(wanted)
        except QmkError as error:
            return failure(run.fence, error)
        ended = self.run(script, lambda index, wish: runs.answer(Asked(index, wish)), log)
        if ended.kind:
            fields = {**ended.fields, "usage": msgspec.to_builtins(ended.usage)}
            return Failed(run.fence, ended.kind, ended.message, fields)
        return _answer(run, ended, log.lines, self.provenance, time.perf_counter() - began_s)


class ScriptEngine(_Scripts):
    """See the declaration in ``qmk.engines.script``."""

    name = "script"
    reserved_bytes = 10 << 30
    """Addresses that instances reserve, and do not use: their memory is bounded in the sandbox."""

    def __init__(self) -> None:
        from qmk.scripts.sandbox import Sandbox

        runner = build.runner(build.runners())
        self.provenance = {"isolation": "wasm", "runner": runner.stem.removeprefix("script-")}
        self._sandbox = Sandbox(runner)
        self.files = self._sandbox.files
        self.version = metadata.version("wasmtime")

    def make_ready(self, wanted: Wanted) -> None:
        if wanted.wheels:
            fix = "submit it with isolation='jail' or stronger"
            raise QmkError("UNSUPPORTED", "a script in WebAssembly imports from no wheels", field="wheels", help=fix)

    def run(self, script: Script, ask: Ask, log: Log) -> Ended:
        return self._sandbox.run(script, ask, log)


class NativeScripts(_Scripts):
    """See the declaration in ``qmk.engines.python``. The worker is the script's once that has begun: the host believes
    none of it (``host.native_scripts``), and ends it with the script."""

    name = "python"

    def __init__(self) -> None:
        self._native = Native()
        self._most_bytes = address_space(LIMITS.script_memory_bytes)
        self.provenance = {"python": platform.python_version()}
        self.version = metadata.version("numpy")

    def make_ready(self, wanted: Wanted) -> None:
        """Unpacks wheels in the sandbox, where nobody else has what is there."""
        if wanted.wheels:
            place = Path(os.environ.get("TMPDIR", "/tmp")) / "wheels"
            wheels.unpack({wheel.name: wheel.data for wheel in unpack_wheels("".join(wanted.wheels))}, place)
            sys.path.insert(0, str(place))

    def run(self, script: Script, ask: Ask, log: Log) -> Ended:
        less = LIMITS.script_memory_bytes - script.bounds.memory_bytes
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        wanted = self._most_bytes - less
        wanted = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
        said = self._native.run(script, ask, log)
        return msgspec.structs.replace(outcome(said.result, script), usage=said.usage)


def _answer(run: Run, ended: Ended, lines: list[str], provenance: dict[str, str], wall_s: float) -> Done:
    """The answer of a script's run. It is charged what the sandbox took, as its runs are charged for themselves."""
    note = {
        "value": ended.result,
        "log": lines,
        "usage": {**msgspec.to_builtins(ended.usage), "wall_s": wall_s},
        "provenance": provenance,
    }
    return Done(
        fence=run.fence,
        counts={"": run.shots},
        registers=[],
        event_names=[],
        event_widths=[],
        event_bits=b"",
        shots=run.shots,
        prepare_s=0.0,
        run_s=ended.usage.cpu_s,
        cpu_s=ended.usage.cpu_s,
        peak_rss_bytes=PEAK.bytes(),
        notes={"script": note},
    )


def _script(wanted: Wanted, seed: int) -> Script:
    try:
        given = json.loads("".join(wanted.input))
    except (ValueError, RecursionError) as error:
        fix = "submit it with Client.submit_script, which writes it"
        raise QmkError("INVALID_PARAMS", f"the input of the script is not JSON: {error}", help=fix) from None
    return Script("".join(wanted.text), given, seed, wanted.file, bounds_of(wanted.bounds))


class Line:
    """What a client uses of a socket, by messages of the worker's channel."""

    def __init__(self, channel: Channel[ToWorker], fence: int) -> None:
        self._channel, self._fence = channel, fence

    def sendall(self, data: bytes) -> None:
        self._channel.send(Call(self._fence, data))

    def recv(self, size: int) -> bytes:
        """What came; nothing when the connection has ended."""
        while True:
            message = self._channel.receive()
            if message is None:
                raise SystemExit(0)  # the host is gone, and with it whoever wanted the answer
            if isinstance(message, Reply) and message.fence == self._fence:
                return message.data

    def close(self) -> None:
        """The host closes it with the run."""


class _Log:
    """Keeps the lines, and shows them as they come, not too often; at once where they are too many, as the host ends
    a native script for that."""

    def __init__(self, channel: Channel[ToWorker], fence: int) -> None:
        self.lines: list[str] = []
        self._channel, self._fence, self._next_s, self._bytes = channel, fence, 0.0, 0

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._bytes += len(line.encode(errors="replace")) + 1
        now_s = time.monotonic()
        if now_s >= self._next_s or self._bytes > LIMITS.script_log_bytes:
            self._next_s = now_s + SHOW_EVERY_S
            notes: dict[str, Any] = {"script": {"log": self.lines}}
            self._channel.send(RunProgress(self._fence, 0, partial=Partial(0, notes=notes)))
