"""A task of a provider: sent once, watched until it ends, cancelled when nobody wants it any more.

Its tag follows from the program, the device, the shots and the seed. Before a task is sent, and after any request whose
answer was lost, the provider is asked for a task of that tag: a worker that died, or a daemon that was started anew,
finds the task that was paid for. So the same seed gives the same samples, as of any engine; another seed is another
task.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Literal, Protocol
from urllib.parse import quote

import msgspec

from qmk.base.errors import QmkError
from qmk.cloud import http
from qmk.ir.bits import Bits
from qmk.ir.program import Program

FIRST_LOOK_S = 0.5
LONGEST_LOOK_S = 30.0
GROWTH = 1.4
"""The pauses between looks at a task grow by this factor from the first to the longest."""

State = Literal["waiting", "done", "failed", "cancelled"]


class Task(msgspec.Struct, frozen=True):
    """A task as its provider tells of it. ``reason``: why it failed."""

    id: str
    state: State = "waiting"
    reason: str = ""

    @property
    def path(self) -> str:
        """Where a REST API has it, as most providers name the place."""
        return f"/jobs/{quote(self.id, safe='')}"


class Device(Protocol):
    """One device of a provider, with an account: an object lives for one run.

    Every call may raise ``QmkError``; ``submit`` raises ``http.Unanswered`` where the task may have been taken.
    """

    def request(self, program: Program, shots: int, seed: int) -> Any:
        """The request for a task, as JSON has it, without the tag."""
        ...

    def check(self, program: Program, shots: int) -> None:
        """Refuses what the device cannot do (``Unsupported`` too), and a device that is out of order. It is asked
        before a task is sent."""
        ...

    def find(self, tag: str) -> Task | None:
        """The task of that tag that waits, runs or is done; None where there is none, or only failed ones."""
        ...

    def submit(self, request: Any, tag: str) -> Task:
        """Sends a task."""
        ...

    def look(self, task: Task) -> Task:
        """The task as it is now."""
        ...

    def cancel(self, task: Task) -> None:
        """Asks the provider to stop it."""
        ...

    def bits(self, program: Program, task: Task, shots: int, seed: int) -> Bits:
        """The samples of a task that is done, shape (shots, n_cbits)."""
        ...


def tag_of(engine: str, device: str, request: Any, seed: int) -> str:
    """The name by which a task is found again: 40 characters."""
    named = msgspec.json.encode([engine, device, request, seed], order="deterministic")
    return f"qmk-{hashlib.sha256(named).hexdigest()[:36]}"


def submit_once(device: Device, request: Any, tag: str, check: Callable[[], None]) -> Task:
    """The task of that tag, sent if there is none. ``check`` is called before it is sent."""
    pause_s = http.FIRST_PAUSE_S
    for attempt in range(http.ATTEMPTS):
        found = device.find(tag)
        if found is not None:
            return found
        if attempt == 0:
            check()
        try:
            return device.submit(request, tag)
        except http.Unanswered:
            if attempt + 1 == http.ATTEMPTS:
                raise
        pause_s *= 2
        time.sleep(pause_s)  # a list of tasks may be older than its newest task
    raise AssertionError("the last attempt raises")


def complete(engine: str, device: Device, request: Any, tag: str, check: Callable[[], None]) -> Task:
    """Sends the task, or finds it, and waits for its end. An interrupt cancels it; an error of the way to the provider
    leaves it alone, as it may be fetched later. Raises ``QmkError`` for a task that failed or was cancelled."""
    task: Task | None = None
    with raise_on_sigterm():
        try:
            task = submit_once(device, request, tag, check)
            pause_s = FIRST_LOOK_S
            while task.state == "waiting":
                time.sleep(pause_s)
                pause_s = min(pause_s * GROWTH, LONGEST_LOOK_S)
                task = device.look(task)
        except (KeyboardInterrupt, SystemExit):
            _give_up(device, task, tag)
            raise
        except QmkError as error:
            if task is not None:
                error.fields["task"] = task.id
            raise
    if task.state == "done":
        return task
    why = f": {http.clean(task.reason)}" if task.reason else ""
    if task.state == "cancelled":
        raise QmkError(
            "JOB_CANCELLED", f"the provider of engine '{engine}' cancelled task {task.id}{why}", task=task.id
        )
    raise QmkError(
        "JOB_FAILED",
        f"task {task.id} failed at the provider of engine '{engine}'{why}",
        engine=engine,
        task=task.id,
        help="look at the reason; the same program with the same seed is sent anew",
    )


def _give_up(device: Device, task: Task | None, tag: str) -> None:
    """Cancels the task at the provider. One whose request was under way is searched for."""
    try:
        found = task or device.find(tag)
        if found is not None:
            device.cancel(found)
    except QmkError as error:
        print(f"the task of tag {tag} could not be cancelled: {error}", file=sys.stderr)  # noqa: T201


@contextlib.contextmanager
def raise_on_sigterm() -> Generator[None]:
    """Lets SIGTERM end the block with ``SystemExit``, so that a cancelled worker can cancel its task. Where the program
    around us has a handler of its own, and outside the main thread, nothing changes."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
