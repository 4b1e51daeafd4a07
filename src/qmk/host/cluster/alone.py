"""The end of a slot that no daemon listens to."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from qmk.host.cluster.local import LOOK_S, ORPHAN_S

if TYPE_CHECKING:
    from qmk.host.cluster.runner import Runner


async def end_alone(runner: Runner) -> None:
    """Ends the process once no daemon has listened for ``ORPHAN_S``."""
    while time.monotonic() < runner.heard_s + ORPHAN_S:
        await asyncio.sleep(LOOK_S)
    await runner.close()
    os._exit(0)
