"""What was sent to a provider that cannot be asked for a task by its tag: kept on this machine, before and after.

One file a task, in ``<engine>`` of the folder ``QMK_CLOUD_STATE``, else of ``cloud`` in QMK's state: empty from the
moment before it is sent, then with its id. So a task whose answer was lost is never sent again: whoever finds the empty
file is told to look at the provider.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qmk.base.errors import QmkError
from qmk.cloud.http import Unanswered
from qmk.cloud.task import Task
from qmk.rpc.places import state_dir


class Sent:
    """The tasks that were sent for one engine."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self._folder = Path(os.environ.get("QMK_CLOUD_STATE") or state_dir() / "cloud") / engine

    def find(self, tag: str, look: Callable[[Task], Task]) -> Task | None:
        """The task of that tag as ``look`` finds it; None where none was sent, or it failed or was cancelled. Raises
        JOB_FAILED where nobody knows."""
        try:
            found = self._file(tag).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._trouble(tag, error) from error
        if not found:
            raise self._lost_error(tag)
        task = look(Task(found))
        if task.state in ("failed", "cancelled"):
            self._forget(tag)
            return None
        return task

    def send(self, tag: str, send: Callable[[], Task]) -> Task:
        """Sends a task, and notes it before and after. Raises JOB_FAILED where another process is at it, and where the
        answer was lost."""
        self._begin(tag)
        try:
            task = send()
        except Unanswered as error:
            raise self._lost_error(tag) from error
        except QmkError:
            self._forget(tag)
            raise
        try:
            self._file(tag).write_text(task.id, encoding="ascii")
        except OSError as error:
            raise self._trouble(tag, error) from error
        return task

    def _begin(self, tag: str) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file(tag), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError as error:
            raise self._lost_error(tag) from error
        except OSError as error:
            raise self._trouble(tag, error) from error

    def _forget(self, tag: str) -> None:
        self._file(tag).unlink(missing_ok=True)

    def _file(self, tag: str) -> Path:
        return self._folder / tag

    def _trouble(self, tag: str, error: Exception) -> QmkError:
        text = f"{self._file(tag)} cannot be used ({type(error).__name__}): without it a task might be sent twice"
        return QmkError(
            "JOB_FAILED", text, engine=self.engine, help="look at that folder; QMK_CLOUD_STATE names another"
        )

    def _lost_error(self, tag: str) -> QmkError:
        text = f"a task of engine '{self.engine}' may have been sent, and its answer was lost; it is not sent again"
        way = f"look for '{tag}' at the provider; if it is not there, delete {self._file(tag)} and run again"
        return QmkError("JOB_FAILED", text, engine=self.engine, retryable=False, help=way)
