"""Whether a call whose daemon went away is made again, and when: one rule for both clients."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from qmk.abi.call import Call
from qmk.base.errors import QmkError

FIRST_DELAY_S = 0.02
LONGEST_DELAY_S = 0.5
HELD_S = 2.0


class Outage:
    """One call's attempts. ``patience_s`` counts from its first failure, and anew after an attempt that was held for
    long, as a wait is: the daemon was there. ``repeatable``: twice is as good as once."""

    def __init__(
        self,
        patience_s: float,
        call: Call,
        repeatable: bool | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s = patience_s
        self._repeatable = not call.journaled if repeatable is None else repeatable
        self._clock_s = clock_s
        self._deadline_s = 0.0
        self._begun_s = float("-inf")
        self._delay_s = FIRST_DELAY_S

    def delay_s(self, error: QmkError) -> float:
        """How long to wait before the next attempt. Raises ``error`` when there is not to be one: the daemon answered
        and meant it, the call may have been carried out and must not be twice, or patience has run out."""
        if not self._patience_s or not ((self._repeatable and is_outage(error)) or was_not_sent(error)):
            raise error
        now_s = self._clock_s()
        if now_s - self._begun_s >= HELD_S:
            self._deadline_s = now_s + self._patience_s
            self._delay_s = FIRST_DELAY_S
        if now_s >= self._deadline_s:
            raise error
        delay_s = min(self._delay_s, self._deadline_s - now_s)
        self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)
        self._begun_s = now_s + delay_s
        return delay_s


def is_outage(error: QmkError) -> bool:
    """The daemon is not there, is going, or can promise nothing more; another one may come."""
    if error.kind.name == "CONNECTION_LOST":
        return True
    return bool(error.fields.get("journal")) or error.fields.get("resource") == "daemon"


def was_not_sent(error: QmkError) -> bool:
    """Nobody has seen the call."""
    return error.fields.get("connected") is False or error.fields.get("resource") == "daemon"


def new_key() -> str:
    """An idempotency key, so that a submit can be made again."""
    return f"auto-{secrets.token_hex(16)}"
