"""What a user has chosen for the console: its theme, its clock, its first page, and what the form for programs has."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct

from qmk.base.errors import QmkError
from qmk.gateway.records import Record, Records

KIND = "console-settings"
STARTS = {"/jobs": "Jobs", "/submit": "Submit", "/queue": "Queue", "/devices": "Devices", "/guide": "Guide"}
"""Pages that can be the first."""
THEMES = {"": "as the system has it", "light": "light", "dark": "dark"}


class Preferences(Struct, frozen=True, omit_defaults=True):
    """``zone``: a time zone by its name, empty for UTC; ``engine``: empty for that of the router."""

    theme: Literal["", "light", "dark"] = ""
    zone: str = ""
    start: str = "/jobs"
    engine: str = ""
    shots: int = 1000

    def at(self, seconds: float) -> str:
        """Unix seconds as date and time in the zone."""
        if not self.zone:
            return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
        return datetime.fromtimestamp(seconds, ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S %Z")

    def check(self) -> None:
        """Raises INVALID_PARAMS for what cannot be chosen."""
        if self.start not in STARTS or self.theme not in THEMES:
            raise QmkError("INVALID_PARAMS", "the form asks for what cannot be chosen", field="start")
        if self.shots < 1:
            raise QmkError("INVALID_PARAMS", "shots are a whole number from 1 on", field="shots")
        try:
            ZoneInfo(self.zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            text, fix = (
                f"'{self.zone[:64]}' is not a time zone",
                "write a name such as Europe/Berlin, or nothing for UTC",
            )
            raise QmkError("INVALID_PARAMS", text, field="zone", help=fix) from None


async def read(records: Records, tenant: str, user: str) -> Preferences:
    record = await records.get(KIND, tenant, user)
    return Preferences() if record is None else msgspec.json.decode(record.body, type=Preferences)


async def keep(records: Records, tenant: str, user: str, chosen: Preferences) -> None:
    """Keeps what was chosen. Raises INVALID_PARAMS for what cannot be."""
    chosen.check()
    await records.put(KIND, tenant, Record(user, time.time(), msgspec.json.encode(chosen)))
