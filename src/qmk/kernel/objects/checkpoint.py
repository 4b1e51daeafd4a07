"""Checkpoint: a job's state at a fence, kept in the host's store under the hash of its content.

A job has at most one checkpoint that was taken for its own sake (so that a dead engine costs little, or because it
yielded); the next one replaces it and the job's end drops it. Those that somebody asked for are ``kept``: they go with
the job, or when their retention ends. Several checkpoints may name one blob; it can go when the last of them is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import structs

from qmk.kernel.scheduling import Index


class Checkpoint(msgspec.Struct, frozen=True):
    """``epoch``: epochs of the program behind the state. ``blob`` empty: the start of the program, which needs no
    state. ``ages_from_ns``: from when on its age counts, by the daemon's running clock; 0 until its job has ended."""

    id: str
    job: str
    tenant: str
    epoch: int
    blob: str
    size_bytes: int
    kept: bool
    saved_ns: int
    ages_from_ns: int = 0


class CheckpointTable:
    """All checkpoints. ``freed`` collects (checkpoint, blob) of those dropped, for the host to forget. ``keep`` is told
    how many bytes a tenant keeps more, or, when negative, less."""

    def __init__(self, keep: Callable[[str, int], None], listed: Index) -> None:
        self._keep = keep
        self.by_id: dict[str, Checkpoint] = {}
        self.freed: list[tuple[str, str]] = []
        self.listed = listed
        self._of_job: dict[str, dict[str, None]] = {}
        self._uses: dict[str, int] = {}
        self._kept_of: dict[str, int] = {}
        self._charged: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, checkpoint: Checkpoint) -> None:
        """Adds a checkpoint. An earlier one taken for the job's own sake is dropped."""
        assert checkpoint.id not in self.by_id, "the host gave the same entropy twice"
        self.by_id[checkpoint.id] = checkpoint
        self._of_job.setdefault(checkpoint.job, {})[checkpoint.id] = None
        if checkpoint.blob:
            self._uses[checkpoint.blob] = self._uses.get(checkpoint.blob, 0) + 1
        self._count(checkpoint, 1)
        self.drop_passing(checkpoint.job, but=checkpoint.id)

    def of_job(self, job: str) -> list[Checkpoint]:
        """The job's checkpoints, oldest first."""
        ids = self._of_job.get(job)
        return [self.by_id[id] for id in ids] if ids else []

    def latest(self, job: str, epoch: int) -> Checkpoint | None:
        """The newest checkpoint of the job that is not past ``epoch``."""
        return next((row for row in reversed(self.of_job(job)) if row.epoch <= epoch), None)

    def kept_of(self, tenant: str) -> int:
        """How many checkpoints the tenant asked for and still has."""
        return self._kept_of.get(tenant, 0)

    def list_kept(self, tenant: str) -> list[Checkpoint]:
        """Those that the tenant asked for and still has, oldest first."""
        return [self.by_id[id] for id in self.listed.oldest(("tenant", tenant))]

    def tenants(self) -> list[str]:
        """The tenants that asked for any."""
        return list(self._kept_of)

    def holds(self, tenant: str, blob: str) -> bool:
        """Whether a checkpoint of the tenant names the blob: another one that does costs nothing more."""
        return not blob or (tenant, blob) in self._charged

    def uses(self, blob: str) -> bool:
        """Whether any checkpoint names the blob."""
        return blob in self._uses

    def drop(self, id: str) -> None:
        """Removes it, if it is there."""
        checkpoint = self.by_id.pop(id, None)
        if checkpoint is None:
            return
        rows = self._of_job[checkpoint.job]
        del rows[id]
        if not rows:
            del self._of_job[checkpoint.job]
        self._count(checkpoint, -1)
        if not checkpoint.blob:
            return
        self.freed.append((id, checkpoint.blob))
        self._uses[checkpoint.blob] -= 1
        if not self._uses[checkpoint.blob]:
            del self._uses[checkpoint.blob]

    def drop_passing(self, job: str, but: str = "") -> None:
        """Removes what was taken for the job's own sake."""
        for row in self.of_job(job):
            if not row.kept and row.id != but:
                self.drop(row.id)

    def age(self, job: str, from_ns: int, skew_ns: int) -> None:
        """The job has ended: from now on what it keeps grows old."""
        for row in self.of_job(job):
            self.by_id[row.id] = structs.replace(row, ages_from_ns=max(row.saved_ns, from_ns) - skew_ns)

    def drop_job(self, job: str) -> None:
        for row in self.of_job(job):
            self.drop(row.id)

    def snapshot(self) -> dict[str, Any]:
        return dict(self.by_id)

    def _count(self, checkpoint: Checkpoint, sign: int) -> None:
        """The tenant pays for each state once, from its first checkpoint with it to the last."""
        tenant, blob = checkpoint.tenant, checkpoint.blob
        if checkpoint.kept:
            self._kept_of[tenant] = self._kept_of.get(tenant, 0) + sign
            if not self._kept_of[tenant]:
                del self._kept_of[tenant]
            for group in ("tenant", tenant), ("job", checkpoint.job):
                (self.listed.put if sign > 0 else self.listed.drop)(group, checkpoint.saved_ns, checkpoint.id)
        if not blob:
            return
        names, size = self._charged.get((tenant, blob), (0, checkpoint.size_bytes))
        self._charged[tenant, blob] = (names + sign, size)
        if names + sign == 0:
            del self._charged[tenant, blob]
        if min(names, names + sign) == 0:
            self._keep(tenant, sign * size)
