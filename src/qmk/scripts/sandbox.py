"""One instance of the runner for one script, and all that the host defines for it.

The runner asks for some forty interfaces of WASI. All of them trap, but for clocks, random numbers and the environment,
which follow from the seed of the script or are empty, and for our two: ``run`` and ``log``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import wasmtime
from wasmtime.component import Component, Linker, Record, Variant

from qmk.base.errors import QmkError
from qmk.scripts import build
from qmk.scripts.messages import Ask, Ended, Log, Script, Usage, Wish, refusal
from qmk.scripts.outcome import error_of, outcome, over_limit

TICK_NS = 1000
"""The clocks of a script go on by so much at each look."""
START_S = 946_684_800
"""They start at the beginning of the year 2000."""
RANDOM_BYTES = 1 << 16


class Sandbox:
    """Runs scripts with the compiled runner at ``path``, one after another, each in a fresh instance. ``files``: open
    descriptors that it needs, as memory of an instance is mapped from there."""

    def __init__(self, path: Path) -> None:
        self._engine = build.engine()
        self._component = Component.deserialize_file(self._engine, str(path))
        self.files = _open_as(path)
        self._world = _World()
        self._linker = self._world.linker(self._engine, self._component)

    def run(self, script: Script, ask: Ask, log: Log) -> Ended:
        """The outcome of ``script``. ``ask`` carries out its runs, ``log`` takes its lines."""
        began_s, world = time.thread_time(), self._world
        world.begin(script, ask, log)
        store = wasmtime.Store(self._engine)
        store.set_fuel(script.bounds.fuel)
        store.set_limits(memory_size=script.bounds.memory_bytes)
        try:
            instance = self._linker.instantiate(store, self._component)
            run = instance.get_func(store, "run")
            assert run is not None
            job = {"text": script.text, "input": script.input, "seed": script.seed, "file": script.file}
            ended = outcome(run(store, json.dumps(job)), script)
        except QmkError as error:
            ended = error_of(error)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            ended = error_of(world.stopped or _stop_of(error, script, store.get_fuel() == 0))
        usage = Usage(script.bounds.fuel - store.get_fuel(), time.thread_time() - began_s, world.runs)
        return msgspec.structs.replace(ended, usage=usage)


def _open_as(path: Path) -> tuple[int, ...]:
    """The descriptors by which this process has ``path`` open."""
    found = path.stat()
    numbers = [int(name) for name in os.listdir("/proc/self/fd")] if os.path.isdir("/proc/self/fd") else []
    return tuple(fd for fd in numbers if _is_same(fd, found))


def _is_same(fd: int, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), found)
    except OSError:
        return False  # that of the listing


class _World:
    """What the host defines for an instance: linked once, as that takes a tenth of a short script's time, and begun
    anew for each. ``stopped``: why it was ended from here."""

    def begin(self, script: Script, ask: Ask, log: Log) -> None:
        """Everything as it is before a script looks."""
        self._script, self._ask, self._log = script, ask, log
        self._ticks, self._blocks = itertools.count(1), itertools.count()
        self._log_bytes = 0
        self.runs = 0
        self.stopped: QmkError | None = None

    def linker(self, engine: wasmtime.Engine, component: Component) -> Linker:
        linker = Linker(engine)
        linker.allow_shadowing = True
        functions: dict[str, dict[str, Callable[..., Any]]] = {
            "qmk:script/host@1.0.0": {"run": self._on_run, "log": self._on_log},
            "wasi:cli/environment@0.2.9": {
                "get-environment": _empty,
                "get-arguments": _empty,
                "initial-cwd": _nothing,
            },
            "wasi:filesystem/preopens@0.2.9": {"get-directories": _empty},
            "wasi:random/random@0.2.9": {"get-random-bytes": self._random_bytes, "get-random-u64": self._random_u64},
            "wasi:clocks/wall-clock@0.2.9": {"now": self._now},
            "wasi:clocks/monotonic-clock@0.2.9": {"now": self._tick},
        }
        with linker.root() as root:
            for name, members in functions.items():
                with root.add_instance(name) as instance:
                    for member, function in members.items():
                        instance.add_func(member, function)
        linker.define_unknown_imports_as_traps(component)
        return linker

    def _random_bytes(self, _: object, count: int) -> bytes:
        """Bytes of the stream that the script's seed gives."""
        if count > RANDOM_BYTES:
            raise over_limit(self._script.file, "random bytes at once", count, RANDOM_BYTES, "ask for fewer at once")
        out = bytearray()
        while len(out) < count:
            out += hashlib.sha256(f"script {self._script.seed} {next(self._blocks)}".encode()).digest()
        return bytes(out[:count])

    def _random_u64(self, _: object) -> int:
        return int.from_bytes(self._random_bytes(_, 8), "little")

    def _tick(self, _: object) -> int:
        return next(self._ticks) * TICK_NS

    def _now(self, _: object) -> Record:
        found: Any = Record()
        seconds, found.nanoseconds = divmod(self._tick(_), 10**9)
        found.seconds = START_S + seconds
        return found

    def _on_run(self, _: object, asked: str) -> Variant:
        if self.runs >= self._script.bounds.runs:
            self._stop("script_runs", self.runs + 1, self._script.bounds.runs, "run fewer programs in one script")
        try:
            wish = msgspec.json.decode(asked, type=Wish)
        except msgspec.DecodeError as error:
            answer = refusal(QmkError("INVALID_PARAMS", f"qmk.run of a script: {error}"))
        else:
            index, self.runs = self.runs, self.runs + 1
            answer = self._ask(index, wish)
        return Variant("err" if answer.failed else "ok", answer.json)

    def _on_log(self, _: object, line: str) -> None:
        self._log_bytes += len(line.encode()) + 1
        if self._log_bytes > self._script.bounds.log_bytes:
            self._stop("script_log_bytes", self._log_bytes, self._script.bounds.log_bytes, "log less")
        self._log(line)

    def _stop(self, limit: str, asked: int, allowed: int, fix: str) -> None:
        self.stopped = over_limit(self._script.file, limit, asked, allowed, fix)
        raise self.stopped


def _empty(_: object) -> list[Any]:
    return []


def _nothing(_: object) -> None:
    return None


def _stop_of(error: Exception, script: Script, out_of_fuel: bool) -> QmkError:
    """Why the instance ended without a word."""
    bounds, file = script.bounds, script.file
    if out_of_fuel:
        return over_limit(file, "script_fuel", bounds.fuel, bounds.fuel, "do less in Python, or in several scripts")
    text = str(error)
    if "unknown import" in text:
        name = text.split("`")[1].replace("#", " ") if "`" in text else "a system call"
        message = f"{file}: the script made the system call {name}, and a script has no files, network or processes"
        return QmkError("INSUFFICIENT_CAPS", message, missing=[name], help="use qmk.run, qmk.log and qmk.input")
    if "call stack exhausted" in text:
        return QmkError("JOB_FAILED", f"{file}: the script calls itself too deeply", help="use a loop")
    if "wasm backtrace" not in text:  # it was not the script that failed
        return QmkError("INTERNAL_ERROR", f"the sandbox of scripts failed: {text[:500]}")
    fix = "keep less at once; allocations beyond the limit end the script"
    return over_limit(file, "script_memory_bytes", bounds.memory_bytes, bounds.memory_bytes, fix)
