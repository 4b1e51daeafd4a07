"""Programs that hold a worker, by level: each is one way to start the same process, with the same channel."""

from __future__ import annotations

from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host.isolation.drivers.bubblewrap import Bubblewrap
from qmk.host.isolation.drivers.driver import Driver
from qmk.host.isolation.drivers.gvisor import GVisor

DRIVERS: dict[Level, Driver] = {"gvisor": GVisor()}
"""Those that hold engines. At level ``jail`` a zygote forks workers, which costs less."""
FOR_SCRIPTS: dict[Level, Driver] = {"jail": Bubblewrap(), "gvisor": DRIVERS["gvisor"]}
"""Those that hold native scripts."""


def driver_for_scripts(level: Level) -> Driver:
    """What holds a native script at this level. Raises UNSUPPORTED with the reason, and the fix."""
    driver = FOR_SCRIPTS.get(level)
    if driver is None:
        names = ", ".join(f"'{name}'" for name in FOR_SCRIPTS)
        fix = f"use 'wasm', or for native Python {names}"
        raise QmkError("UNSUPPORTED", f"scripts do not run at isolation level '{level}'", isolation=level, help=fix)
    found = driver.probe()
    if not found.available:
        message = f"isolation level '{level}' is not available here: {found.reason}"
        raise QmkError("UNSUPPORTED", message, isolation=level, help=found.fix)
    return driver
