"""Answers calls, and shows results: from memory while they are recent, else from the journal."""

from __future__ import annotations

import logging
from typing import Any, Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.host import results
from qmk.host.journal import Journal
from qmk.host.states import InThread
from qmk.kernel import effects as fx

log = logging.getLogger("qmk.host")


class Replies(Protocol):
    """Where answers go. ``conn`` and ``ref`` are those of the call."""

    def answer(self, conn: int, ref: int, result: Any) -> None: ...
    def refuse(self, conn: int, ref: int, error: QmkError) -> None: ...


class ResultAnswers:
    """``recent`` are the results that are likely to be asked for; ``in_thread`` as for ``Committer``."""

    def __init__(self, journal: Journal, replies: Replies, in_thread: InThread | None) -> None:
        self.recent = results.RecentResults()
        self._journal = journal
        self._replies = replies
        self._in_thread = in_thread

    def answer(self, effect: fx.ReplyResult) -> None:
        """Answers from memory, or from the journal, which is read in a thread if that is in another process."""
        if self._in_thread is None or not self._journal.far or self.recent.get(effect.job) is not None:
            self._answer_result(effect, self._try_result(effect))
            return
        found: list[Any] = []
        self._in_thread(
            lambda: found.append(self._try_result(effect)), lambda error: self._answer_result(effect, error or found[0])
        )

    def _try_result(self, effect: fx.ReplyResult) -> Any:
        try:
            return self._result(effect)
        except QmkError as error:
            return error

    def _answer_result(self, effect: fx.ReplyResult, result: Any) -> None:
        if isinstance(result, QmkError):
            self._replies.refuse(effect.conn, effect.ref, result)
            return
        if isinstance(result, BaseException):
            log.error("reading the result of %s failed", effect.job, exc_info=result)
            error = QmkError("INTERNAL_ERROR", "a defect in QMK; the daemon's log has more")
            self._replies.refuse(effect.conn, effect.ref, error)
            return
        if effect.status is not None:
            result = msgspec.structs.replace(effect.status, result=result)
        self._replies.answer(effect.conn, effect.ref, result)

    def _result(self, effect: fx.ReplyResult) -> Any:
        recent = self.recent.get(effect.job)
        if recent is not None:
            return results.reply(effect.result, recent.head, effect.from_shot, recent.page)
        head = self._journal.head(effect.job)
        if head is None:
            raise QmkError("INTERNAL_ERROR", f"the result of {effect.job} is not in the store")
        return results.reply(
            effect.result, head, effect.from_shot, lambda number: self._journal.page(effect.job, number, head)
        )
