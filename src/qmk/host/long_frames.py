"""Programs that are read in a translator process: those of calls with source text, and those of long frames. Of a frame
the calls are read first, then the programs that are not known."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from qmk.base.errors import QmkError
from qmk.host.translations import FrameRead, ReadCall, ReadProgram, Translated, Wanted
from qmk.host.transport import Connection
from qmk.rpc import frame
from qmk.rpc.key import Key

log = logging.getLogger("qmk.calls")


@dataclass(frozen=True, slots=True)
class Reading:
    """A call whose program is still to be read."""

    connection: Connection
    ref: int
    decoded: frame.Decoded
    key: Key


class Calls(Protocol):
    """What takes the calls, and goes on with them."""

    def take_frame(self, connection: Connection, read: frame.Frame) -> list[Reading]:
        """Takes the calls of a frame, and gives those whose programs are still to be read."""
        ...

    def wanted_of(self, reading: Reading) -> Wanted | None:
        """What is wanted of the program; None when nobody waits for it any more."""
        ...

    def go_on(self, reading: Reading, wanted: Wanted, found: Translated | None, error: QmkError | None) -> None:
        """Goes on with a call whose program was read, or could not be."""
        ...


class LongFrame:
    """Hears of one frame from the translator (``translation.Then``), and says what is to be read next."""

    def __init__(self, calls: Calls, connection: Connection) -> None:
        self._calls = calls
        self._connection = connection
        self._left: deque[Reading] | None = None
        self._asked = Wanted()
        self._fence = 0

    def __call__(self, found: FrameRead | Translated | None, error: QmkError | None) -> ReadProgram | None:
        if self._left is None:
            try:
                read = _frame_of(found, error)
            except Exception:
                log.exception("a translator's frame cannot be read")
                read = _refusal(QmkError("INTERNAL_ERROR", "a defect in QMK's reader of frames"))
            self._left = deque(self._calls.take_frame(self._connection, read))
            self._fence = 0 if found is None else found.fence
        else:
            assert not isinstance(found, FrameRead)
            self._calls.go_on(self._left.popleft(), self._asked, found, error)
        while self._left:
            wanted = self._calls.wanted_of(self._left[0])
            if wanted is not None:
                self._asked = wanted
                return ReadProgram(self._fence, self._left[0].decoded.index, wanted)
            self._left.popleft()
        return None


def _frame_of(found: FrameRead | Translated | None, error: QmkError | None) -> frame.Frame:
    if not isinstance(found, FrameRead):
        assert error is not None
        return _refusal(error)
    return frame.Frame([_call_of(call, index) for index, call in enumerate(found.calls)], found.batch)


def _refusal(error: QmkError) -> frame.Frame:
    return frame.Frame([frame.Decoded(frame.NULL_ID, error=error)])


def _call_of(call: ReadCall, index: int) -> frame.Decoded:
    if call.error is not None:
        why = call.error
        return frame.Decoded(call.id, error=QmkError(why.kind, why.message, **why.fields))
    return frame.without_program(call.id, call.method, call.params, call.key, index)
