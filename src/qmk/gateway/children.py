"""Processes that the gateway starts to read strangers' programs: one question each, killed after a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator
from weakref import WeakValueDictionary

from qmk.base.errors import QmkError
from qmk.sdk.interpreters import child_environment

log = logging.getLogger("qmk.gateway")
WAITING = 16
"""Most questions of one tenant that are being answered or wait for it."""


class ChildFailed(Exception):
    """Nothing came of a process, for a reason that is of no one program."""


class Turns:
    """One process at a time. Every tenant has its turn: of each, one question at a time stands in the queue, so that
    nobody waits for more than one of each other tenant."""

    def __init__(self) -> None:
        self._one = asyncio.Semaphore(1)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def take(self, tenant: str) -> AsyncGenerator[None]:
        """Wait for this tenant's turn, and hold it."""
        async with self._turns.setdefault(tenant, asyncio.Lock()), self._one:
            yield


class Children:
    """Questions that their askers wait for."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._waiting: Counter[str] = Counter()

    async def ask(self, tenant: str, module: str, question: bytes, seconds: float) -> bytes:
        """What ``run_child`` gives, in this tenant's turn. Raises QUOTA_EXCEEDED where it has enough in the queue, or
        the answer takes too long, and INTERNAL_ERROR."""
        if self._waiting[tenant] >= WAITING:
            raise QmkError("QUOTA_EXCEEDED", f"{WAITING} such requests of this tenant wait already", limit=WAITING)
        self._waiting[tenant] += 1
        try:
            async with self._turns.take(tenant):
                return await run_child(module, question, seconds)
        except TimeoutError:
            text = f"it takes more than {seconds:g} s"
            raise QmkError("QUOTA_EXCEEDED", text, retryable=False, help="send a smaller program") from None
        except ChildFailed as error:
            raise QmkError("INTERNAL_ERROR", str(error)) from error
        finally:
            self._waiting[tenant] -= 1
            if not self._waiting[tenant]:
                del self._waiting[tenant]


async def run_child(module: str, question: bytes, seconds: float) -> bytes:
    """What ``python -m module`` writes, given the question. One that was killed before it said a word is started once
    more. Raises ``ChildFailed``, and ``TimeoutError``."""
    for again in (True, False):
        status, out, words = await _run_once(module, question, seconds)
        if status == 0:
            return out
        last = words[-4096:].decode("utf-8", "replace")
        log.error("%s ended with %s; its last words:\n%s", module, status, last)
        if status > 0 or out or words or not again:
            break
    raise ChildFailed(f"{module} failed; the gateway's log has the details")


async def _run_once(module: str, question: bytes, seconds: float) -> tuple[int, bytes, bytes]:
    """Its status, and what it wrote to standard output and to standard error. The question lies in a file: a pipe to a
    process that has just been killed is an error of the event loop's, not of ours."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-P", "-m", module]
    try:
        with tempfile.TemporaryFile() as asked:
            asked.write(question)
            asked.seek(0)
            child = await asyncio.create_subprocess_exec(
                *command, stdin=asked, stdout=pipe, stderr=pipe, env=child_environment(), start_new_session=True
            )
    except OSError as error:
        raise ChildFailed(f"cannot start {module}: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            out, words = await child.communicate()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await asyncio.shield(child.wait())
    assert child.returncode is not None
    return child.returncode, out, words
