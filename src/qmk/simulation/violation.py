"""What a simulation ends with when a promise was broken, and what a daemon ends with when it crashes."""

from __future__ import annotations


class Violation(BaseException):
    """An invariant does not hold. No ``Exception``, so that the host, which survives defects, does not survive this."""

    def __init__(self, invariant: str, message: str) -> None:
        super().__init__(f"{invariant}: {message}")
        self.invariant = invariant
        self.message = message


class Crash(BaseException):
    """The daemon ends here, in the middle of whatever it does. ``power``: the machine does."""

    def __init__(self, power: bool = False) -> None:
        super().__init__("power failure" if power else "kill -9")
        self.power = power
