"""Checks what comes from the process of a native script, where the script can send what it likes: the bounds that the
WebAssembly sandbox holds from inside are held here."""

from __future__ import annotations

from msgspec.structs import replace

from qmk.base.errors import QmkError
from qmk.scripts.messages import Asked, Ended, FromScript, Logged, Script
from qmk.scripts.outcome import error_of, outcome, over_limit
from qmk.worker.messages import Ready


class Checked:
    """What one script has asked for and logged so far."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._runs = self._log_bytes = 0
        self._ready = False

    def message(self, message: FromScript) -> FromScript:
        """The message as it may be believed: a run has the next number, an end is in our own words. Raises
        QUOTA_EXCEEDED at a limit, JOB_FAILED for what no script may send."""
        script, bounds = self._script, self._script.bounds
        if isinstance(message, Ready):
            if self._ready:
                raise QmkError("JOB_FAILED", f"{script.file}: the script broke its interpreter")
            self._ready = True
        elif isinstance(message, Logged):
            self._log_bytes += len(message.line.encode()) + 1
            if self._log_bytes > bounds.log_bytes:
                raise over_limit(script.file, "script_log_bytes", self._log_bytes, bounds.log_bytes, "log less")
        elif isinstance(message, Asked):
            if self._runs >= bounds.runs:
                fix = "run fewer programs in one script"
                raise over_limit(script.file, "script_runs", self._runs + 1, bounds.runs, fix)
            message = replace(message, index=self._runs)
            self._runs += 1
        else:
            message = self._end(message)
        return message

    def _end(self, message: Ended) -> Ended:
        said = message.result
        if not isinstance(said, str):
            ended = error_of(QmkError("JOB_FAILED", f"{self._script.file}: the script broke its interpreter"))
        else:
            ended = outcome(said, self._script)
        return replace(ended, usage=replace(message.usage, fuel=0, runs=self._runs))
