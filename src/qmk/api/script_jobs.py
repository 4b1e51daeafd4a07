"""Scripts as jobs: the engine of the daemon's workers that runs them.

Each script is a fresh instance of the runner. What it asks for goes to the daemon over a connection that the host holds
for it (``host.lines``), by the client that everybody uses; so its runs are jobs like all others.
"""

from __future__ import annotations

import json
import time
from importlib import metadata
from typing import Any, NoReturn

import msgspec

from qmk.api.script_runs import Runs
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.client.sync import LineClient
from qmk.ir.program import Program
from qmk.qvm.families.script import PYTHON
from qmk.qvm.families.script import Script as Wanted
from qmk.qvm.graph import unpack
from qmk.scripts import build
from qmk.scripts.messages import Asked, Bounds, Ended, Script
from qmk.scripts.sandbox import Sandbox
from qmk.sdk.engine import Unsupported
from qmk.worker.failure import failure
from qmk.worker.memory import PEAK
from qmk.worker.messages import Call, Done, Failed, Partial, Reply, Run, RunProgress, ToWorker
from qmk.worker.wire import Channel

SHOW_EVERY_S = 0.25


class ScriptEngine:
    """See the declaration in ``qmk.engines.script``."""

    reserved_bytes = 10 << 30
    """Addresses that instances reserve, and do not use: their memory is bounded in the sandbox."""

    def __init__(self) -> None:
        runner = build.runner(build.runners())
        self._runner = runner.stem.removeprefix("script-")
        self._sandbox = Sandbox(runner)
        self.files = self._sandbox.files
        self.version = metadata.version("wasmtime")

    def prepare(self, program: Program, method: str) -> NoReturn:
        raise Unsupported("engine script runs scripts, each alone in its program")

    def talk(self, channel: Channel[ToWorker], run: Run) -> Done | Failed:
        """Runs a script, with its calls on the same channel."""
        if run.graph is None:
            return Failed(run.fence, "INTERNAL_ERROR", "a script is not kept", missing_graph=True)
        graph = unpack(run.graph)
        if [node.op for node in graph.nodes] != [PYTHON.name] or run.outputs is not None:
            refused = QmkError("UNSUPPORTED", "engine script runs one script, alone in its program, without outputs")
            return failure(run.fence, refused)
        wanted = msgspec.convert(graph.nodes[0].args, Wanted)
        began_s = time.perf_counter()
        log = _Log(channel, run.fence)
        runs = Runs(LineClient(_Line(channel, run.fence), "script"), run.seed, wanted.bounds.shots, keyed=True)
        try:
            script = _script(wanted, run.seed)
        except QmkError as error:
            return failure(run.fence, error)
        ended = self._sandbox.run(script, lambda index, wish: runs.answer(Asked(index, wish)), log)
        if ended.kind:
            fields = {**ended.fields, "usage": msgspec.to_builtins(ended.usage)}
            return Failed(run.fence, ended.kind, ended.message, fields)
        return _answer(run, ended, log.lines, self._runner, time.perf_counter() - began_s)


def _answer(run: Run, ended: Ended, lines: list[str], runner: str, wall_s: float) -> Done:
    """The answer of a script's run. It is charged what the sandbox took, as its runs are charged for themselves."""
    note = {
        "value": ended.result,
        "log": lines,
        "usage": {**msgspec.to_builtins(ended.usage), "wall_s": wall_s},
        "provenance": {"isolation": "wasm", "runner": runner},
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
    asked = wanted.bounds
    bounds = Bounds(asked.fuel, asked.memory_bytes, LIMITS.script_result_bytes, LIMITS.script_log_bytes, asked.runs)
    return Script("".join(wanted.text), given, seed, wanted.file, bounds)


class _Line:
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
    """Keeps the lines, and shows them as they come, not too often."""

    def __init__(self, channel: Channel[ToWorker], fence: int) -> None:
        self.lines: list[str] = []
        self._channel, self._fence, self._next_s = channel, fence, 0.0

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + SHOW_EVERY_S
            notes: dict[str, Any] = {"script": {"log": self.lines}}
            self._channel.send(RunProgress(self._fence, 0, partial=Partial(0, notes=notes)))
