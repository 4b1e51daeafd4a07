"""The calls about a job under way or over: save, restore, move, take back, run again, and its program."""

from __future__ import annotations

from qmk.abi.calls import q_checkpoint, q_migrate, q_program, q_replay, q_restore, q_rollback
from qmk.client.asking import Asks
from qmk.client.patience import new_key


class Checkpoints(Asks):
    """Calls about checkpoints of jobs, and about what they can be run again from."""

    async def checkpoint(self, job: str) -> q_checkpoint.Reply:
        """Save a job at its next fence; answered when the state is stored. Raises NOT_CHECKPOINTABLE when it cannot be
        stopped, ALREADY_COMPLETED when it ended first."""
        return await self._ask(q_checkpoint.CALL, job_id=job)

    async def restore(self, checkpoint: str, idempotency_key: str = "") -> q_restore.Reply:
        """A new job that continues from a checkpoint, with the bits of the job that was saved."""
        key = _key(idempotency_key, self._patience_s)
        return await self._ask(q_restore.CALL, bool(key), checkpoint_id=checkpoint, idempotency_key=key)

    async def migrate(self, job: str, region: str) -> q_migrate.Reply:
        """Move a job to another worker and ``region`` at its next fence; answered when it has been placed there."""
        return await self._ask(q_migrate.CALL, job_id=job, region=region)

    async def rollback(self, job: str, epoch: int) -> q_rollback.Reply:
        """Take a job back to where ``epoch`` epochs were behind it; it goes on from there."""
        return await self._ask(q_rollback.CALL, job_id=job, epoch=epoch)

    async def replay(self, job: str, idempotency_key: str = "") -> q_replay.Reply:
        """A new job that reproduces the bits of an earlier one."""
        key = _key(idempotency_key, self._patience_s)
        return await self._ask(q_replay.CALL, bool(key), job_id=job, idempotency_key=key)

    async def program(self, job: str) -> q_program.Reply:
        """The program of a job as it runs, as text that ``submit`` reads."""
        return await self._ask(q_program.CALL, job_id=job)


def _key(given: str, patience_s: float) -> str:
    """A client that calls again needs a key, so that nothing is started twice."""
    return given or (new_key() if patience_s else "")
