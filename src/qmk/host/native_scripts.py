"""Checks what the worker of a native script says, where the script can send what it likes: the bounds that the
WebAssembly sandbox holds from inside are held here, and what it took is measured from outside.

What is believed is the script's own: its result, its log, the text of its error. The rest of an answer is made here.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.host.tasks import Task, Worker
from qmk.qvm.families.script import Script
from qmk.qvm.graph import unpack
from qmk.request.scripts import TIMEOUT_MS
from qmk.request.wheels import unpack as unpack_wheels
from qmk.scripts.messages import Bounds, bounds_of
from qmk.scripts.outcome import over_limit
from qmk.sdk import discovery
from qmk.worker.failure import failure
from qmk.worker.messages import Done, Failed, FromWorker, Partial, RunProgress

LEAST_S = 0.1
"""Logs that come sooner after each other than this are not shown before the end."""
KINDS = ("JOB_FAILED", "QUOTA_EXCEEDED", "INVALID_PARAMS", "UNSUPPORTED")
"""What the end of a script may be."""
MESSAGE_CHARS, FIELD_CHARS = 2500, 500
FIELDS = ("file", "line", "error", "help", "quota", "asked", "limit", "retryable")


def require_time_limit(engine: str, policy: Mapping[str, Any]) -> None:
    """Raises INVALID_PARAMS for a native script without ``timeout_ms``: no fuel ends it, and no prediction."""
    declaration = discovery.engines().get(engine)
    if declaration is not None and declaration.native_code and policy.get("timeout_ms") is None:
        raise QmkError(
            "INVALID_PARAMS",
            "a native script has no bound on its time but policy.timeout_ms, which is missing",
            field="policy.timeout_ms",
            help=f"give one, at most {LIMITS.timeout_ms} ms; submit_script gives {TIMEOUT_MS} ms where nothing is said",
        )


class _Note(msgspec.Struct, frozen=True):
    log: list[str] = []
    value: Any = None


class Checked:
    """One launch of a native script, on its worker."""

    def __init__(self, worker: Worker, task: Task) -> None:
        wanted = msgspec.convert(unpack(task.graph).nodes[0].args, Script)
        self._worker, self._launch, self._file = worker, task.launch, wanted.file
        self._wheels = "".join(wanted.wheels)
        self.bounds: Bounds = bounds_of(wanted.bounds)
        self.runs = 0
        self._next_s = 0.0

    def message(self, message: FromWorker) -> FromWorker | None:
        """The message as it may be believed; None for one that no script has to send."""
        try:
            if isinstance(message, RunProgress):
                return self._progress(message)
            if isinstance(message, Done):
                return self._answer(message)
        except QmkError as error:
            return failure(self._launch.fence, error)
        return self._failure(message) if isinstance(message, Failed) else None

    def _progress(self, message: RunProgress) -> RunProgress | None:
        note, now_s = self._note({} if message.partial is None else message.partial.notes), time.monotonic()
        if now_s < self._next_s:
            return None
        self._next_s = now_s + LEAST_S
        return RunProgress(self._launch.fence, 0, partial=Partial(0, notes={"script": {"log": note.log}}))

    def _answer(self, message: Done) -> Done:
        note, cpu_s = self._note(message.notes), self._worker.launch_ran_s
        size, most = len(msgspec.json.encode(note.value)), self.bounds.result_bytes
        if size > most:
            raise over_limit(self._file, "script_result_bytes", size, most, "return less")
        usage = {"fuel": 0, "cpu_s": cpu_s, "runs": self.runs, "wall_s": time.monotonic() - self._worker.used_s}
        how = {"isolation": self._worker.level, "python": platform.python_version()}
        if self._wheels:
            how["wheels"] = " ".join(f"{each.name} sha256:{each.sha256}" for each in unpack_wheels(self._wheels))
        told = {"value": note.value, "log": note.log, "usage": usage, "provenance": how}
        return Done(
            fence=self._launch.fence,
            counts={"": self._launch.shots},
            registers=[],
            event_names=[],
            event_widths=[],
            event_bits=b"",
            shots=self._launch.shots,
            prepare_s=0.0,
            run_s=cpu_s,
            cpu_s=cpu_s,
            peak_rss_bytes=max(0, message.peak_rss_bytes),
            notes={"script": told},
        )

    def _note(self, notes: dict[str, Any]) -> _Note:
        """What it logged, and gave. Raises JOB_FAILED for what is neither, QUOTA_EXCEEDED for too long a log."""
        try:
            note = msgspec.convert(notes.get("script", {}), _Note)
        except msgspec.ValidationError:
            raise QmkError("JOB_FAILED", f"{self._file}: the script broke its interpreter") from None
        size, most = sum(len(line.encode(errors="replace")) + 1 for line in note.log), self.bounds.log_bytes
        if size > most:
            raise over_limit(self._file, "script_log_bytes", size, most, "log less")
        return note

    def _failure(self, message: Failed) -> Failed:
        kind = message.kind if message.kind in KINDS else "JOB_FAILED"
        given = {name: message.fields[name] for name in FIELDS if name in message.fields}
        fields = {name: value[:FIELD_CHARS] if isinstance(value, str) else value for name, value in given.items()
                  if isinstance(value, str | int)}  # fmt: skip
        return Failed(self._launch.fence, kind, message.message[:MESSAGE_CHARS], fields)
