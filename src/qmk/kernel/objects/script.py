"""What a job that is a script may do: what the session that submitted it could."""

from __future__ import annotations

import msgspec

from qmk.abi.token import Bounds

SESSION = "script:"
"""Begins the id of a script's session, which the id of its job ends. Its runs are listed under it too."""
HOST_UID = -2
"""The user of a script's session: no process that connects has it, only the host itself."""


class ScriptRights(msgspec.Struct, frozen=True):
    """``held``: rights of the session that submitted the script; ``serial``: of its token, "" without one, and
    ``bounds`` what that leaves."""

    held: tuple[str, ...]
    serial: str
    bounds: Bounds
