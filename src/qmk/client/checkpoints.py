"""What both clients do with a job under way or over: save, restore, move, take back, run again.

Each call's request is spelled once, as a function of the session; the two classes below only differ in waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.abi.call import Call
from qmk.abi.calls import q_checkpoint, q_migrate, q_replay, q_restore, q_rollback
from qmk.client.patience import new_key

Request = Callable[[str], Any]
"""The request of a session."""


def _checkpoint(job: str) -> tuple[Call, Request]:
    return q_checkpoint.CALL, lambda session: q_checkpoint.Request(session_id=session, job_id=job)


def _restore(checkpoint: str, key: str) -> tuple[Call, Request]:
    return q_restore.CALL, lambda session: q_restore.Request(
        session_id=session, checkpoint_id=checkpoint, idempotency_key=key
    )


def _migrate(job: str, region: str) -> tuple[Call, Request]:
    return q_migrate.CALL, lambda session: q_migrate.Request(session_id=session, job_id=job, region=region)


def _rollback(job: str, epoch: int) -> tuple[Call, Request]:
    return q_rollback.CALL, lambda session: q_rollback.Request(session_id=session, job_id=job, epoch=epoch)


def _replay(job: str, key: str) -> tuple[Call, Request]:
    return q_replay.CALL, lambda session: q_replay.Request(session_id=session, job_id=job, idempotency_key=key)


class Checkpoints:
    """The blocking calls."""

    _patience_s: float

    def _ask(self, call: Call, request: Request, repeatable: bool | None = None) -> Any:
        raise AssertionError("the client that this is a part of asks")

    def checkpoint(self, job: str) -> q_checkpoint.Reply:
        """Save a job at its next fence; answered when the state is stored. Raises NOT_CHECKPOINTABLE when it cannot be
        stopped, ALREADY_COMPLETED when it ended first."""
        return self._ask(*_checkpoint(job))

    def restore(self, checkpoint: str, idempotency_key: str = "") -> q_restore.Reply:
        """A new job that continues from a checkpoint, with the bits of the job that was saved."""
        key = _key(idempotency_key, self._patience_s)
        return self._ask(*_restore(checkpoint, key), repeatable=bool(key))

    def migrate(self, job: str, region: str) -> q_migrate.Reply:
        """Move a job to another worker and ``region`` at its next fence; answered when it has been placed there."""
        return self._ask(*_migrate(job, region))

    def rollback(self, job: str, epoch: int) -> q_rollback.Reply:
        """Take a job back to where ``epoch`` epochs were behind it; it goes on from there."""
        return self._ask(*_rollback(job, epoch))

    def replay(self, job: str, idempotency_key: str = "") -> q_replay.Reply:
        """A new job that reproduces the bits of an earlier one."""
        key = _key(idempotency_key, self._patience_s)
        return self._ask(*_replay(job, key), repeatable=bool(key))


class AsyncCheckpoints:
    """The same calls, awaited."""

    _patience_s: float

    async def _ask(self, call: Call, request: Request, repeatable: bool | None = None) -> Any:
        raise AssertionError("the client that this is a part of asks")

    async def checkpoint(self, job: str) -> q_checkpoint.Reply:
        """Save a job at its next fence."""
        return await self._ask(*_checkpoint(job))

    async def restore(self, checkpoint: str, idempotency_key: str = "") -> q_restore.Reply:
        """A new job that continues from a checkpoint."""
        key = _key(idempotency_key, self._patience_s)
        return await self._ask(*_restore(checkpoint, key), repeatable=bool(key))

    async def migrate(self, job: str, region: str) -> q_migrate.Reply:
        """Move a job to another worker and ``region`` at its next fence."""
        return await self._ask(*_migrate(job, region))

    async def rollback(self, job: str, epoch: int) -> q_rollback.Reply:
        """Take a job back to where ``epoch`` epochs were behind it."""
        return await self._ask(*_rollback(job, epoch))

    async def replay(self, job: str, idempotency_key: str = "") -> q_replay.Reply:
        """A new job that reproduces the bits of an earlier one."""
        key = _key(idempotency_key, self._patience_s)
        return await self._ask(*_replay(job, key), repeatable=bool(key))


def _key(given: str, patience_s: float) -> str:
    """A client that calls again needs a key, so that nothing is started twice."""
    return given or (new_key() if patience_s else "")
