"""Answers calls, and shows results: from memory while they are recent, else from the journal, beside the loop."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.formats import json_codec
from qmk.host import results
from qmk.host.journal import Journal
from qmk.host.results import Head, PackedHead, Result
from qmk.host.states import InThread, at_once
from qmk.kernel import effects as fx
from qmk.qvm.graph import unpack
from qmk.worker.messages import Partial

log = logging.getLogger("qmk.host")
PROGRAM_BYTES = LIMITS.frame_bytes // 2
"""Longest text of a program that is answered: within a frame its quotes are doubled."""
Make = Callable[[], Any]
"""Makes an answer, or the error that is the answer; it does not raise."""


class Replies(Protocol):
    """Where answers go. ``conn`` and ``ref`` are those of the call."""

    def answer(self, conn: int, ref: int, result: Any) -> None: ...
    def refuse(self, conn: int, ref: int, error: QmkError) -> None: ...


class Makers(Protocol):
    """Who has answers made."""

    def in_turn(self, conn: int, ref: int, make: Make) -> None:
        """Has a small answer made, now or when it is the turn of its connection."""
        ...

    def in_thread(self, conn: int, ref: int, make: Make, then: Callable[[], None]) -> None:
        """Has an answer made in a thread; ``then`` is called once ``make`` was called, or will not be."""
        ...


class PlainMakers:
    """Has answers made at once, or in threads where there are threads, whatever their peers have taken of others."""

    def __init__(self, replies: Replies, in_thread: InThread | None = None) -> None:
        self._replies = replies
        self._do = in_thread or at_once

    def in_turn(self, conn: int, ref: int, make: Make) -> None:
        self._reply(conn, ref, make())

    def in_thread(self, conn: int, ref: int, make: Make, then: Callable[[], None]) -> None:
        found: list[Any] = []

        def on_made(error: BaseException | None) -> None:
            self._reply(conn, ref, found[0] if error is None else error)
            then()

        self._do(lambda: found.append(make()), on_made)

    def _reply(self, conn: int, ref: int, found: Any) -> None:
        if isinstance(found, QmkError):
            self._replies.refuse(conn, ref, found)
        else:
            self._replies.answer(conn, ref, found)


class ResultAnswers:
    """``recent`` are the results that are likely to be asked for, ``partials`` what launches that are out gave so far.
    No result is forgotten while an answer reads it from the journal."""

    def __init__(self, journal: Journal, makers: Makers, partials: Mapping[tuple[str, int], Partial]) -> None:
        self.recent = results.RecentResults()
        self._journal = journal
        self._makers = makers
        self._partials = partials
        self._read_by: Counter[str] = Counter()
        self._to_forget: dict[str, Callable[[], None]] = {}

    def answer(self, effect: fx.ReplyResult) -> None:
        if effect.fence:
            partial_now = self._partials.get((effect.job, effect.fence), Partial(0))
            self._makers.in_turn(effect.conn, effect.ref, lambda: results.partial_reply(effect.result, partial_now))
            return
        recent = self.recent.get(effect.job)
        if recent is not None:
            self._makers.in_turn(effect.conn, effect.ref, partial(self._make, effect, recent))
            return
        self._read_by[effect.job] += 1
        then = partial(self._on_read, effect.job)
        self._makers.in_thread(effect.conn, effect.ref, partial(self._make, effect, None), then)

    def _on_read(self, job: str) -> None:
        self._read_by[job] -= 1
        if not self._read_by[job]:
            del self._read_by[job]
            if job in self._to_forget:
                self._to_forget.pop(job)()

    def forget(self, job: str, forget: Callable[[], None]) -> None:
        """Calls ``forget`` once no answer reads the result any more."""
        self.recent.drop(job)
        if job in self._read_by:
            self._to_forget[job] = forget
        else:
            forget()

    def _make(self, effect: fx.ReplyResult, recent: Result | None) -> Any:
        try:
            result = self._read(effect) if recent is None else _show(effect, recent.head, recent.page)
        except QmkError as error:
            return error
        except Exception:
            log.exception("reading the result of %s failed", effect.job)
            return QmkError("INTERNAL_ERROR", "a defect in QMK; the daemon's log has more")
        return result if effect.status is None else msgspec.structs.replace(effect.status, result=result)

    def _read(self, effect: fx.ReplyResult) -> Any:
        packed = self._journal.packed_head(effect.job)
        if packed is None:
            raise QmkError("INTERNAL_ERROR", f"the result of {effect.job} is not in the store")
        head = results.open_head(packed)
        return _show(effect, head, lambda number: self._journal.page(effect.job, number, head))


class ProgramAnswers:
    """``graph`` gives a job's packed graph. It becomes text beside the loop: a long one takes seconds."""

    def __init__(self, graph: Callable[[str], bytes], makers: Makers) -> None:
        self._graph, self._makers = graph, makers

    def answer(self, effect: fx.ReplyProgram) -> None:
        packed = self._graph(effect.reply.job_id)
        self._makers.in_thread(effect.conn, effect.ref, partial(_show_program, effect, packed), lambda: None)


def _show_program(effect: fx.ReplyProgram, packed: bytes) -> Any:
    from qmk.models.qec.logical.patches import program_of

    try:
        text = json_codec.encode(program_of(unpack(packed))).decode()
    except Exception:
        log.exception("reading the program of %s failed", effect.reply.job_id)
        return QmkError("INTERNAL_ERROR", "a defect in QMK; the daemon's log has more")
    if len(text) > PROGRAM_BYTES:
        help = "keep the text that was submitted"
        return QmkError(
            *("QUOTA_EXCEEDED", f"the program has {len(text)} characters, an answer {PROGRAM_BYTES}"),
            asked=len(text),
            limit=PROGRAM_BYTES,
            retryable=False,
            help=help,
        )
    return msgspec.structs.replace(effect.reply, text=text)


def _show(effect: fx.ReplyResult, head: Head | PackedHead, page: Callable[[int], bytes | memoryview]) -> Any:
    return results.reply(effect.result, head, effect.from_shot, page)
