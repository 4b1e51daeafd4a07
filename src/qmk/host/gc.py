"""Collects what nobody needs, beside a running daemon or without one: blobs that nothing names, drafts of a crash.

What is needed is asked of those who know: the journal's rows name graphs and results, the kernel's checkpoints name
states, and a state on its way into the store is in ``States``. So nothing is spared for being young and nothing that a
batch under way is about to name is lost. Which jobs are past their time is for the kernel to say. The ledger and the
audit log are never collected: a bill and a proof are made from them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import msgspec

from qmk.abi.operator import op_gc
from qmk.host.blobs import Found
from qmk.host.journal import Journal
from qmk.host.states import InThread, at_once
from qmk.kernel.effects import Collect, DropBlob
from qmk.kernel.objects.checkpoint import CheckpointTable

log = logging.getLogger("qmk.gc")
MISSING_SHOWN = 100


class Deleting(Protocol):
    """Who deletes blobs that no checkpoint names, but for those that are just coming in."""

    def drop_unused(self, blobs: Iterable[str], then: Callable[[list[str]], None] | None = None) -> None: ...


class _Survey(msgspec.Struct):
    """What the store and the rows have. ``missing`` are blobs that rows name and the store has not got."""

    named: set[str] = set()
    rows: list[tuple[str, str]] = []
    found: list[Found] = []
    drafts: tuple[int, int] = (0, 0)
    missing: list[str] = []


class Collector:
    """``drop_row`` has the journal forget a checkpoint that the kernel does not know; ``in_thread`` as for
    ``Committer``."""

    def __init__(
        self,
        journal: Journal,
        deleting: Deleting,
        checkpoints: CheckpointTable,
        drop_row: Callable[[DropBlob], None],
        in_thread: InThread | None,
    ) -> None:
        self._journal = journal
        self._deleting = deleting
        self._checkpoints = checkpoints
        self._drop_row = drop_row
        self._do = in_thread or at_once

    def collect(self, wish: Collect, then: Callable[[op_gc.Reply | BaseException], None]) -> None:
        """Carries out ``wish``; the jobs that it names are forgotten by now, unless it is a dry run."""
        survey = _Survey()

        def on_survey(error: BaseException | None) -> None:
            if error is not None:
                then(error)
            else:
                self._collect(wish, survey, then)

        self._do(lambda: self._look(wish, survey), on_survey)

    def _look(self, wish: Collect, survey: _Survey) -> None:
        """Reads names before files, so that what is named in the meantime is there already."""
        journal = self._journal
        without = wish.jobs if wish.dry_run else ()
        survey.named = journal.blobs_named(without)
        survey.rows = journal.checkpoints()
        survey.found = list(journal.blobs.list_blobs())
        survey.drafts = journal.blobs.drafts(remove=not wish.dry_run)
        gone = survey.named.difference(found.name for found in survey.found)
        survey.missing = sorted(gone & journal.blobs_named(without)) if gone else []

    def _collect(self, wish: Collect, survey: _Survey, then: Callable[[op_gc.Reply | BaseException], None]) -> None:
        table = self._checkpoints
        going = set(wish.jobs) if wish.dry_run else set[str]()
        states = {row.blob for row in table.by_id.values() if row.blob and row.job not in going}
        here = {found.name for found in survey.found}
        lost = [name for name in states - here if not self._journal.blobs.has(name)]
        unneeded = [found for found in survey.found if found.name not in survey.named and found.name not in states]
        missing = sorted({*survey.missing, *lost})
        if wish.dry_run:
            then(_reply(wish, survey, {found.name for found in unneeded}, states, missing))
            return
        for id, blob in survey.rows:
            if id not in table.by_id:
                self._drop_row(DropBlob(id, blob))
        names = [found.name for found in unneeded]
        self._deleting.drop_unused(names, lambda gone: then(_reply(wish, survey, set(gone), states, missing)))


def _reply(
    wish: Collect, survey: _Survey, gone: Collection[str], states: Collection[str], missing: list[str]
) -> op_gc.Reply:
    sizes = {found.name: found.size_bytes for found in survey.found}
    kept = sizes.keys() - gone
    if missing:
        log.error("%d blobs are named and not there; 'qmk gc --dry-run' lists them", len(missing))
    return op_gc.Reply(
        dry_run=wish.dry_run,
        jobs=len(wish.jobs),
        job_bytes=wish.job_bytes,
        blobs=len(gone),
        blob_bytes=sum(sizes[name] for name in gone),
        drafts=survey.drafts[0],
        draft_bytes=survey.drafts[1],
        kept_jobs=wish.kept_jobs,
        going_jobs=wish.going_jobs,
        kept_blobs=len(kept),
        kept_blob_bytes=sum(sizes[name] for name in kept),
        kept_states=len(kept & set(states)),
        kept_state_bytes=sum(sizes[name] for name in kept & set(states)),
        missing=missing[:MISSING_SHOWN],
    )
